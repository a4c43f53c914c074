"""The room's own statements: one insert for what comes in, leases for what is worked on, and forgetting."""

from typing import NamedTuple

from lockgate.gateway.notifications.core.place import Place
from lockgate.gateway.processors.contract import Notice
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.packing import pack, unpack


class Waiting(NamedTuple):
    """One stored message, leased: what it points at. ``tries`` counts this one."""

    account: str
    livemode: bool
    processor: str
    id: str
    tries: int
    kind: str
    reference: str


def body(notice: Notice) -> bytes:
    """What is kept of a notice, however it came."""
    return pack({"kind": notice.kind, "reference": notice.reference})


async def keep(pool: Pool, where: Place, notice: Notice, *, now_ms: int) -> bool:
    """Store a message, due at once; False if it was here before."""
    done = await pool.execute(
        "insert into notification (account, livemode, processor, id, received_ms, state, tries, next_try_ms,"
        " leased_until_ms, body) values ($1, $2, $3, $4, $5, 'waiting', 0, $5, null, $6) on conflict do nothing",
        where.account,
        where.livemode,
        where.processor,
        notice.id,
        now_ms,
        body(notice),
    )
    return done == "INSERT 0 1"


async def lease(pool: Pool, *, now_ms: int, until_ms: int, limit: int) -> list[Waiting]:
    """Take up messages that are due, the longest-waiting first; what another worker holds is left to it."""
    rows = await pool.fetch(
        "update notification n set leased_until_ms = $2, tries = n.tries + 1 from ("
        " select account, livemode, processor, id from notification where state = 'waiting' and next_try_ms <= $1"
        "  and (leased_until_ms is null or leased_until_ms <= $1)"
        " order by next_try_ms limit $3 for update skip locked"
        ") due where (n.account, n.livemode, n.processor, n.id) = (due.account, due.livemode, due.processor, due.id)"
        " returning n.account, n.livemode, n.processor, n.id, n.tries, n.body",
        now_ms,
        until_ms,
        limit,
    )
    return [Waiting(*row[:5], **unpack(row["body"])) for row in rows]


async def settle(pool: Pool, row: Waiting, *, state: str, next_try_ms: int | None) -> None:
    """Give a lease back: done, dead, or waiting for another try. Nothing, if somebody else has taken it since."""
    await pool.execute(
        "update notification set state = $6, next_try_ms = $7, leased_until_ms = null"
        " where account = $1 and livemode = $2 and processor = $3 and id = $4 and tries = $5 and state = 'waiting'",
        row.account,
        row.livemode,
        row.processor,
        row.id,
        row.tries,
        state,
        next_try_ms,
    )


async def purge(pool: Pool, *, before_ms: int) -> int:
    """Forget messages that are done with and older than ``before_ms``; returns how many."""
    done = await pool.execute("delete from notification where state <> 'waiting' and received_ms < $1", before_ms)
    return int(done.rsplit(" ", 1)[1])
