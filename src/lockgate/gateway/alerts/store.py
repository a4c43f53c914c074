"""The alert engine's own SQL: its place in the audit log, alerts, windows, what is known, and what is over."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lockgate.gateway.alerts.core.rule import Use
from lockgate.gateway.alerts.find import Key, Page
from lockgate.gateway.storage.database import Connection, Pool

PAGE_TRANSACTIONS = 2000


class AlertRow(NamedTuple):
    """A new alert. ``quiet_ms``: how long without another until it ends by itself; None: never."""

    account: str
    id: str
    rule: str
    subject: str
    severity: str
    summary: str
    count_: int
    first_ms: int
    last_ms: int
    opened_ms: int
    quiet_ms: int | None
    silence: str | None
    evidence: str


async def take_page(connection: Connection) -> Page | None:
    """The next stretch of the audit log, held until this transaction ends; None while another engine holds it.

    It ends below the oldest transaction that is still open: nothing can commit into it later.
    """
    row = await connection.fetchrow(
        "select c.tx, s.horizon, least(s.horizon, c.tx + $1) as until from alert_cursor c,"
        " (select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as horizon) s"
        " where c.name = 'engine' for update of c skip locked",
        PAGE_TRANSACTIONS,
    )
    return None if row is None else Page(row["tx"], row["until"], whole=row["until"] == row["horizon"])


async def advance(connection: Connection, page: Page) -> None:
    await connection.execute("update alert_cursor set tx = $1 where name = 'engine'", page.end)


async def insert_alert(connection: Connection, row: AlertRow) -> None:
    await connection.execute(
        "insert into alert (account, id, rule, subject, severity, summary, count, first_ms, last_ms, opened_ms,"
        " quiet_ms, silence, evidence, state) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'open')",
        *row,
    )


async def extend_alert(
    connection: Connection, account: str, id_: str, *, count: int, last_ms: int, evidence: Sequence[Mapping[str, Any]]
) -> None:
    await connection.execute(
        "update alert set count = $3, last_ms = $4, evidence = $5 where account = $1 and id = $2",
        *(account, id_, count, last_ms, json.dumps(evidence)),
    )


async def end_alert(connection: Connection, account: str, id_: str, *, now: int) -> None:
    """It has been quiet for long enough."""
    await connection.execute(
        "update alert set state = 'resolved', resolved_at = $3, resolved_by = 'quiet'"
        " where account = $1 and id = $2 and state <> 'resolved'",
        *(account, id_, now),
    )


async def end_quiet(connection: Connection, *, now_ms: int) -> list[tuple[str, str, str]]:
    """End all that have been quiet for long enough: account, id and rule of each."""
    rows = await connection.fetch(
        "update alert set state = 'resolved', resolved_at = $1::bigint / 1000, resolved_by = 'quiet'"
        " where state <> 'resolved' and quiet_ms is not null and last_ms + quiet_ms <= $1"
        " returning account, id, rule",
        now_ms,
    )
    return [(row["account"], row["id"], row["rule"]) for row in rows]


async def keep_window(connection: Connection, key: Key, times: Sequence[int], *, until_ms: int) -> None:
    await connection.execute(
        "insert into alert_window (account, rule, subject, times, until_ms) values ($1, $2, $3, $4, $5)"
        " on conflict (account, rule, subject) do update set times = $4, until_ms = $5",
        *(*key, list(times), until_ms),
    )


async def drop_window(connection: Connection, key: Key) -> None:
    await connection.execute("delete from alert_window where account = $1 and rule = $2 and subject = $3", *key)


async def purge_windows(connection: Connection, *, now_ms: int) -> None:
    """Forget what is too old to count."""
    await connection.execute("delete from alert_window where until_ms < $1", now_ms)


async def learn(connection: Connection, use: Use, *, fresh_ms: int) -> None:
    """Note where an actor has been; what was noted within ``fresh_ms`` is left alone."""
    place = use.place
    await connection.execute(
        "insert into known_address as k (account, actor, source, country, latitude, longitude, radius_km, first_ms,"
        " last_ms) values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (account, actor, source) do update"
        " set last_ms = $9, country = $4, latitude = $5, longitude = $6, radius_km = $7"
        " where k.last_ms < $9::bigint - $10::bigint",
        *(use.account, use.actor, use.source, place.country, place.latitude, place.longitude, place.radius_km),
        *(use.first_ms, use.last_ms, fresh_ms),
    )
    if place.country is not None:
        await connection.execute(
            "insert into known_country as k (account, actor, country, first_ms, last_ms) values ($1, $2, $3, $4, $5)"
            " on conflict (account, actor, country) do update set last_ms = $5"
            " where k.last_ms < $5::bigint - $6::bigint",
            *(use.account, use.actor, place.country, use.first_ms, use.last_ms, fresh_ms),
        )


async def forget(pool: Pool, *, places_before_ms: int, countries_before_ms: int, alerts_before: int, limit: int) -> int:
    """Forget places and countries not seen for long, and alerts that were resolved long ago, with their deliveries."""
    gone = 0
    for status in (
        await pool.execute(
            "delete from known_address where (account, actor, source) in (select account, actor, source"
            " from known_address where last_ms < $1 order by last_ms limit $2)",
            *(places_before_ms, limit),
        ),
        await pool.execute(
            "delete from known_country where (account, actor, country) in (select account, actor, country"
            " from known_country where last_ms < $1 order by last_ms limit $2)",
            *(countries_before_ms, limit),
        ),
        await pool.execute(
            "with old as (delete from alert where (account, id) in (select account, id from alert"
            " where state = 'resolved' and resolved_at < $1 order by resolved_at limit $2) returning account, id)"
            " delete from alert_delivery d using old where (d.account, d.alert) = (old.account, old.id)",
            *(alerts_before, limit),
        ),
    ):
        gone += int(status.rsplit(" ", 1)[1])
    return gone
