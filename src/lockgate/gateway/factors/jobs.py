"""What the clock does with factors: forget what was begun and never finished."""

from lockgate.gateway.factors import store
from lockgate.gateway.factors.totp import BEGUN_S
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock

_EVERY_MS = 60_000


def jobs(pool: Pool) -> list[Job]:
    """One sweep a minute."""

    async def sweep() -> int:
        await store.sweep(pool, before=clock.now() - BEGUN_S)
        return 0

    return [Job("factors.sweep", _EVERY_MS, sweep)]
