"""What the clock calls for people: idle ones lose their access, and what is long over is forgotten."""

from lockgate.gateway.identity.roles import OWNER
from lockgate.gateway.people import find, sessions, store, store_sessions, store_signins
from lockgate.gateway.people.core.lockout import FORGOTTEN_AFTER_S
from lockgate.gateway.people.find_holdings import roles_of
from lockgate.gateway.people.records import by_person
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock

IDLE_S = 90 * 86_400  # PCI DSS 8.2.6
PLACES_S = 180 * 86_400
ENDED_KEPT_S = 30 * 86_400


def jobs(pool: Pool) -> list[Job]:
    """Both are safe to run in several workers at once."""
    return [
        Job("people.idle", 600_000, lambda: disable_idle(pool, now=clock.now())),
        Job("people.forget", 600_000, lambda: forget(pool, now=clock.now())),
    ]


async def disable_idle(pool: Pool, *, now: int) -> int:
    """Disable whoever was not seen for 90 days; an owner or the operator lets them in again.

    The last owner who can sign in stays, or an account would have nobody to let anybody in.
    """
    done = 0
    for person in await store.idle_people(pool, since=now - IDLE_S):
        async with pool.acquire() as connection, connection.transaction():
            done += await _disable(connection, person, now=now)
    return done


async def _disable(connection: Connection, person: str, *, now: int) -> bool:
    """Under the locks of those who change who belongs where: whether ``person`` was disabled by this."""
    for account in sorted(await find.accounts_of(connection, person)):
        await store.lock_members(connection, account)
    row = await store.lock_person(connection, person)
    seen = max(row.active_since, row.last_seen_at or 0) if row is not None else now
    if row is None or row.status != "active" or seen >= now - IDLE_S:
        return False
    held = await roles_of(connection, person)
    for account in (account for account, roles in held.items() if OWNER in roles):
        if not await store.other_owners(connection, account=account, role=OWNER, besides=person):
            return False
    await store.set_status(connection, person, "disabled", reason="idle", now=now)
    await sessions.end_all(connection, person, reason="idle", now=now)
    told = by_person(person, list(held), "person.disable", object_=person, request=None, detail={"reason": "idle"})
    await insert_audits(connection, told)
    return True


async def forget(pool: Pool, *, now: int) -> int:
    """Forget sign-ins, failures, places and links that are over, and sessions a month after they ended."""
    done = await store_signins.forget_old(pool, now=now, quiet_s=FORGOTTEN_AFTER_S, places_s=PLACES_S)
    return done + await store_sessions.forget_sessions(pool, before=now - ENDED_KEPT_S)
