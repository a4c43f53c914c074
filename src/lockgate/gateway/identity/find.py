"""Reads of the identity room: a key by its hash, an account's keys, an account."""

from typing import NamedTuple

from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.records import TestClockRow
from lockgate.gateway.storage.rows import ApiKeyRow
from lockgate.kernel.principal import Principal


class AccountRow(NamedTuple):
    """A merchant."""

    id: str
    created: int
    name: str
    country: str
    default_currency: str
    api_version: str


class PayoutRhythm(NamedTuple):
    """When an account's money is paid out by the clock. ``anchor`` is a weekday, or a day of the month."""

    interval: str = "manual"
    anchor: str | None = None
    delay_days: int = 2


class FoundKey(NamedTuple):
    """A key, its account's API version, and how far the clock of its mode is ahead."""

    row: ApiKeyRow
    api_version: str
    ahead_s: int


async def key_by_hash(pool: Pool, *, account: str, hash_: bytes) -> FoundKey | None:
    """The key with this keyed hash."""
    row = await pool.fetchrow(
        "select k.account, k.livemode, k.id, k.kind, k.hash, k.hint, k.name, k.permissions, k.created, k.expires_at,"
        " k.revoked_at, k.last_used_at, k.rate_per_s, k.burst, k.customer, a.api_version, coalesce(c.offset_s, 0)"
        " from api_key k join account a on a.id = k.account"
        " left join test_clock c on (c.account, c.livemode) = (k.account, k.livemode)"
        " where k.account = $1 and k.hash = $2",
        account,
        hash_,
    )
    return None if row is None else FoundKey(ApiKeyRow(*row[:15]), row[15], row[16])


async def account_facts(pool: Pool, account: str, livemode: bool) -> tuple[str, int] | None:
    """The account's API version, and how far the clock of this mode is ahead."""
    row = await pool.fetchrow(
        "select a.api_version, coalesce(c.offset_s, 0) from account a"
        " left join test_clock c on c.account = $1 and c.livemode = $2 where a.id = $1",
        account,
        livemode,
    )
    return None if row is None else (row[0], row[1])


async def payout_rhythm(pool: Pool, principal: Principal) -> PayoutRhythm:
    """When the account's money is paid out; only on request, as long as nobody said otherwise."""
    row = await pool.fetchrow(
        "select interval, anchor, delay_days from payout_schedule where account = $1 and livemode = $2",
        principal.account,
        principal.livemode,
    )
    return PayoutRhythm() if row is None else PayoutRhythm(*row)


async def test_clock(pool: Pool, principal: Principal) -> TestClockRow | None:
    """The clock of the account's test mode, once it was moved."""
    row = await pool.fetchrow(
        "select account, livemode, id, version, created, offset_s from test_clock where account = $1 and livemode = $2",
        principal.account,
        principal.livemode,
    )
    return None if row is None else TestClockRow(*row)


async def keys(pool: Pool | Connection, *, account: str) -> list[ApiKeyRow]:
    """All lasting keys of an account, both modes, oldest first."""
    rows = await pool.fetch(
        "select account, livemode, id, kind, hash, hint, name, permissions, created, expires_at, revoked_at,"
        " last_used_at, rate_per_s, burst, customer, created_by, replaced_by from api_key"
        " where account = $1 and kind <> 'ephemeral' order by id",
        account,
    )
    return [ApiKeyRow(*row) for row in rows]


async def account(pool: Pool | Connection, id_: str) -> AccountRow | None:
    row = await pool.fetchrow(
        "select id, created, name, country, default_currency, api_version from account where id = $1", id_
    )
    return None if row is None else AccountRow(*row)


async def accounts(pool: Pool | Connection) -> list[AccountRow]:
    """All merchants of this installation: for its operator, never for the API."""
    rows = await pool.fetch(
        "select id, created, name, country, default_currency, api_version from account order by created, id"
    )
    return [AccountRow(*row) for row in rows]
