"""Idempotency keys at the door: what a repeated request is told, and how answers are kept for it, encrypted."""

import hmac
import json
import os
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.idempotency import KEPT_S, find, forget
from lockgate.gateway.storage.packing import pack, unpack_bytes
from lockgate.gateway.web.ports import Box, Settle
from lockgate.kernel import clock
from lockgate.kernel.card_ranges import holds_card
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Answer, Call, Claim, kept_key
from lockgate.kernel.principal import Principal

MAX_KEY_LENGTH = 255
_PURPOSE = "answers"
_MARK = b"\x01"
_NONCE_BYTES = 12


def read_key(raw: bytes) -> str:
    """The Idempotency-Key header: 1 to 255 printable ASCII characters, and no card's number: it is stored as it is."""
    if not 1 <= len(raw) <= MAX_KEY_LENGTH or not raw.isascii() or not raw.decode("ascii").isprintable():
        raise invalid(f"An Idempotency-Key must be 1 to {MAX_KEY_LENGTH} printable ASCII characters long.")
    key = raw.decode("ascii")
    if holds_card(key):
        raise invalid("The Idempotency-Key seems to hold a card number, which belongs in a card's own fields alone.")
    return key


class Idempotency:
    """Hashes requests, seals answers, and tells what lies under a key."""

    def __init__(self, pool: Pool, box: Box, settle: Settle) -> None:
        self._pool = pool
        self._box = box
        self._settle = settle

    async def claim(
        self, who: Principal, key: str, *, method: str, path: str, fields: Sequence[tuple[str, str]], owner: str
    ) -> Claim:
        """The claim that this request will try to commit. Parameters count without regard to the order of names."""
        canonical = json.dumps([method, path, sorted(fields, key=_name)], separators=(",", ":")).encode()
        hash_ = hmac.digest(await self._subkey(who.account, b"request"), canonical, "sha256")
        return Claim(kept_key(who, key), hash_, owner)

    async def existing(self, call: Call) -> Answer | None:
        """What another request left under this one's key: its answer; None if nothing is there or it is our own.

        Raises the dialect's refusals for a key used with other parameters and for one whose request is under way.
        """
        claim, who = call.claim, call.principal
        assert claim is not None, "only a request with a key has something under it"
        found = await find(self._pool, account=who.account, livemode=who.livemode, key=claim.key)
        if found is None or found.owner == claim.owner:
            return None
        if found.created < call.now - KEPT_S and found.status is not None:
            return None  # whoever claims it next gives it back first
        if not hmac.compare_digest(found.request_hash, claim.request_hash):
            raise Refusal(
                Kind.IDEMPOTENCY,
                "Keys for idempotent requests can only be used with the same parameters they were first used with. Try"
                f" using a key other than '{claim.shown}' if you meant to execute a different request.",
            )
        if found.status is not None and found.answer is not None:
            body = await self._open(call, found.status, found.answer)
            return Answer(found.status, body)
        if found.lease_until_ms < clock.now_ms():
            settled = await self._settle(who, found, call)
            if settled is not None:
                return settled
        raise in_use()

    async def give_back(self, call: Call) -> bool:
        """Free the key of ``call`` if what lies under it is a day old by the account's clock; whether it was."""
        claim, who = call.claim, call.principal
        assert claim is not None, "only a request with a key has something under it"
        return await forget(self._pool, account=who.account, livemode=who.livemode, key=claim.key, now=call.now)

    async def seal(self, call: Call, answer: Answer) -> bytes:
        """``answer``'s body, compressed and encrypted, bound to its key and status."""
        assert call.claim is not None, "an answer is kept under a key"
        cipher = AESGCM(await self._subkey(call.principal.account, b"answer"))
        nonce = os.urandom(_NONCE_BYTES)
        return _MARK + nonce + cipher.encrypt(nonce, pack(answer.body), _bound(call, answer.status))

    async def _open(self, call: Call, status: int, sealed: bytes) -> bytes:
        assert sealed[:1] == _MARK, "an unknown form of stored answer"
        cipher = AESGCM(await self._subkey(call.principal.account, b"answer"))
        nonce, text = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
        return unpack_bytes(cipher.decrypt(nonce, text, _bound(call, status)))

    async def _subkey(self, account: str, use: bytes) -> bytes:
        """One key for hashing requests and another for sealing answers, both of the account's own data key."""
        key = await self._box.key(account, _PURPOSE, account)
        if key is None:
            raise Refusal(Kind.FORBIDDEN, "This account's keys were destroyed: it can no longer be used.")
        return hmac.digest(key, use, "sha256")


def in_use() -> Refusal:
    """Another request holds this key: ask again in a moment."""
    return Refusal(
        Kind.CONFLICT,
        "Another request with this idempotency key is under way. Try again shortly.",
        code="idempotency_key_in_use",
        should_retry=True,
        retry_after_s=1,
    )


def _name(field: tuple[str, str]) -> str:
    return field[0]


def _bound(call: Call, status: int) -> bytes:
    assert call.claim is not None
    who = call.principal
    return json.dumps([who.account, who.livemode, call.claim.key, status], separators=(",", ":")).encode()
