"""What the database says of the whole installation, for metrics: queues, ends of certificates, alerts, the worker."""

from typing import NamedTuple

from lockgate.gateway.storage.database import Pool


class Queues(NamedTuple):
    """How much waits, and since when (milliseconds) the oldest does; None where nothing waits."""

    mail: int
    mail_since_ms: int | None
    outbox: int
    deliveries: int
    attempts: int
    attempts_due_ms: int | None
    alert_deliveries: int


class Ending(NamedTuple):
    """A certificate of the installation, or all client certificates that end the soonest together."""

    name: str
    purpose: str
    not_after: int


async def queues(pool: Pool) -> Queues:
    row = await pool.fetchrow(
        "select (select count(*) from mail where state = 'waiting'),"
        " (select min(created) * 1000 from mail where state = 'waiting'),"
        " (select count(*) from outbox),"
        " (select count(*) from delivery where state = 'waiting'),"
        " (select count(*) from attempt where next_check_ms is not null),"
        " (select min(next_check_ms) from attempt where next_check_ms is not null),"
        " (select count(*) from alert_delivery where state = 'waiting')"
    )
    assert row is not None, "a select without from has one row"
    return Queues(*row)


async def open_alerts(pool: Pool) -> dict[str, int]:
    """How many alerts are not resolved, by severity."""
    rows = await pool.fetch("select severity, count(*) from alert where state <> 'resolved' group by severity")
    return {row["severity"]: row["count"] for row in rows}


async def endings(pool: Pool, *, now: int) -> list[Ending]:
    """When the installation's certificates end, and the first of the merchants' client certificates."""
    rows = await pool.fetch(
        "select name, purpose, not_after from server_certificate where not_after is not null"
        " union all select 'first', 'client', min(not_after) from client_certificate"
        " where revoked_at is null and not_after > $1 having min(not_after) is not null order by 1",
        now,
    )
    return [Ending(*row) for row in rows]


async def jobs(pool: Pool) -> dict[str, int]:
    """When (milliseconds) each job of the workers' last ran."""
    rows = await pool.fetch("select name, ran_at_ms from job")
    return {row["name"]: row["ran_at_ms"] for row in rows}
