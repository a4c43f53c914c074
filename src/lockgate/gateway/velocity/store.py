"""Velocity's own statements: folding keys that are used much, and forgetting what no window reaches any more."""

from typing import NamedTuple

from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.velocity.core.measures import KINDS


class Busy(NamedTuple):
    """A key with many attempts that are not folded yet."""

    account: str
    livemode: bool
    kind: str
    key: bytes


async def newest(pool: Pool) -> int:
    """The number of the newest attempt that the worker meets."""
    return await pool.fetchval("select coalesce(max(seq), 0) from risk_event where seq % 17 = 0")


async def busy_keys(pool: Pool, *, after: int, until: int, at_least: int) -> list[Busy]:
    """Of the attempts met between ``after`` and ``until``: the keys with ``at_least`` attempts that are not folded yet.

    A key that is used much is met soon, and one that is not costs nothing.
    """
    rows = await pool.fetch(
        "select s.account, s.livemode, s.kind, s.key from ("
        " select distinct e.account, e.livemode, k.kind, k.key from risk_event e"
        " cross join lateral (values ('card', e.card, 1), ('customer', e.customer, 2), ('ip', e.ip, 4),"
        "  ('device', e.device, 8), ('email', e.email, 16), ('bin', e.bin, 32)) k (kind, key, bit)"
        " where e.seq % 17 = 0 and e.seq > $1 and e.seq <= $2 and k.key is not null and e.folded & k.bit = 0"
        ") s where (select count(*) from (select from risk_single t where t.kind = s.kind and t.key = s.key"
        " and t.account = s.account and t.livemode = s.livemode limit $3) few) = $3",
        after, until, at_least,
    )  # fmt: skip
    return [Busy(*row) for row in rows]


async def fold(pool: Pool, busy: Busy, *, recent_ms: int, limit: int) -> int:
    """Move up to ``limit`` attempts of one key, and as many differences, into its counts; returns how many.

    One statement, so that every reader's snapshot sees an attempt either by itself or folded. What is marked is what is
    added. A key is folded by one at a time, for when others were last seen must not change under it; the lock is taken
    in a statement of its own before. An attempt that a commit is changing just now is left for the next time: payments
    never wait for this. What is older than ``recent_ms`` needs no short spans and no edges: the hour is over.
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
        "with free as materialized ("
        " select e.ctid as line from risk_event e where e.ctid = any (array("
        "  select t.line from risk_single t where t.kind = $3 and t.key = $4 and t.account = $1 and t.livemode = $2"
        "  order by t.at_ms limit $6"
        " )) for update skip locked"
        "), taken as ("
        " update risk_event e set folded = e.folded | $7::smallint"
        " where e.ctid = any (array(select f.line from free f)) and e.folded & $7::smallint = 0 returning e.*"
        "), spent as ("
        " delete from risk_use u where u.ctid = any (array("
        "  select t.ctid from risk_use t where t.key = $4 and t.kind = $3 and t.account = $1 and t.livemode = $2"
        "  order by t.at_ms limit $6"
        " )) returning u.*"
        "), seen as ("
        " select o.others, o.other, max(t.at_ms) as last_ms from taken t cross join lateral (values"
        "  ('cards', t.card, '{customer,ip,device,email,bin}'::text[]), ('customers', t.customer, '{card}'),"
        "  ('ips', t.ip, '{card,device,email,bin}'), ('devices', t.device, '{card}'),"
        "  ('emails', t.email, '{card,ip,device}')) o (others, other, kinds)"
        " where o.other is not null and $3 = any (o.kinds) group by o.others, o.other"
        "), moved as ("
        " select s.others, s.other, s.last_ms, p.last_ms as before_ms from seen s"
        " left join risk_pair p on p.key = $4 and p.kind = $3 and p.account = $1 and p.livemode = $2"
        "  and p.others = s.others and p.other = s.other"
        " where p.last_ms is null or p.last_ms < s.last_ms"
        "), paired as ("
        " insert into risk_pair (account, livemode, kind, key, others, other, last_ms)"
        " select $1, $2, $3, $4, others, other, last_ms from moved"
        " on conflict (key, kind, account, livemode, others, other) do update set last_ms = excluded.last_ms"
        "), named as ("
        " insert into risk_folded (account, livemode, kind, key, at_ms, attempt, placed)"
        " select $1, $2, $3, $4, at_ms, attempt, place is not null from taken"
        " where at_ms >= $5 or $3 in ('card', 'customer', 'device')"
        "), parts as ("
        " select at_ms, case when state in ('open', 'approved') then amount else 0 end as amount,"
        "  (state <> 'void')::int as attempts, (state = 'declined')::int as declines,"
        "  (state = 'blocked')::int as blocks, 0 as frauds,"
        "  0 as cards, 0 as customers, 0 as ips, 0 as devices, 0 as emails from taken"
        " union all"
        " select fraud_ms, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0 from taken where fraud_ms is not null"
        " union all"
        " select at_ms, amount, attempts, declines, blocks, frauds, 0, 0, 0, 0, 0 from spent"
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
        " from parts p cross join (values (10), (60), (600), (3600), (86400)) s (span)"
        " where s.span >= 3600 or p.at_ms >= $5"
        " group by 5, 6"
        " on conflict (key, kind, account, livemode, span, bucket) do update set"
        "  amount = c.amount + excluded.amount, attempts = c.attempts + excluded.attempts,"
        "  declines = c.declines + excluded.declines, blocks = c.blocks + excluded.blocks,"
        "  frauds = c.frauds + excluded.frauds, cards = c.cards + excluded.cards,"
        "  customers = c.customers + excluded.customers, ips = c.ips + excluded.ips,"
        "  devices = c.devices + excluded.devices, emails = c.emails + excluded.emails"
        "), known as ("
        " insert into risk_key as k (account, livemode, kind, key, first_ms, last_ms, folded)"
        " select $1, $2, $3, $4, min(at_ms), max(at_ms), true from taken having count(*) > 0"
        " on conflict (key, kind, account, livemode) do update set first_ms = least(k.first_ms, excluded.first_ms),"
        "  last_ms = greatest(k.last_ms, excluded.last_ms), folded = true"
        ") select (select count(*) from taken) + (select count(*) from spent)",
        *busy, recent_ms, limit, 1 << KINDS.index(busy.kind),
    )  # fmt: skip
    assert isinstance(folded, int), "count gives a number"
    return folded


async def forget_differences(pool: Pool, *, before_ms: int) -> None:
    """Forget differences that no window reaches any more. Nobody folds meanwhile."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtextextended('lockgate.retire', 0))")
        await connection.execute("delete from risk_use where at_ms < $1", before_ms)


async def forget_counts(pool: Pool, *, span: int, before_ms: int) -> None:
    """Forget counts over ``span`` seconds that end before ``before_ms``."""
    await pool.execute("delete from risk_count where span = $1 and bucket < $2 / ($1 * 1000::bigint)", span, before_ms)


async def forget_edges(pool: Pool, *, before_ms: int) -> None:
    """Forget which attempts were folded for addresses, e-mail addresses and ranges of cards, once no edge is there."""
    await pool.execute("delete from risk_folded where at_ms < $1 and kind in ('ip', 'email', 'bin')", before_ms)


async def forget_pairs(pool: Pool, *, before_ms: int) -> None:
    """Forget with whom keys were seen, if that was before ``before_ms``."""
    await pool.execute("delete from risk_pair where last_ms < $1", before_ms)


async def forget_keys(pool: Pool, *, before_ms: int) -> None:
    """Forget keys that have not been seen for long."""
    await pool.execute("delete from risk_key where last_ms < $1", before_ms)


async def forget_attempts(pool: Pool, *, before_ms: int, fraud_before_ms: int, limit: int) -> int:
    """Forget attempts of which nobody will say any more how they ended, but for when their keys were first seen.

    One that became known as fraud at ``fraud_before_ms`` or later still counts as that. Nobody folds meanwhile.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("select pg_advisory_xact_lock(hashtextextended('lockgate.retire', 0))")
        await connection.execute("delete from risk_folded where at_ms < $1", before_ms)
        gone = await connection.fetchval(
            "with gone as ("
            " delete from risk_event where ctid = any (array(select ctid from risk_event where at_ms < $1"
            "  and (fraud_ms is null or fraud_ms < $2) limit $3)) returning *"
            "), known as ("
            " insert into risk_key as k (account, livemode, kind, key, first_ms, last_ms, folded)"
            " select g.account, g.livemode, u.kind, u.key, min(g.at_ms), max(g.at_ms), false from gone g"
            " cross join lateral (values ('card', g.card), ('customer', g.customer), ('ip', g.ip),"
            "  ('device', g.device), ('email', g.email), ('bin', g.bin)) u (kind, key) where u.key is not null"
            " group by g.account, g.livemode, u.kind, u.key"
            " on conflict (key, kind, account, livemode) do update set first_ms = least(k.first_ms, excluded.first_ms),"
            "  last_ms = greatest(k.last_ms, excluded.last_ms)"
            ") select count(*) from gone",
            before_ms, fraud_before_ms, limit,
        )  # fmt: skip
    assert isinstance(gone, int), "count gives a number"
    return gone
