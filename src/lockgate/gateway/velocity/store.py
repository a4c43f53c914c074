"""Velocity's own statements: folding keys that are used much, and forgetting what no window reaches any more."""

from typing import NamedTuple

from lockgate.gateway.storage.database import Connection, Pool


class Busy(NamedTuple):
    """A key with many rows that are not folded yet."""

    account: str
    livemode: bool
    kind: str
    key: bytes


async def newest(pool: Pool) -> int:
    """The number of the newest row."""
    return await pool.fetchval("select coalesce(max(seq), 0) from risk_use")


async def busy_keys(pool: Pool, *, after: int, until: int, every: int, at_least: int) -> list[Busy]:
    """Of every so-many-th row written between ``after`` and ``until``: the keys with ``at_least`` rows not folded yet.

    A key that is used much is met soon, and one that is not costs nothing.
    """
    rows = await pool.fetch(
        "select s.account, s.livemode, s.kind, s.key from ("
        " select distinct account, livemode, kind, key from risk_use where seq > $1 and seq <= $2 and seq % $3 = 0"
        ") s where (select count(*) from (select from risk_use u where u.key = s.key and u.kind = s.kind"
        " and u.account = s.account and u.livemode = s.livemode limit $4) few) = $4",
        after, until, every, at_least,
    )  # fmt: skip
    return [Busy(*row) for row in rows]


async def fold(pool: Pool, busy: Busy, *, recent_ms: int, limit: int) -> int:
    """Move up to ``limit`` rows of one key into its counts; returns how many.

    One statement, so that every reader's snapshot sees a row either apart or folded. What is deleted is what is added.
    A key is folded by one at a time, for when others were last seen must not change under it; the lock is taken in a
    statement of its own before. What is older than ``recent_ms`` needs no short spans and no edges: the hour is over.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(
            "select pg_advisory_xact_lock_shared(hashtextextended('lockgate.retire', 0)),"
            " pg_advisory_xact_lock(hashtextextended(concat_ws('/', 'lockgate.fold', $1::text, $2::boolean, $3::text,"
            " encode($4::bytea, 'hex')), 0))",
            *busy,
        )
        return await _fold(connection, busy, recent_ms=recent_ms, limit=limit)


async def _fold(connection: Connection, busy: Busy, *, recent_ms: int, limit: int) -> int:
    folded = await connection.fetchval(
        "with taken as ("
        " delete from risk_use where seq in ("
        "  select seq from risk_use where account = $1 and livemode = $2 and kind = $3 and key = $4"
        "  order by at_ms limit $6"
        " ) returning *"
        "), seen as ("
        " select o.others, o.other, max(t.at_ms) as last_ms from taken t cross join lateral (values ('cards', t.card),"
        "  ('customers', t.customer), ('ips', t.ip), ('devices', t.device), ('emails', t.email)) o (others, other)"
        " where o.other is not null group by o.others, o.other"
        "), moved as ("
        " select s.others, s.other, s.last_ms, p.last_ms as before_ms from seen s"
        " left join risk_pair p on p.key = $4 and p.kind = $3 and p.account = $1 and p.livemode = $2"
        "  and p.others = s.others and p.other = s.other"
        " where p.last_ms is null or p.last_ms < s.last_ms"
        "), paired as ("
        " insert into risk_pair (account, livemode, kind, key, others, other, last_ms)"
        " select $1, $2, $3, $4, others, other, last_ms from moved"
        " on conflict (key, kind, account, livemode, others, other) do update set last_ms = excluded.last_ms"
        "), edges as ("
        " insert into risk_edge (account, livemode, kind, key, at_ms, amount, attempts, declines, blocks)"
        " select $1, $2, $3, $4, at_ms, amount, attempts, declines, blocks from taken where at_ms >= $5"
        "), parts as ("
        " select at_ms, amount, attempts, declines, blocks, frauds,"
        "  0 as cards, 0 as customers, 0 as ips, 0 as devices, 0 as emails from taken"
        " union all"
        " select w.at_ms, 0, 0, 0, 0, 0, w.n * (others = 'cards')::int, w.n * (others = 'customers')::int,"
        "  w.n * (others = 'ips')::int, w.n * (others = 'devices')::int, w.n * (others = 'emails')::int"
        " from moved cross join lateral (values (last_ms, 1), (before_ms, -1)) w (at_ms, n) where w.at_ms is not null"
        "), counted as ("
        " insert into risk_count as c (account, livemode, kind, key, span, bucket, amount, attempts, declines, blocks,"
        "  frauds, cards, customers, ips, devices, emails)"
        " select $1, $2, $3, $4, s.span, p.at_ms / (s.span * 1000), sum(p.amount)::bigint, sum(p.attempts),"
        "  sum(p.declines), sum(p.blocks), sum(p.frauds), sum(p.cards), sum(p.customers), sum(p.ips), sum(p.devices),"
        "  sum(p.emails)"
        " from parts p cross join (values (1), (10), (3600), (86400)) s (span) where s.span > 10 or p.at_ms >= $5"
        " group by 5, 6"
        " on conflict (key, kind, account, livemode, span, bucket) do update set"
        "  amount = c.amount + excluded.amount, attempts = c.attempts + excluded.attempts,"
        "  declines = c.declines + excluded.declines, blocks = c.blocks + excluded.blocks,"
        "  frauds = c.frauds + excluded.frauds, cards = c.cards + excluded.cards,"
        "  customers = c.customers + excluded.customers, ips = c.ips + excluded.ips,"
        "  devices = c.devices + excluded.devices, emails = c.emails + excluded.emails"
        "), known as ("
        " insert into risk_key as k (account, livemode, kind, key, first_ms, last_ms, folded)"
        " select $1, $2, $3, $4, min(at_ms) filter (where attempts = 1), max(at_ms), true from taken"
        " having count(*) > 0"
        " on conflict (key, kind, account, livemode) do update set first_ms = least(k.first_ms, excluded.first_ms),"
        "  last_ms = greatest(k.last_ms, excluded.last_ms), folded = true"
        ") select count(*) from taken",
        *busy, recent_ms, limit,
    )  # fmt: skip
    assert isinstance(folded, int), "count gives a number"
    return folded


async def retire(pool: Pool, *, before_ms: int, limit: int) -> int:
    """Forget rows that no window reaches any more, but for when their keys were first seen. Nobody folds meanwhile."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtextextended('lockgate.retire', 0))")
        return await _retire(connection, before_ms=before_ms, limit=limit)


async def _retire(connection: Connection, *, before_ms: int, limit: int) -> int:
    retired = await connection.fetchval(
        "with gone as ("
        " delete from risk_use where seq in (select seq from risk_use where at_ms < $1 limit $2)"
        " returning *"
        "), known as ("
        " insert into risk_key as k (account, livemode, kind, key, first_ms, last_ms, folded)"
        " select account, livemode, kind, key, min(at_ms) filter (where attempts = 1), max(at_ms), false from gone"
        " group by account, livemode, kind, key order by account, livemode, kind, key"
        " on conflict (key, kind, account, livemode) do update set first_ms = least(k.first_ms, excluded.first_ms),"
        "  last_ms = greatest(k.last_ms, excluded.last_ms)"
        ") select count(*) from gone",
        before_ms, limit,
    )  # fmt: skip
    assert isinstance(retired, int), "count gives a number"
    return retired


async def forget_counts(pool: Pool, *, span: int, before_ms: int) -> None:
    """Forget counts of spans that lie before any window."""
    await pool.execute("delete from risk_count where span = $1 and bucket < $2 / ($1 * 1000::bigint)", span, before_ms)


async def forget_edges(pool: Pool, *, before_ms: int) -> None:
    """Forget single rows that no exact window's edge can cut through any more."""
    await pool.execute("delete from risk_edge where at_ms < $1", before_ms)


async def forget_pairs(pool: Pool, *, before_ms: int) -> None:
    """Forget others that were last seen before any window."""
    await pool.execute("delete from risk_pair where last_ms < $1", before_ms)


async def rest_keys(pool: Pool, *, before_ms: int) -> None:
    """Keys that were folded, and whose counts are all forgotten since, are ordinary ones again."""
    await pool.execute("update risk_key set folded = false where folded and last_ms < $1", before_ms)


async def forget_keys(pool: Pool, *, before_ms: int) -> None:
    """Forget keys that have not been seen for long."""
    await pool.execute("delete from risk_key where last_ms < $1", before_ms)


async def forget_attempts(pool: Pool, *, before_ms: int, limit: int) -> int:
    """Forget attempts of which nobody will say any more how they ended."""
    done = await pool.execute(
        "delete from risk_event where ctid in (select ctid from risk_event where at_ms < $1 limit $2)", before_ms, limit
    )
    return int(done.rsplit(" ", 1)[1])
