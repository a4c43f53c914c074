"""What the clock calls: says once that an account's access review is overdue; an alert is made of that."""

from lockgate.gateway.access import find, store
from lockgate.gateway.access.core.holders import EVERY_S, due_at
from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock
from lockgate.kernel.principal import Principal

_PORTION = 100


def jobs(pool: Pool) -> list[Job]:
    """One look a quarter of an hour."""

    async def due() -> int:
        return await tell_of_overdue(pool, now=clock.now())

    return [Job("access.reviews_due", 900_000, due)]


async def tell_of_overdue(pool: Pool, *, now: int) -> int:
    """Write ``access_review.due`` for each account that is overdue and was not told; returns how many."""
    found = await find.overdue(pool, now=now, every_s=EVERY_S, most=_PORTION)
    for one in found:
        due = due_at(last_completed=one.last_completed, account_created=one.created)
        who = Principal(one.account, False, "internal", "worker")
        async with pool.acquire() as connection, connection.transaction():
            if await store.insert_notice(connection, one.account, due, now=now):
                told = record(who, "access_review.due", object_=None, request=None, detail={"due_at": due})
                await insert_audits(connection, [told])
    return len(found)
