"""The webhook queue's own SQL: by the clock, for all accounts at once; every row carries its account and mode."""

from collections.abc import Mapping
from typing import NamedTuple

from lockgate.gateway.storage.database import Pool


class Due(NamedTuple):
    """A delivery that this worker holds until ``leased_until_ms``, with where it goes and what signs it."""

    account: str
    livemode: bool
    id: str
    event: str
    endpoint: str
    created: int
    tries: int
    leased_until_ms: int
    url: str
    secrets: bytes
    api_version: str | None


class Tried(NamedTuple):
    """What came of one try: the delivery's next state, and the try itself for the record."""

    state: str
    next_try_ms: int | None
    at_ms: int
    status: int | None
    outcome: str
    duration_ms: int


async def fan_out(pool: Pool, *, now_ms: int, limit: int) -> int:
    """Turn up to ``limit`` outbox rows into deliveries, in one statement: both happen or neither.

    An outbox entry is an event's id, for every enabled endpoint that wants it; or ``event/endpoint``, to deliver again.
    Workers skip each other's rows. Returns how many outbox rows are done.
    """
    done = await pool.fetchval(
        "with taken as ("
        "  delete from outbox where (account, livemode, id) in ("
        "    select account, livemode, id from outbox order by account, livemode, id limit $2 for update skip locked)"
        "  returning account, livemode, events"
        "), entry as ("
        "  select t.account, t.livemode, split_part(e, '/', 1) as event, nullif(split_part(e, '/', 2), '') as endpoint"
        "  from taken t cross join unnest(t.events) e"
        "), made as ("
        "  insert into delivery (account, livemode, id, event, endpoint, created, state, tries, next_try_ms)"
        "  select distinct w.account, w.livemode, 'whd_' || substr(v.id, 5) || substr(w.id, 4), v.id, w.id,"
        "    $1::bigint / 1000, 'waiting', 0, $1::bigint"
        "  from entry n join webhook_endpoint w on (w.account, w.livemode) = (n.account, n.livemode)"
        "  cross join lateral ("  # offset 0 keeps the planner from reading all events where there are no statistics yet
        "    select e.id, e.type from event e"
        "    where (e.account, e.livemode, e.id) = (n.account, n.livemode, n.event) offset 0) v"
        "  where not w.deleted and w.status = 'enabled'"
        "  and (w.id = n.endpoint or n.endpoint is null"
        "    and (v.type = any (w.enabled_events) or '*' = any (w.enabled_events)))"
        "  on conflict (account, livemode, endpoint, event) do update"
        "  set state = 'waiting', tries = 0, created = excluded.created, next_try_ms = excluded.next_try_ms,"
        "    leased_until_ms = null"
        ") select count(*) from taken",
        now_ms,
        limit,
    )
    return int(done)


async def lease(
    pool: Pool, *, now_ms: int, until_ms: int, per_endpoint: int, running: Mapping[str, int], limit: int
) -> list[Due]:
    """Take due deliveries until ``until_ms``: at most ``per_endpoint`` an endpoint, those ``running`` here counted.

    Each endpoint's queue is read by itself, so a long one never stands before another's.
    """
    rows = await pool.fetch(
        "with free as ("
        "  select w.account, w.livemode, w.id, w.url, w.secrets, w.data->>'api_version' as api_version,"
        "    $3::int - coalesce(r.number, 0) as room"
        "  from webhook_endpoint w left join unnest($4::text[], $5::int[]) as r(id, number) on r.id = w.id"
        "  where w.status = 'enabled' and not w.deleted"
        "), due as ("
        "  select f.url, f.secrets, f.api_version, d.account, d.livemode, d.id from free f cross join lateral ("
        "    select q.account, q.livemode, q.id from delivery q"
        "    where (q.account, q.livemode, q.endpoint) = (f.account, f.livemode, f.id) and q.state = 'waiting'"
        "    and q.next_try_ms <= $1 and (q.leased_until_ms is null or q.leased_until_ms < $1)"
        "    order by q.next_try_ms limit greatest(f.room, 0) for update skip locked"
        "  ) d limit $6"
        ") update delivery t set leased_until_ms = $2 from due"
        " where (t.account, t.livemode, t.id) = (due.account, due.livemode, due.id)"
        " returning t.account, t.livemode, t.id, t.event, t.endpoint, t.created, t.tries, t.leased_until_ms,"
        " due.url, due.secrets, due.api_version",
        *(now_ms, until_ms, per_endpoint, list(running), list(running.values()), limit),
    )
    return [Due(*row) for row in rows]


async def record(pool: Pool, due: Due, tried: Tried) -> None:
    """Write down one try. When the lease was lost meanwhile the try is kept and the state left alone."""
    await pool.execute(
        "with moved as ("
        "  update delivery set state = $5, next_try_ms = $6, tries = tries + 1, leased_until_ms = null"
        "  where account = $1 and livemode = $2 and id = $3 and leased_until_ms = $4 and state = 'waiting'"
        ") insert into delivery_attempt (account, livemode, delivery, number, at_ms, status, outcome, duration_ms)"
        " select $1, $2, $3, coalesce(max(number), 0) + 1, $7, $8, $9, $10 from delivery_attempt"
        " where account = $1 and livemode = $2 and delivery = $3",
        *(due.account, due.livemode, due.id, due.leased_until_ms, tried.state, tried.next_try_ms),
        *(tried.at_ms, tried.status, tried.outcome, tried.duration_ms),
    )


async def delivered_since(pool: Pool, account: str, livemode: bool, *, endpoint: str, since_ms: int) -> bool:
    """Whether the endpoint took anything since ``since_ms``."""
    return await pool.fetchval(
        "select exists (select from delivery d join delivery_attempt a"
        " on (a.account, a.livemode, a.delivery) = (d.account, d.livemode, d.id)"
        " where d.account = $1 and d.livemode = $2 and d.endpoint = $3 and a.at_ms >= $4 and a.outcome = 'delivered')",
        *(account, livemode, endpoint, since_ms),
    )


async def give_up_disabled(pool: Pool, *, limit: int) -> int:
    """End what still waits for endpoints that are disabled or deleted."""
    done = await pool.execute(
        "update delivery set state = 'failed', next_try_ms = null where (account, livemode, id) in ("
        " select d.account, d.livemode, d.id from webhook_endpoint w join delivery d"
        " on (d.account, d.livemode, d.endpoint) = (w.account, w.livemode, w.id)"
        " where (w.deleted or w.status = 'disabled') and d.state = 'waiting' limit $1 for update of d skip locked)",
        limit,
    )
    return _count(done)


async def purge(pool: Pool, *, before: int, limit: int) -> int:
    """Forget deliveries, and their tries, that ended and are older than ``before`` (seconds)."""
    gone = await pool.fetch(
        "with old as ("
        "  delete from delivery where (account, livemode, id) in ("
        "    select account, livemode, id from delivery where state <> 'waiting' and created < $1"
        "    order by created limit $2)"
        "  returning account, livemode, id"
        ") delete from delivery_attempt a using old"
        " where (a.account, a.livemode, a.delivery) = (old.account, old.livemode, old.id) returning old.id",
        *(before, limit),
    )
    return len({row["id"] for row in gone})


def _count(status: str) -> int:
    return int(status.rsplit(" ", 1)[1])

