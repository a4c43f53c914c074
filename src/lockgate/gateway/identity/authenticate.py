"""From what a request presents to a principal: keys by their keyed hash, tokens by signature and their holder's row."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from lockgate.gateway.identity import find, keys, store
from lockgate.gateway.identity.core import key_format
from lockgate.gateway.identity.core.permissions import from_stored
from lockgate.gateway.identity.standing import Holder, Standing
from lockgate.gateway.identity.tokens import SKEW_S, Invalid, Tokens, typ_of
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import ApiKeyRow
from lockgate.kernel import clock, log
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.principal import Access, Principal

REMEMBERED_S = 1.0  # how long a revoked credential may still pass
MAX_REMEMBERED = 10_000
TOUCH_EVERY_S = 60
_logger = log.get("identity")


class Identity(NamedTuple):
    """Who asks, the API version that its account is pinned to, and the time on that account's clock.

    That clock is ``ahead_s`` seconds ahead of the world's.
    """

    principal: Principal
    api_version: str
    now: int
    ahead_s: int = 0


@dataclass(frozen=True, slots=True)
class Presented:
    """What a request shows of who sends it.

    ``scheme`` is ``bearer`` or ``dpop``; ``proofs`` are its DPoP headers, ``url`` where it went without its query.
    ``account`` and ``livemode`` are what a person chose by header; ``certificate`` is the connection's thumbprint.
    """

    scheme: str
    text: str = field(repr=False)
    address: str
    user_agent: str
    method: str = "GET"
    url: str = ""
    proofs: Sequence[str] = field(default=(), repr=False)
    account: str | None = None
    livemode: str | None = None
    certificate: str | None = None


class Proofs(Protocol):
    """Checks proofs of possession (RFC 9449)."""

    async def check(
        self, proofs: Sequence[str], *, method: str, url: str, token: str | None, now: int
    ) -> str: ...


class _Facts(NamedTuple):
    """What is known of an account and mode whoever asks."""

    checked: float
    api_version: str
    ahead_s: int


class _Remembered(NamedTuple):
    """A key that was good at ``checked``; its absence from here means: not known to be good."""

    checked: float
    row: ApiKeyRow
    permissions: Mapping[str, Access]
    api_version: str
    ahead_s: int


class _Held(NamedTuple):
    """A token whose holder was in good standing at ``checked``."""

    checked: float
    claims: Mapping[str, Any]
    standing: Standing


class Unauthenticated(Refusal):
    """Refused as unknown. ``named`` is the account that the credential spoke of; ``why`` is for the audit record alone.

    ``who`` is the credential's own id, once it is proven to be ours; ``challenge`` is the WWW-Authenticate header.
    ``stolen`` says that the credential itself is good, and what must come with it did not: whoever sends it may be a
    thief, and its owner must not suffer for that.
    """

    def __init__(
        self,
        message: str,
        *,
        why: str,
        named: str = "-",
        livemode: bool = False,
        code: str | None = None,
        who: str = "unknown",
        challenge: str = "Bearer",
    ) -> None:
        super().__init__(Kind.UNAUTHENTICATED, message, code=code)
        self.stolen = False
        self.why = why
        self.named = named
        self.livemode = livemode
        self.who = who
        self.challenge = challenge


class Foreign(Refusal):
    """A person or an app that asks for an account which it may not act for; ``id_`` says who, ``named`` for which."""

    def __init__(self, standing: Standing, named: str) -> None:
        super().__init__(Kind.FORBIDDEN, "This credential may not act for the account that the header names.")
        self.standing = standing
        self.named = named


def _invalid(
    text: str, *, why: str, named: str = "-", livemode: bool = False, who: str = "unknown"
) -> Unauthenticated:
    return Unauthenticated(
        f"Invalid API Key provided: {key_format.masked(text)}", why=why, named=named, livemode=livemode, who=who
    )


def _bad_token(why: str, *, named: str = "-", who: str = "unknown", scheme: str = "bearer") -> Unauthenticated:
    challenge = 'DPoP error="invalid_token", algs="ES256 EdDSA PS256"' if scheme == "dpop" else (
        'Bearer error="invalid_token"'
    )
    return Unauthenticated(
        "This access token is not valid: it has ended, was revoked, or belongs elsewhere. Get a new one.",
        why=why, named=named, who=who, challenge=challenge,
    )  # fmt: skip


def presented_credential(authorization: str) -> tuple[str, str]:
    """Scheme and credential of an Authorization header: Bearer, DPoP, or Basic with a key as user and no password."""
    scheme, _, rest = authorization.partition(" ")
    rest = rest.strip()
    if scheme.lower() in ("bearer", "dpop") and rest:
        return scheme.lower(), rest
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(rest, validate=True).decode("ascii").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user = password = ""
        if user and not password:
            return "bearer", user
    raise Unauthenticated(
        "The Authorization header must hold an API key: as 'Bearer KEY', or Basic with the key as user name.",
        why="malformed_header",
    )


class Authenticator:
    """Knows keys by their keyed hash and tokens by their signature. What it read last is believed for a second at most.

    ``holders`` answer for the tokens of each type.
    """

    def __init__(
        self,
        pool: Pool,
        *,
        pepper: bytes,
        tokens: Tokens | None = None,
        holders: Mapping[str, Holder] | None = None,
        proofs: Proofs | None = None,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._pool = pool
        self._pepper = pepper
        self._tokens = tokens
        self._holders = dict(holders or {})
        self._proofs = proofs
        self._monotonic = monotonic
        self._known: dict[bytes, _Remembered] = {}
        self._held: dict[bytes, _Held] = {}
        self._facts: dict[tuple[str, bool], _Facts] = {}
        self._touching: set[asyncio.Task[None]] = set()
        self._touched: dict[str, int] = {}

    async def identify(self, presented: Presented, *, before_unknown: Callable[[], Awaitable[None]]) -> Identity:
        """The credential's principal, or Unauthenticated.

        ``before_unknown`` may refuse before a credential is looked up that was not good at its last look: a noisy
        address costs no reads that way, and credentials in use there go on working.
        """
        if presented.text.count(".") == 2:
            return await self._by_token(presented, before_unknown)
        if presented.scheme != "bearer":
            raise _bad_token("key_as_proven_token", scheme=presented.scheme)
        return await self._by_key(presented, before_unknown)

    def mark(self, text: str) -> str:
        """What a credential that nobody knows is called in the log: the same each time, and nothing to guess it by."""
        return f"credential_{keys.hashed(self._pepper, text).hex()[:16]}"

    def forget(self, account: str) -> None:
        """Read this account's keys, clock and tokens anew at their next use."""
        self._known = {hash_: known for hash_, known in self._known.items() if known.row.account != account}
        self._facts = {place: facts for place, facts in self._facts.items() if place[0] != account}
        self._held = {hash_: held for hash_, held in self._held.items() if account not in held.standing.accounts}

    async def close(self) -> None:
        """Wait for notes of last use that are under way."""
        while self._touching:
            await asyncio.wait(tuple(self._touching))

    async def _by_key(self, presented: Presented, before_unknown: Callable[[], Awaitable[None]]) -> Identity:
        text = presented.text
        hash_ = keys.hashed(self._pepper, text)
        known = self._known.get(hash_)
        if known is None:
            await before_unknown()
        if known is None or self._monotonic() - known.checked >= REMEMBERED_S:
            known = await self._look_up(text, hash_)
        row = known.row
        now = clock.now() + known.ahead_s
        if row.expires_at is not None and row.expires_at <= now:
            raise Unauthenticated(
                f"Expired API Key provided: {key_format.masked(text)}.",
                why="expired",
                named=row.account,
                livemode=row.livemode,
                code="api_key_expired",
                who=row.id,
            )
        principal = Principal(
            row.account,
            row.livemode,
            row.kind,  # type: ignore[arg-type] - the table's check allows these kinds only
            row.id,
            known.permissions,
            presented.address,
            presented.user_agent,
            row.rate_per_s,
            row.burst,
            row.customer,
            certificate=presented.certificate,
        )
        return Identity(principal, known.api_version, now, known.ahead_s)

    async def _by_token(self, presented: Presented, before_unknown: Callable[[], Awaitable[None]]) -> Identity:
        now = clock.now()
        hash_ = hashlib.sha256(presented.text.encode()).digest()
        held = self._held.get(hash_)
        if held is None:
            await before_unknown()
        if held is None or self._monotonic() - held.checked >= REMEMBERED_S:
            held = await self._look_up_token(presented, hash_, now=now)
        if not held.claims["nbf"] - SKEW_S <= now < held.claims["exp"]:
            raise _bad_token("expired_token", who=held.standing.id, scheme=presented.scheme)
        standing = held.standing
        try:
            await self._check_possession(presented, held, now=now)
        except Unauthenticated as refusal:
            refusal.stolen, refusal.who, refusal.named = True, standing.id, next(iter(standing.accounts), "-")
            refusal.livemode = bool(standing.livemode)
            raise
        account, livemode = _chosen(presented, standing)
        facts = await self._account_facts(account, livemode)
        principal = Principal(
            account,
            livemode,
            standing.kind,
            standing.id,
            standing.accounts[account],
            presented.address,
            presented.user_agent,
            standing.rate_per_s,
            standing.burst,
            roles=standing.roles.get(account, ()),
            session=standing.session,
            person=standing.person,
            proved_at=standing.proved_at,
            certificate=presented.certificate,
        )
        return Identity(principal, facts.api_version, now + facts.ahead_s, facts.ahead_s)

    async def _check_possession(self, presented: Presented, held: _Held, *, now: int) -> None:
        """A token that was bound when it was issued is good only together with what it was bound to."""
        bound = held.claims.get("cnf")
        bound = bound if isinstance(bound, dict) else {}
        key = bound.get("jkt")
        if (presented.scheme == "dpop") != (key is not None):
            why = "bound_token_as_bearer" if key else "unbound_token_as_dpop"
            raise _bad_token(why, scheme="dpop" if key else "bearer")
        if key is not None:
            if self._proofs is None:
                raise _bad_token("no_proofs_here", scheme="dpop")
            shown = await self._proofs.check(
                presented.proofs, method=presented.method, url=presented.url, token=presented.text, now=now
            )
            if not hmac.compare_digest(shown, str(key)):
                raise _bad_token("proof_by_another_key", scheme="dpop")
        thumbprint = bound.get("x5t#S256")
        if thumbprint is not None and not hmac.compare_digest(str(thumbprint), presented.certificate or ""):
            raise _bad_token("bound_to_another_certificate")

    async def _look_up(self, text: str, hash_: bytes) -> _Remembered:
        parsed = key_format.parse(text)
        if parsed is None:
            raise _invalid(text, why="malformed_key")
        checked = self._monotonic()
        found = await find.key_by_hash(self._pool, account=parsed.account, hash_=hash_)
        if found is None or not hmac.compare_digest(found.row.hash, hash_):
            self._known.pop(hash_, None)
            raise _invalid(text, why="unknown_key", named=parsed.account, livemode=parsed.livemode)
        row = found.row
        if row.revoked_at is not None or (row.kind, row.livemode) != (parsed.kind, parsed.livemode):
            self._known.pop(hash_, None)
            raise _invalid(text, why="revoked_key", named=row.account, livemode=row.livemode, who=row.id)
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        known = _Remembered(checked, row, from_stored(json.loads(row.permissions)), found.api_version, found.ahead_s)
        self._known[hash_] = known
        self._touch(row, clock.now() + found.ahead_s)
        return known

    async def _look_up_token(self, presented: Presented, hash_: bytes, *, now: int) -> _Held:
        typ = typ_of(presented.text)
        holder = self._holders.get(typ or "")
        if self._tokens is None or typ is None or holder is None:
            raise _bad_token("malformed_token", scheme=presented.scheme)
        checked = self._monotonic()
        try:
            claims = await self._tokens.verify(presented.text, typ=typ, now=now)
        except Invalid as fault:
            raise _bad_token(fault.why, scheme=presented.scheme) from None
        standing = await holder(claims)
        if standing is None or not standing.accounts:
            self._held.pop(hash_, None)
            raise _bad_token("ended_session", who=str(claims["sub"]), scheme=presented.scheme)
        if len(self._held) >= MAX_REMEMBERED:
            self._held.clear()
        held = self._held[hash_] = _Held(checked, claims, standing)
        return held

    async def _account_facts(self, account: str, livemode: bool) -> _Facts:
        known = self._facts.get((account, livemode))
        if known is not None and self._monotonic() - known.checked < REMEMBERED_S:
            return known
        checked = self._monotonic()
        found = await find.account_facts(self._pool, account, livemode)
        if found is None:
            raise _bad_token("account_is_gone", named=account)
        if len(self._facts) >= MAX_REMEMBERED:
            self._facts.clear()
        facts = self._facts[account, livemode] = _Facts(checked, *found)
        return facts

    def _touch(self, row: ApiKeyRow, now: int) -> None:
        """Note the use, by the account's own clock."""
        last = max(row.last_used_at or 0, self._touched.get(row.id, 0))
        if now - last < TOUCH_EVERY_S:
            return
        if len(self._touched) >= MAX_REMEMBERED:
            self._touched.clear()
        self._touched[row.id] = now
        task = asyncio.get_running_loop().create_task(self._note_use(row, now))
        self._touching.add(task)
        task.add_done_callback(self._touching.discard)

    async def _note_use(self, row: ApiKeyRow, now: int) -> None:
        try:
            await store.touch_key(self._pool, account=row.account, livemode=row.livemode, id_=row.id, now=now)
        except Exception:
            _logger.exception("a key's last use could not be noted", key=row.id)


def _chosen(presented: Presented, standing: Standing) -> tuple[str, bool]:
    """The account and mode of this request: a person says which by header, an app was let into one."""
    account = presented.account
    if account is None:
        if len(standing.accounts) > 1:
            raise invalid("Say which account this is for: send its id in the Stripe-Account header.")
        account = next(iter(standing.accounts))
    if account not in standing.accounts:
        raise Foreign(standing, account)
    if standing.livemode is not None:
        return account, standing.livemode
    if presented.livemode not in (None, "true", "false"):
        raise invalid("The Stripe-Livemode header is true or false.")
    return account, presented.livemode == "true"
