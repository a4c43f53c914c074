"""The SQL of what people change: alerts' states, rules, routes and silences."""

from lockgate.gateway.alerts.find_alerts import SilenceRow
from lockgate.gateway.alerts.store_delivery import RouteRow
from lockgate.gateway.storage.database import Connection


async def acknowledge(connection: Connection, account: str, id_: str, *, by: str, now: int) -> bool:
    """Whether it was open until now."""
    return bool(
        await connection.fetchval(
            "update alert set state = 'acknowledged', acknowledged_at = $3, acknowledged_by = $4"
            " where account = $1 and id = $2 and state = 'open' returning true",
            *(account, id_, now, by),
        )
    )


async def resolve(connection: Connection, account: str, id_: str, *, by: str, now: int) -> bool:
    """Whether it was not resolved until now."""
    return bool(
        await connection.fetchval(
            "update alert set state = 'resolved', resolved_at = $3, resolved_by = $4"
            " where account = $1 and id = $2 and state <> 'resolved' returning true",
            *(account, id_, now, by),
        )
    )


async def put_rule(
    connection: Connection, account: str, rule: str, *, threshold: int | None, enabled: bool, by: str, now: int
) -> None:
    await connection.execute(
        "insert into alert_rule (account, rule, threshold, enabled, changed_at, changed_by)"
        " values ($1, $2, $3, $4, $5, $6) on conflict (account, rule) do update"
        " set threshold = $3, enabled = $4, changed_at = $5, changed_by = $6",
        *(account, rule, threshold, enabled, now, by),
    )


async def insert_route(connection: Connection, row: RouteRow) -> None:
    await connection.execute(
        "insert into alert_route (account, id, version, created, kind, min_severity, enabled, deleted, sealed)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *row,
    )


async def update_route(connection: Connection, row: RouteRow) -> bool:
    """Whether it still was in the version before ``row``'s."""
    return bool(
        await connection.fetchval(
            "update alert_route set version = $3, min_severity = $4, enabled = $5, deleted = $6, sealed = $7"
            " where account = $1 and id = $2 and version = $3::int - 1 and not deleted returning true",
            *(row.account, row.id, row.version, row.min_severity, row.enabled, row.deleted, row.sealed),
        )
    )


async def insert_silence(connection: Connection, row: SilenceRow) -> None:
    await connection.execute(
        "insert into alert_silence (account, id, created, created_by, rule, subject, until, ended_at, reason)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *row,
    )


async def end_silence(connection: Connection, account: str, id_: str, *, now: int) -> bool:
    """Whether it went on until now."""
    return bool(
        await connection.fetchval(
            "update alert_silence set ended_at = $3 where account = $1 and id = $2 and ended_at is null and until > $3"
            " returning true",
            *(account, id_, now),
        )
    )
