"""From a presented API key to a principal: form and checksum first, then the keyed hash, remembered for a second."""

import asyncio
import base64
import binascii
import hmac
import json
from collections.abc import Callable, Mapping
from typing import NamedTuple

from lockgate.gateway.identity import find, keys, store
from lockgate.gateway.identity.core import key_format
from lockgate.gateway.identity.core.permissions import from_stored
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import ApiKeyRow
from lockgate.kernel import clock, log
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.principal import Access, Principal

REMEMBERED_S = 1.0  # how long a revoked key may still pass
MAX_REMEMBERED = 10_000
TOUCH_EVERY_S = 60
_logger = log.get("identity")


class Identity(NamedTuple):
    """Who asks, the API version that its account is pinned to, and the time on that account's clock."""

    principal: Principal
    api_version: str
    now: int


class _Remembered(NamedTuple):
    """A key that was good at ``checked``; its absence from here means: not known to be good."""

    checked: float
    row: ApiKeyRow
    permissions: Mapping[str, Access]
    api_version: str
    ahead_s: int


class Unauthenticated(Refusal):
    """Refused as unknown. ``named`` is the account that the key spoke of; ``why`` is for the audit record alone."""

    def __init__(
        self, message: str, *, why: str, named: str = "-", livemode: bool = False, code: str | None = None
    ) -> None:
        super().__init__(Kind.UNAUTHENTICATED, message, code=code)
        self.why = why
        self.named = named
        self.livemode = livemode


def _invalid(text: str, *, why: str, named: str = "-", livemode: bool = False) -> Unauthenticated:
    return Unauthenticated(
        f"Invalid API Key provided: {key_format.masked(text)}", why=why, named=named, livemode=livemode
    )


def presented_key(authorization: str) -> str:
    """The key in an Authorization header: Bearer, or Basic with the key as user and no password."""
    scheme, _, rest = authorization.partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer" and rest:
        return rest
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(rest, validate=True).decode("ascii").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user = password = ""
        if user and not password:
            return user
    raise Unauthenticated(
        "The Authorization header must hold an API key: as 'Bearer KEY', or Basic with the key as user name.",
        why="malformed_header",
    )


class Authenticator:
    """Knows keys by their keyed hash. What it read last is believed for at most a second."""

    def __init__(self, pool: Pool, *, pepper: bytes, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._pool = pool
        self._pepper = pepper
        self._monotonic = monotonic
        self._known: dict[bytes, _Remembered] = {}
        self._touching: set[asyncio.Task[None]] = set()
        self._touched: dict[str, int] = {}

    async def identify(
        self, text: str, *, address: str, user_agent: str, before_unknown: Callable[[], None]
    ) -> Identity:
        """The key's principal, or Unauthenticated.

        ``before_unknown`` may refuse before a key is looked up that was not good at its last look: a noisy address
        costs no reads that way, and keys in use there go on working.
        """
        hash_ = keys.hashed(self._pepper, text)
        known = self._known.get(hash_)
        if known is None:
            before_unknown()
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
            )
        principal = Principal(
            row.account,
            row.livemode,
            row.kind,  # type: ignore[arg-type] - the table's check allows these kinds only
            row.id,
            known.permissions,
            address,
            user_agent,
            row.rate_per_s,
            row.burst,
            row.customer,
        )
        return Identity(principal, known.api_version, now)

    def forget(self, account: str) -> None:
        """Read this account's keys and clock anew at their next use."""
        self._known = {hash_: known for hash_, known in self._known.items() if known.row.account != account}

    async def close(self) -> None:
        """Wait for notes of last use that are under way."""
        while self._touching:
            await asyncio.wait(tuple(self._touching))

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
            raise _invalid(text, why="revoked_key", named=row.account, livemode=row.livemode)
        if len(self._known) >= MAX_REMEMBERED:
            self._known.clear()
        known = _Remembered(checked, row, from_stored(json.loads(row.permissions)), found.api_version, found.ahead_s)
        self._known[hash_] = known
        self._touch(row)
        return known

    def _touch(self, row: ApiKeyRow) -> None:
        now = clock.now()
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
