"""What the clock calls in risk: forgetting what stood in deleted value lists."""

from lockgate.gateway.risk import store
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job

_PORTION = 1_000


def jobs(pool: Pool) -> list[Job]:
    """The room's jobs."""

    async def clear() -> int:
        return await store.clear_deleted(pool, most=_PORTION)

    return [Job("risk.clear_lists", 60_000, clear)]
