"""What the clock forgets for the door: recorded traffic by age, and buckets that are at rest."""

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.gateway.web import store_limits
from lockgate.kernel import clock

TRAFFIC_KEPT_S = 15 * 24 * 3600  # two whole weeks, and the day that has begun


def jobs(pool: Pool) -> list[Job]:
    """Hourly."""

    async def traffic() -> int:
        await store_limits.forget_traffic(pool, before_hour=clock.now() - TRAFFIC_KEPT_S)
        return 0

    async def state() -> int:
        await store_limits.forget_state(pool, before_ms=clock.now_ms() - 3_600_000)
        return 0

    return [Job("limits.traffic", 3_600_000, traffic), Job("limits.state", 3_600_000, state)]
