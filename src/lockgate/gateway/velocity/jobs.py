"""What the clock calls in velocity: folding keys that are used much, and forgetting what counts no more."""

from dataclasses import dataclass

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.gateway.velocity import store
from lockgate.kernel import clock

FOLD_AT = 64
"""With so many attempts of its own a key costs more to read than its counts do."""

LOOK_BACK = 100_000
PORTION = 20_000
FOLD_EVERY_MS = 500
FORGET_EVERY_MS = 600_000

_HOUR_MS = 3_600_000
_DAY_MS = 24 * _HOUR_MS
RECENT_MS = 2 * _HOUR_MS
HOURS_KEPT_MS = 26 * _HOUR_MS
PAIRS_KEPT_MS = 8 * _DAY_MS
DAYS_KEPT_MS = 31 * _DAY_MS
ATTEMPTS_KEPT_MS = 180 * _DAY_MS
KEYS_KEPT_MS = ATTEMPTS_KEPT_MS + 400 * _DAY_MS
"""Of an attempt that is still kept, its keys do not know yet."""


@dataclass(slots=True)
class Folding:
    """Follows the attempts as they are written. Where it begins is of no matter: a busy key is met again."""

    pool: Pool
    seen: int | None = None

    async def run(self) -> int:
        """Fold the keys that are used much and were met since the last time."""
        newest = await store.newest(self.pool)
        after = max(0, newest - LOOK_BACK) if self.seen is None else self.seen
        busy = await store.busy_keys(self.pool, after=after, until=newest, at_least=FOLD_AT)
        for key in busy:
            recent_ms = clock.now_ms() - RECENT_MS
            while await store.fold(self.pool, key, recent_ms=recent_ms, limit=PORTION) >= PORTION:
                pass
        self.seen = newest
        return 0


async def forget(pool: Pool, *, now_ms: int) -> int:
    """Forget by age; business clocks are never behind the world's, so nothing goes that a window still reaches."""
    gone = await store.forget_attempts(
        pool, before_ms=now_ms - ATTEMPTS_KEPT_MS, fraud_before_ms=now_ms - DAYS_KEPT_MS, limit=PORTION
    )
    if gone == PORTION:
        return PORTION
    await store.forget_differences(pool, before_ms=now_ms - DAYS_KEPT_MS)
    await store.forget_edges(pool, before_ms=now_ms - RECENT_MS)
    for span in (10, 60, 600):
        await store.forget_counts(pool, span=span, before_ms=now_ms - RECENT_MS)
    await store.forget_counts(pool, span=3600, before_ms=now_ms - HOURS_KEPT_MS)
    await store.forget_counts(pool, span=86_400, before_ms=now_ms - DAYS_KEPT_MS)
    await store.forget_pairs(pool, before_ms=now_ms - PAIRS_KEPT_MS)
    await store.forget_keys(pool, before_ms=now_ms - KEYS_KEPT_MS)
    return 0


def jobs(pool: Pool) -> list[Job]:
    """Velocity's jobs."""

    async def forget_old() -> int:
        return await forget(pool, now_ms=clock.now_ms())

    return [
        Job("velocity.fold", FOLD_EVERY_MS, Folding(pool).run),
        Job("velocity.forget", FORGET_EVERY_MS, forget_old),
    ]
