"""Reads of alerts, rules, routes and silences for those whose they are: the account first, in one place."""

from typing import NamedTuple

from lockgate.gateway.alerts.store_delivery import RouteRow
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.paging import Page


class AlertView(NamedTuple):
    """An alert as it stands."""

    account: str
    id: str
    rule: str
    subject: str
    severity: str
    state: str
    summary: str
    count_: int
    first_ms: int
    last_ms: int
    opened_ms: int
    silence: str | None
    acknowledged_at: int | None
    acknowledged_by: str | None
    resolved_at: int | None
    resolved_by: str | None
    evidence: str


class SilenceRow(NamedTuple):
    """A silence: of one rule, one subject, both, or everything, until ``until`` (seconds)."""

    account: str
    id: str
    created: int
    created_by: str
    rule: str | None
    subject: str | None
    until: int
    ended_at: int | None
    reason: str


class DeliveryRow(NamedTuple):
    """One alert on its way by one route."""

    account: str
    id: str
    alert: str
    route: str
    created_ms: int
    state: str
    tries: int
    next_try_ms: int | None
    outcome: str | None


async def alert(pool: Pool | Connection, account: str, id_: str) -> AlertView | None:
    row = await pool.fetchrow(
        "select account, id, rule, subject, severity, state, summary, count, first_ms, last_ms, opened_ms, silence,"
        " acknowledged_at, acknowledged_by, resolved_at, resolved_by, evidence from alert"
        " where account = $1 and id = $2",
        *(account, id_),
    )
    return None if row is None else AlertView(*row)


async def alerts(
    pool: Pool | Connection, account: str, page: Page, *, state: str | None = None, rule: str | None = None
) -> list[AlertView]:
    """One row more than the page holds, in its order."""
    if page.backwards:
        rows = await pool.fetch(
            "select account, id, rule, subject, severity, state, summary, count, first_ms, last_ms, opened_ms, silence,"
            " acknowledged_at, acknowledged_by, resolved_at, resolved_by, evidence from alert where account = $1"
            " and id > $2 and ($3::text is null or state = $3) and ($4::text is null or rule = $4)"
            " order by id limit $5",
            *(account, page.before, state, rule, page.limit + 1),
        )
    else:
        rows = await pool.fetch(
            "select account, id, rule, subject, severity, state, summary, count, first_ms, last_ms, opened_ms, silence,"
            " acknowledged_at, acknowledged_by, resolved_at, resolved_by, evidence from alert where account = $1"
            " and ($2::text is null or id < $2) and ($3::text is null or state = $3)"
            " and ($4::text is null or rule = $4) order by id desc limit $5",
            *(account, page.after, state, rule, page.limit + 1),
        )
    return [AlertView(*row) for row in rows]


async def settings(pool: Pool | Connection, account: str) -> dict[str, tuple[int | None, bool]]:
    """The account's own thresholds, and whether a rule is on, by rule."""
    rows = await pool.fetch("select rule, threshold, enabled from alert_rule where account = $1", account)
    return {row["rule"]: (row["threshold"], row["enabled"]) for row in rows}


async def routes(pool: Pool | Connection, account: str) -> list[RouteRow]:
    """All routes of the account, the newest first; there are few."""
    rows = await pool.fetch(
        "select account, id, version, created, kind, min_severity, enabled, deleted, sealed from alert_route"
        " where account = $1 and not deleted order by id desc",
        account,
    )
    return [RouteRow(*row) for row in rows]


async def silences(pool: Pool | Connection, account: str, *, since: int) -> list[SilenceRow]:
    """The silences that ended after ``since`` or go on, the newest first."""
    rows = await pool.fetch(
        "select account, id, created, created_by, rule, subject, until, ended_at, reason from alert_silence"
        " where account = $1 and until >= $2 order by id desc limit 1000",
        *(account, since),
    )
    return [SilenceRow(*row) for row in rows]


async def silence(pool: Pool | Connection, account: str, id_: str) -> SilenceRow | None:
    row = await pool.fetchrow(
        "select account, id, created, created_by, rule, subject, until, ended_at, reason from alert_silence"
        " where account = $1 and id = $2",
        *(account, id_),
    )
    return None if row is None else SilenceRow(*row)


async def deliveries(pool: Pool | Connection, account: str, route: str, *, most: int) -> list[DeliveryRow]:
    """A route's deliveries, the newest first."""
    rows = await pool.fetch(
        "select account, id, alert, route, created_ms, state, tries, next_try_ms, outcome from alert_delivery"
        " where account = $1 and route = $2 order by id desc limit $3",
        *(account, route, most),
    )
    return [DeliveryRow(*row) for row in rows]
