"""Cards in: what is taken, how it is sealed, and what may be said about it afterwards without its number."""

import asyncio
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lockgate.kernel import card_ranges, clock, ids
from lockgate.kernel.batch import Batcher
from lockgate.kernel.luhn import luhn_valid
from lockgate.kernel.testcards import is_published, is_synthetic, script_of
from lockgate.vault import bins, crypto
from lockgate.vault.cvc import CvcMemory
from lockgate.vault.keys import Keyring, SealedRecord
from lockgate.vault.refusal import Refused
from lockgate.vault.sealing import SealRefused
from lockgate.vault.store import CardRow, Store

PROVISIONAL_MS = 24 * 3600 * 1000
_KIND = "card"
_ALIASES_AT_ONCE = 256
_NUMBER = re.compile(r"[0-9]{12,19}")
_CVC = re.compile(r"[0-9]{3,4}")
_SEALED_CONTEXT = ("account", "intent", "iat")  # checked when the blob was opened
_FARTHEST_YEARS = 50
_SHOWN = (
    "token", "brand", "bin", "last4", "exp_month", "exp_year", "fingerprint", "funding", "country", "alias",
    "test_number",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Card:
    """One card in clear. It exists inside one call and is never kept."""

    number: str = field(repr=False)
    exp_month: int
    exp_year: int
    cvc: str | None = field(default=None, repr=False)


class Cards:
    """Tokenises, describes, commits and revokes."""

    def __init__(self, store: Store, keyring: Keyring, *, cvcs: CvcMemory, profile: str) -> None:
        self._store = store
        self._keyring = keyring
        self._cvcs = cvcs
        self._production = profile == "production"
        self._inserts: Batcher[CardRow, bool] = Batcher(store.insert_cards, cap=256, lanes=2)
        self._aliases: dict[str, list[int]] = {}
        self._reserving = asyncio.Lock()

    async def tokenize_test(self, account: str, card: Any) -> dict[str, Any]:
        """A token for a published test number given in clear, as test mode's API may."""
        checked = read_card(card)
        _check_allowed(checked.number, livemode=False, production=self._production)
        return await self._keep(account, False, card=checked)

    async def tokenize_sealed(
        self, account: str, livemode: bool, *, blob: str, intent: str | None
    ) -> dict[str, Any]:
        """A token for a card sealed to the vault's key. The same blob in the same context gives the same token."""
        try:
            opened = await self._keyring.open_sealed(blob, account=account, intent=intent)
        except SealRefused as refusal:
            raise Refused("expired" if refusal.code == "expired" else "invalid_seal", str(refusal)) from None
        checked = read_card({name: value for name, value in json.loads(opened).items() if name not in _SEALED_CONTEXT})
        _check_allowed(checked.number, livemode=livemode, production=self._production)
        digest = crypto.sha256(blob.encode())
        context = crypto.sha256(crypto.bind("sealed context", account, str(livemode), intent or ""))
        return await self._keep(account, livemode, card=checked, intent=intent, blob_digest=digest, context=context)

    async def describe(self, account: str, token: str) -> dict[str, Any]:
        row = await self._store.card(account, token)
        if row is None:
            raise Refused("not_found", "no such token")
        check_usable(row, now_ms=clock.now_ms())
        return self._shown(row)

    async def commit(self, account: str, tokens: list[str], *, subject: str | None) -> list[str]:
        """Make provisional tokens stay; those of ``tokens`` that are live cards of this account."""
        kept = await self._store.commit_tokens(account, tokens, subject=subject, now_ms=clock.now_ms())
        return [token for token in tokens if token in kept]

    async def revoke(self, account: str, token: str) -> bool:
        self._cvcs.wipe(account, token)
        return await self._store.revoke(account, token, now_ms=clock.now_ms())

    async def open(self, account: str, row: Mapping[str, Any]) -> Card:
        """The card in clear, for the one order that carries it."""
        sealed = SealedRecord(row["wrapped_dek"], row["ciphertext"], row["kek_version"])
        number = (await self._keyring.open_record(account, _KIND, row["token"], sealed)).decode("ascii")
        return Card(number, row["exp_month"], row["exp_year"])

    async def purge(self) -> int:
        """Delete provisional cards that no commit has used in time."""
        return await self._store.purge_expired(now_ms=clock.now_ms())

    async def close(self) -> None:
        await self._inserts.close()

    async def _keep(
        self,
        account: str,
        livemode: bool,
        *,
        card: Card,
        intent: str | None = None,
        blob_digest: bytes | None = None,
        context: bytes | None = None,
    ) -> dict[str, Any]:
        token = f"tok_v{ids.random_token(24)}"
        issuer = bins.issuer_of(card.number)
        sealed = await self._keyring.seal_record(account, _KIND, token, token, card.number.encode("ascii"))
        last4, now_ms = card.number[-4:], clock.now_ms()
        row = CardRow(
            account=account,
            token=token,
            livemode=livemode,
            subject=token,
            brand=issuer.brand,
            bin=card.number[:6],
            last4=last4,
            exp_month=card.exp_month,
            exp_year=card.exp_year,
            funding=issuer.funding,
            country=issuer.country,
            fingerprint=await self._keyring.fingerprint(account, card.number),
            alias=await self._keyring.alias(account, await self._alias_number(account), len(card.number), last4),
            test_number=issuer.test_name,
            kek_version=sealed.kek_version,
            wrapped_dek=sealed.wrapped_dek,
            ciphertext=sealed.ciphertext,
            blob_digest=blob_digest,
            context_digest=context,
            created_ms=now_ms,
            expires_ms=now_ms + PROVISIONAL_MS,
        )
        if not await self._inserts.submit(row):
            assert blob_digest is not None, "only a blob can be there twice"
            return await self._again(account, blob_digest, context=context)
        if card.cvc is not None:
            self._cvcs.keep(account, token, card.cvc, now=clock.monotonic(), intent=intent)
        return self._shown({name: getattr(row, name) for name in ("account", *_SHOWN)})

    async def _again(self, account: str, digest: bytes, *, context: bytes | None) -> dict[str, Any]:
        """The card made from this blob before. Its code is not put back: it may have been used up meanwhile."""
        row = await self._store.card_by_blob(account, digest)
        if row is None or row["context_digest"] != context:
            raise Refused("refused", "this sealed card was used in another context")
        check_usable(row, now_ms=clock.now_ms())
        return self._shown(row)

    async def _alias_number(self, account: str) -> int:
        spare = self._aliases.setdefault(account, [])
        while not spare:
            async with self._reserving:  # one at a time, or each of those that wait would reserve for itself
                if not spare:
                    spare.extend(reversed(await self._store.reserve_aliases(account, _ALIASES_AT_ONCE)))
        return spare.pop()

    def _shown(self, row: Mapping[str, Any]) -> dict[str, Any]:
        shown = {name: row[name] for name in _SHOWN}
        shown["has_cvc"] = self._cvcs.has(row["account"], row["token"], now=clock.monotonic())
        return shown


def read_card(card: Any) -> Card:
    """A card as a caller gave it, or Refused with the reason the dialect knows. No message shows a digit."""
    if not isinstance(card, Mapping) or not set(card) <= {"number", "exp_month", "exp_year", "cvc"}:
        raise Refused("invalid_card", "a card has number, exp_month, exp_year and perhaps cvc", reason="invalid_number")
    number, month, year, cvc = (card.get(name) for name in ("number", "exp_month", "exp_year", "cvc"))
    if not isinstance(number, str) or not _NUMBER.fullmatch(number):
        raise Refused("invalid_card", "the number is not a card number", reason="invalid_number")
    if not luhn_valid(number):
        raise Refused("invalid_card", "the number's check digit is wrong", reason="incorrect_number")
    if type(month) is not int or not 1 <= month <= 12:
        raise Refused("invalid_card", "the expiry month is not 1 to 12", reason="invalid_expiry_month")
    today = datetime.fromtimestamp(clock.now(), UTC)
    if type(year) is not int or not today.year <= year <= today.year + _FARTHEST_YEARS:
        raise Refused("invalid_card", "the expiry year is past or too far off", reason="invalid_expiry_year")
    if (year, month) < (today.year, today.month):
        raise Refused("invalid_card", "the card has expired", reason="invalid_expiry_month")
    if cvc is not None and not (isinstance(cvc, str) and _CVC.fullmatch(cvc) and _fits(cvc, number)):
        raise Refused("invalid_card", "the security code has the wrong form", reason="invalid_cvc")
    return Card(number, month, year, cvc)


def check_usable(row: Mapping[str, Any], *, now_ms: int) -> None:
    """Refuse a token that was revoked, ran out, or whose key was destroyed."""
    if row["revoked_ms"] is not None:
        raise Refused("gone", "the token was revoked")
    if row["wrapped_dek"] is None:
        raise Refused("gone", "the card's key was destroyed")
    if row["expires_ms"] is not None and row["expires_ms"] <= now_ms:
        raise Refused("expired", "the provisional token has expired")


def _fits(cvc: str, number: str) -> bool:
    # American Express prints four digits, and merchants also send the three of its back: both are taken there.
    return len(cvc) == 3 or len(cvc) == bins.CVC_LENGTH.get(card_ranges.brand_of(number), 3)


def _check_allowed(number: str, *, livemode: bool, production: bool) -> None:
    """Which numbers a mode takes: live mode real ones, or in a sandbox synthetic ones; test mode the published ones,
    and in a sandbox the scripted among the synthetic."""
    if not livemode:
        allowed = is_published(number) or (not production and script_of(number) is not None)
    elif production:
        allowed = not is_published(number) and not is_synthetic(number) and card_ranges.card_like(number)
    else:
        allowed = is_synthetic(number)
    if not allowed:
        raise Refused("refused", "this mode does not take this card number", reason="number_not_allowed")
