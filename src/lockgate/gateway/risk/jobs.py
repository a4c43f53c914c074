"""What the clock calls in risk: forgetting what stood in deleted value lists, used puzzles, and decisions too old."""

from lockgate.gateway.risk import store, store_puzzles, store_settings
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.kernel import clock

_PORTION = 1_000
DAY = 86_400
KEPT_DAYS = 540
"""For as long as a cardholder can still object to a payment, a decision on it can be looked at, and learnt from."""


def jobs(pool: Pool, *, kept_days: int = KEPT_DAYS) -> list[Job]:
    """The room's jobs."""

    async def clear() -> int:
        return await store.clear_deleted(pool, most=_PORTION)

    async def forget() -> int:
        return await store_settings.forget_decisions(
            pool, before=clock.now() - kept_days * DAY, most=_PORTION
        )

    async def clear_puzzles() -> int:
        return await store_puzzles.clear_used(pool, now=clock.now(), most=_PORTION)

    return [
        Job("risk.clear_lists", 60_000, clear),
        Job("risk.clear_puzzles", 60_000, clear_puzzles),
        Job("risk.forget_decisions", 3_600_000, forget),
    ]
