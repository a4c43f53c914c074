"""What the clock calls in geography: saying once a day which imported tables have grown old."""

from datetime import date

from lockgate.gateway.audit.record import record
from lockgate.gateway.geography import find
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock
from lockgate.kernel.principal import Principal

_DAY_S = 24 * 3600
STALE_DAYS = 60
_WORKER = Principal("-", False, "internal", "worker")


def jobs(pool: Pool) -> list[Job]:
    """The room's jobs."""

    async def look() -> int:
        return await look_at_tables(pool, now=clock.now())

    return [Job("geography.tables", _DAY_S * 1000, look)]


async def look_at_tables(pool: Pool, *, now: int) -> int:
    """Put on record which tables in force are older than 60 days; how many. What is shipped says its own age."""
    newest: dict[str, find.TableRow] = {}
    for row in await find.history(pool):
        newest.setdefault(row.name, row)
    old = [row for row in newest.values() if age_days(row.date, now) > STALE_DAYS]
    if old:
        await insert_audits(
            pool,
            [
                record(
                    _WORKER, "risk_table.stale", object_=row.name, request=None,
                    detail={"table": row.name, "version": row.version, "date": row.date},
                )
                for row in old
            ],
        )  # fmt: skip
    return len(old)


def age_days(day: str, now: int) -> int:
    """How many days ``day`` (2026-06-25) is over, at ``now`` in seconds."""
    return now // _DAY_S - (date.fromisoformat(day) - date(1970, 1, 1)).days
