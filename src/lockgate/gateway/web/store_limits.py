"""The door's own statements: rules about how fast, counts, recorded traffic, and the state of buckets."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.web.find_limits import TrafficRow
from lockgate.gateway.web.limits_rules import Rule


class Heard(NamedTuple):
    """Recorded traffic, and whose."""

    account: str
    livemode: bool
    row: TrafficRow


async def put_limit(
    connection: Connection, *, account: str, livemode: bool, created: int, by_operator: bool, rule: Rule
) -> str:
    """Write a rule, in the place of an earlier one about the same; counting begins anew. Gives the id that it has."""
    kept = await connection.fetchval(
        "insert into rate_limit (account, livemode, id, created, scope, subject, class, rate, per_s, burst, at_once,"
        " mode, by_operator) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        " on conflict (account, livemode, scope, subject, class, mode) do update set rate = excluded.rate,"
        " per_s = excluded.per_s, burst = excluded.burst, at_once = excluded.at_once,"
        " by_operator = excluded.by_operator, asked = 0, would_refuse = 0 returning id",
        account,
        livemode,
        rule.id,
        created,
        rule.scope,
        rule.subject,
        rule.cls,
        rule.rate,
        rule.per_s,
        rule.burst,
        rule.at_once,
        rule.mode,
        by_operator,
    )
    return str(kept)


async def lock_limits(connection: Connection, account: str) -> None:
    """One change of an account's rules at a time, until this transaction ends."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended('rate_limit ' || $1, 0))", account)


async def delete_limit(connection: Connection, *, account: str, livemode: bool, id_: str) -> None:
    await connection.execute(
        "delete from rate_limit where account = $1 and livemode = $2 and id = $3", account, livemode, id_
    )


async def count_watched(pool: Pool, counts: Mapping[str, tuple[int, int]]) -> None:
    """Add what rules that only watch have seen: asked, and would have been refused."""
    await pool.execute(
        "update rate_limit set asked = rate_limit.asked + c.asked, would_refuse = rate_limit.would_refuse + c.over"
        " from unnest($1::text[], $2::bigint[], $3::bigint[]) c(id, asked, over) where rate_limit.id = c.id",
        list(counts),
        [asked for asked, _ in counts.values()],
        [over for _, over in counts.values()],
    )


async def add_traffic(pool: Pool, heard: Sequence[Heard]) -> None:
    """Add to the hours that ``heard`` belongs to."""
    await pool.executemany(
        "insert into traffic (account, livemode, hour, subject, class, sender, asked, refused, seconds)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        " on conflict (account, livemode, hour, subject, class, sender) do update"
        " set asked = traffic.asked + excluded.asked, refused = traffic.refused + excluded.refused,"
        " seconds = traffic.seconds || excluded.seconds",
        [(one.account, one.livemode, *one.row) for one in heard],
    )


async def forget_traffic(pool: Pool, *, before_hour: int) -> int:
    """Forget what is older; returns how many hours of requests that were."""
    done = await pool.execute("delete from traffic where hour < $1", before_hour)
    return int(done.rpartition(" ")[2])


async def save_state(pool: Pool, busy: Mapping[bytes, int]) -> None:
    """Keep until when buckets are busy; of what two processes say the later counts."""
    await pool.execute(
        "insert into limit_state (bucket, until_ms) select b.bucket, b.until_ms"
        " from unnest($1::bytea[], $2::bigint[]) b(bucket, until_ms)"
        " on conflict (bucket) do update set until_ms = greatest(limit_state.until_ms, excluded.until_ms)",
        list(busy),
        list(busy.values()),
    )


async def drop_state(pool: Pool, bucket: bytes) -> None:
    """Forget one bucket."""
    await pool.execute("delete from limit_state where bucket = $1", bucket)


async def forget_state(pool: Pool, *, before_ms: int) -> int:
    """Forget buckets that are at rest; returns how many."""
    done = await pool.execute("delete from limit_state where until_ms < $1", before_ms)
    return int(done.rpartition(" ")[2])
