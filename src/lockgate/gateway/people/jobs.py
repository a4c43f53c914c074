"""What the clock calls for people: idle ones lose their access, and what is long over is forgotten."""

from lockgate.gateway.people import find, sessions, store, store_sessions, store_signins
from lockgate.gateway.people.core.lockout import FORGOTTEN_AFTER_S
from lockgate.gateway.people.records import by_person
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock

IDLE_S = 90 * 86_400  # PCI DSS 8.2.6
PLACES_S = 180 * 86_400
ENDED_KEPT_S = 30 * 86_400
_PORTION = 100


def jobs(pool: Pool) -> list[Job]:
    """Both are safe to run in several workers at once."""
    return [
        Job("people.idle", 600_000, lambda: disable_idle(pool, now=clock.now())),
        Job("people.forget", 600_000, lambda: forget(pool, now=clock.now())),
    ]


async def disable_idle(pool: Pool, *, now: int) -> int:
    """Disable whoever was not seen for 90 days, owners too; an owner or the operator lets them in again."""
    async with pool.acquire() as connection, connection.transaction():
        idle = await store.disable_idle(connection, since=now - IDLE_S, most=_PORTION)
        for person in idle:
            await sessions.end_all(connection, person, reason="idle", now=now)
            accounts = await find.accounts_of(connection, person)
            detail = {"reason": "idle"}
            told = by_person(person, accounts, "person.disable", object_=person, request=None, detail=detail)
            await insert_audits(connection, told)
    return len(idle)


async def forget(pool: Pool, *, now: int) -> int:
    """Forget sign-ins, failures, places and links that are over, and sessions a month after they ended."""
    done = await store_signins.forget_old(pool, now=now, quiet_s=FORGOTTEN_AFTER_S, places_s=PLACES_S)
    return done + await store_sessions.forget_sessions(pool, before=now - ENDED_KEPT_S)
