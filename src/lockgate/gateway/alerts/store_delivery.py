"""The SQL of telling: which routes an alert goes to, what is silenced, and the queue of deliveries."""

from typing import NamedTuple

from lockgate.gateway.storage.database import Connection, Pool


class RouteRow(NamedTuple):
    """Where alerts of an account are told; target and secret are in ``sealed``."""

    account: str
    id: str
    version: int
    created: int
    kind: str
    min_severity: str
    enabled: bool
    deleted: bool
    sealed: bytes

    def __repr__(self) -> str:
        return f"RouteRow({self.account!r}, {self.id!r}, {self.kind!r})"


class Due(NamedTuple):
    """A delivery that this worker holds until ``leased_until_ms``."""

    account: str
    id: str
    alert: str
    route: str
    created_ms: int
    tries: int
    leased_until_ms: int


async def routes(connection: Connection | Pool, account: str) -> list[RouteRow]:
    """The account's routes that are switched on."""
    rows = await connection.fetch(
        "select account, id, version, created, kind, min_severity, enabled, deleted, sealed from alert_route"
        " where account = $1 and enabled and not deleted order by id",
        account,
    )
    return [RouteRow(*row) for row in rows]


async def route(connection: Connection | Pool, account: str, id_: str) -> RouteRow | None:
    row = await connection.fetchrow(
        "select account, id, version, created, kind, min_severity, enabled, deleted, sealed from alert_route"
        " where account = $1 and id = $2 and not deleted",
        *(account, id_),
    )
    return None if row is None else RouteRow(*row)


async def silence(connection: Connection, account: str, *, rule: str, subject: str, now: int) -> str | None:
    """The silence that covers this rule and subject now."""
    return await connection.fetchval(
        "select id from alert_silence where account = $1 and until > $4 and created <= $4 and ended_at is null"
        " and (rule is null or rule = $2) and (subject is null or subject = $3) order by until desc limit 1",
        *(account, rule, subject, now),
    )


async def put(
    connection: Connection, account: str, *, id_: str, alert: str, route: str, now_ms: int, apart_ms: int = 0
) -> None:
    """Queue one delivery, not before ``apart_ms`` have passed since this route was last told of anything; a second one
    of the same alert by the same route is none.
    """
    await connection.execute(
        "insert into alert_delivery (account, id, alert, route, created_ms, state, tries, next_try_ms)"
        " values ($1, $2, $3, $4, $5, 'waiting', 0, case when $6::bigint = 0 then $5 else greatest($5::bigint,"
        "  (select max(told_ms) + $6::bigint from alert_delivery where account = $1 and route = $4)) end)"
        " on conflict (account, alert, route) do nothing",
        *(account, id_, alert, route, now_ms, apart_ms),
    )


async def owners_due(pool: Pool, *, now_ms: int) -> list[tuple[str, str]]:
    """Account and route of the owners whom something is due to be told."""
    rows = await pool.fetch(
        "select distinct account, route from alert_delivery where state = 'waiting' and next_try_ms <= $1"
        " and route like 'owner:%' order by 1, 2",
        now_ms,
    )
    return [(row["account"], row["route"]) for row in rows]


async def take_all(connection: Connection, account: str, route: str, *, now_ms: int) -> list[str]:
    """All alerts that wait to be told by ``route``, told with this transaction; another worker finds none left."""
    rows = await connection.fetch(
        "update alert_delivery set state = 'delivered', next_try_ms = null, told_ms = $3, tries = tries + 1,"
        " outcome = 'mailed' where account = $1 and route = $2 and state = 'waiting' returning alert",
        *(account, route, now_ms),
    )
    return sorted(row["alert"] for row in rows)


async def give_up(connection: Connection, account: str, route: str) -> None:
    """Nobody is there any more who could be told by ``route``."""
    await connection.execute(
        "update alert_delivery set state = 'failed', next_try_ms = null, outcome = 'gone'"
        " where account = $1 and route = $2 and state = 'waiting'",
        *(account, route),
    )


async def lease(pool: Pool, *, now_ms: int, until_ms: int, limit: int) -> list[Due]:
    """Take due deliveries; workers skip each other's."""
    rows = await pool.fetch(
        "update alert_delivery d set leased_until_ms = $2 from (select account, id from alert_delivery"
        "  where state = 'waiting' and next_try_ms <= $1 and (leased_until_ms is null or leased_until_ms < $1)"
        "  and route not like 'owner:%'"
        "  order by next_try_ms limit $3 for update skip locked) due"
        " where (d.account, d.id) = (due.account, due.id)"
        " returning d.account, d.id, d.alert, d.route, d.created_ms, d.tries, d.leased_until_ms",
        *(now_ms, until_ms, limit),
    )
    return [Due(*row) for row in rows]


async def record(connection: Connection, due: Due, *, state: str, next_try_ms: int | None, outcome: str) -> bool:
    """Write down one try; False when the lease was lost meanwhile."""
    return bool(
        await connection.fetchval(
            "update alert_delivery set state = $3, next_try_ms = $4, outcome = $5, tries = tries + 1,"
            " leased_until_ms = null where account = $1 and id = $2 and leased_until_ms = $6 and state = 'waiting'"
            " returning true",
            *(due.account, due.id, state, next_try_ms, outcome, due.leased_until_ms),
        )
    )
