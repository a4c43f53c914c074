"""Idempotency keys: what a request claims, what it leaves behind, and what a repeated request finds."""

from collections.abc import Sequence
from typing import NamedTuple

from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.rows import AnswerRow, ClaimRow, ReleaseRow
from lockgate.kernel import clock
from lockgate.kernel.operations import Answer, Call

LEASE_MS = 30_000
KEPT_S = 24 * 3600


class Found(NamedTuple):
    """What is kept under a key. ``status`` and ``answer`` are None while the first request is still at work."""

    request_hash: bytes
    owner: str
    lease_until_ms: int
    attempt: str | None
    status: int | None
    answer: bytes | None
    created: int


async def find(pool: Pool, *, account: str, livemode: bool, key: str) -> Found | None:
    """What is kept under ``key``, if anything."""
    row = await pool.fetchrow(
        "select request_hash, owner, lease_until_ms, attempt, status, answer, created from idempotency"
        " where account = $1 and livemode = $2 and key = $3",
        account,
        livemode,
        key,
    )
    return None if row is None else Found(*row)


async def forget(pool: Pool, *, account: str, livemode: bool, key: str, now: int) -> bool:
    """Give back one key that was kept long enough, as ``purge`` does; whether it can be used again."""
    done = await pool.execute(
        "delete from idempotency i where account = $1 and livemode = $2 and key = $3 and created < $4"
        " and (status is not null or lease_until_ms < $5) and not exists ("
        "  select from attempt a where (a.account, a.livemode, a.id) = (i.account, i.livemode, i.attempt)"
        "  and a.next_check_ms is not null)",
        account,
        livemode,
        key,
        now - KEPT_S,
        clock.now_ms(),
    )
    return done != "DELETE 0"


async def take(connection: Connection, rows: Sequence[ClaimRow]) -> bool:
    """Write the claims of a request whose effect is not the committer's, in its transaction; False if one is taken."""
    for row in rows:
        done = await connection.execute(
            "insert into idempotency (account, livemode, key, request_hash, owner, created, lease_until_ms, attempt,"
            " status, answer) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing",
            *row,
        )
        if done == "INSERT 0 0":
            return False
    return True


def claimed(call: Call, *, attempt: str | None = None) -> list[ClaimRow]:
    """The claim for a request's first commit; empty without a key. ``attempt`` is what will settle it if we die."""
    return _claim(call, attempt=attempt, status=None, sealed=None)


def claimed_and_answered(call: Call, answer: Answer, sealed: bytes | None) -> list[ClaimRow]:
    """Claim and answer at once, for operations that need only one commit."""
    return _claim(call, attempt=None, status=answer.status, sealed=sealed)


def answered(call: Call, answer: Answer, sealed: bytes | None) -> list[AnswerRow]:
    """The answer for a request's last commit; empty without a key."""
    if call.claim is None or sealed is None:
        return []
    who = call.principal
    return [AnswerRow(who.account, who.livemode, call.claim.key, call.claim.owner, answer.status, sealed)]


def released(call: Call) -> list[ReleaseRow]:
    """Gives the key back: the request certainly had no effect and may be tried again."""
    if call.claim is None:
        return []
    return [ReleaseRow(call.principal.account, call.principal.livemode, call.claim.key, call.claim.owner)]


def _claim(call: Call, *, attempt: str | None, status: int | None, sealed: bytes | None) -> list[ClaimRow]:
    if call.claim is None:
        return []
    return [
        ClaimRow(
            account=call.principal.account,
            livemode=call.principal.livemode,
            key=call.claim.key,
            request_hash=call.claim.request_hash,
            owner=call.claim.owner,
            created=call.now,
            lease_until_ms=clock.now_ms() + LEASE_MS,
            attempt=attempt,
            status=status,
            answer=sealed,
        )
    ]


async def purge(pool: Pool, *, now: int, ahead: int) -> int:
    """Forget keys that have been kept long enough by their account's clock; returns how many.

    ``ahead`` is the furthest test clock's. A key whose order is in doubt is kept.
    """
    done = await pool.execute(
        "delete from idempotency i where created < $1::bigint + $3::bigint and created < $1 + coalesce(("
        "  select c.offset_s from test_clock c where (c.account, c.livemode) = (i.account, i.livemode)), 0)"
        " and (status is not null or lease_until_ms < $2) and not exists ("
        "  select from attempt a where (a.account, a.livemode, a.id) = (i.account, i.livemode, i.attempt)"
        "  and a.next_check_ms is not null)",
        now - KEPT_S,
        now * 1000,
        ahead,
    )
    return int(done.rsplit(" ", 1)[1])
