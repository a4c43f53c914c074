"""The room's statements about how far each account has heard what a processor has to tell."""

from collections.abc import Sequence
from typing import NamedTuple

from lockgate.gateway.notifications.store import body
from lockgate.gateway.processors.contract import Notice
from lockgate.gateway.storage.database import Pool


class Cursor(NamedTuple):
    """An account's place in what a processor has to tell, leased until ``until_ms``."""

    account: str
    livemode: bool
    processor: str
    cursor: str
    failures: int
    until_ms: int


async def enrol(pool: Pool, processors: Sequence[str], *, now_ms: int) -> int:
    """Give every account, in each mode, a cursor at each processor that it has ordered something from."""
    done = await pool.execute(
        "insert into notification_cursor (account, livemode, processor, cursor, asked_ms, due_ms, failures, ahead_s)"
        " select a.id, m.livemode, p.name, '', 0, $2, 0, 0 from account a"
        " cross join (values (false), (true)) m (livemode) cross join unnest($1::text[]) p (name)"
        " where not exists (select from notification_cursor c"
        "  where c.account = a.id and c.livemode = m.livemode and c.processor = p.name)"
        " and exists (select from attempt t"
        "  where t.account = a.id and t.livemode = m.livemode and t.processor = p.name)"
        " on conflict do nothing",
        processors,
        now_ms,
    )
    return int(done.rsplit(" ", 1)[1])


async def take(
    pool: Pool, processors: Sequence[str], *, now_ms: int, until_ms: int, limit: int, moved: bool
) -> list[Cursor]:
    """Lease cursors that are due, or whose account's clock has moved since, the longest unasked first.

    With ``moved`` only the latter. What another worker holds is left to it.
    """
    rows = await pool.fetch(
        "update notification_cursor n set asked_ms = $2, leased_until_ms = $3, ahead_s = due.offset_s from ("
        " select t.account, t.livemode, t.processor, coalesce(c.offset_s, 0) as offset_s from notification_cursor t"
        " left join test_clock c on c.account = t.account and c.livemode = t.livemode"
        " where t.processor = any($1::text[]) and (t.leased_until_ms is null or t.leased_until_ms <= $2)"
        "  and ((t.due_ms <= $2 and not $5) or t.ahead_s < coalesce(c.offset_s, 0))"
        " order by t.asked_ms limit $4 for update of t skip locked"
        ") due where (n.account, n.livemode, n.processor) = (due.account, due.livemode, due.processor)"
        " returning n.account, n.livemode, n.processor, n.cursor, n.failures, n.leased_until_ms",
        processors,
        now_ms,
        until_ms,
        limit,
        moved,
    )
    return [Cursor(*row) for row in rows]


async def move(
    pool: Pool, cursor: Cursor, notices: Sequence[Notice], *, to: str, now_ms: int, due_ms: int
) -> int:
    """Store what is not here yet, due at once, and move the cursor past it, both or neither; returns how many.

    Nothing, if the lease was lost: whoever holds it now asks the same.
    """
    done = await pool.execute(
        "with moved as (update notification_cursor set cursor = $5, due_ms = $6, failures = 0, leased_until_ms = null"
        "  where account = $1 and livemode = $2 and processor = $3 and leased_until_ms = $4 returning account)"
        " insert into notification (account, livemode, processor, id, received_ms, state, tries, next_try_ms,"
        "  leased_until_ms, body)"
        " select moved.account, $2, $3, told.id, $7, 'waiting', 0, $7, null, told.body"
        " from moved cross join unnest($8::text[], $9::bytea[]) told (id, body) on conflict do nothing",
        cursor.account,
        cursor.livemode,
        cursor.processor,
        cursor.until_ms,
        to,
        due_ms,
        now_ms,
        [notice.id for notice in notices],
        [body(notice) for notice in notices],
    )
    return int(done.rsplit(" ", 1)[1])


async def stay(pool: Pool, cursor: Cursor, *, due_ms: int) -> None:
    """Nothing was learnt: give the lease back, and ask again later."""
    await pool.execute(
        "update notification_cursor set failures = failures + 1, due_ms = $5, leased_until_ms = null"
        " where account = $1 and livemode = $2 and processor = $3 and leased_until_ms = $4",
        cursor.account,
        cursor.livemode,
        cursor.processor,
        cursor.until_ms,
        due_ms,
    )
