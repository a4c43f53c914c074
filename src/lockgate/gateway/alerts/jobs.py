"""What the clock calls in alerts: judging, telling, the watch over the table of countries, and forgetting."""

from lockgate.gateway.alerts import store
from lockgate.gateway.alerts.judge import Judge
from lockgate.gateway.alerts.owners import tell_owners
from lockgate.gateway.alerts.ports import Telling
from lockgate.gateway.alerts.tell import tell
from lockgate.gateway.alerts.watch import look_at_places
from lockgate.gateway.storage.jobs import Job

EVERY_MS = 1000
JUDGE_EVERY_MS = 2000
PLACES_KEPT_S = 90 * 24 * 3600
COUNTRIES_KEPT_S = 400 * 24 * 3600
ALERTS_KEPT_S = 400 * 24 * 3600
_DAY_MS = 24 * 3_600_000
_PORTION = 1000


def jobs(telling: Telling) -> list[Job]:
    """The alert jobs."""
    pool = telling.ports.pool
    judge = Judge(telling)

    async def deliver() -> int:
        return await tell(telling) + await tell_owners(telling)

    async def places() -> int:
        await look_at_places(pool, telling.places, now=telling.now_ms() // 1000)
        return 0

    async def forget() -> int:
        now = telling.now_ms() // 1000
        return await store.forget(
            pool,
            places_before_ms=(now - PLACES_KEPT_S) * 1000,
            countries_before_ms=(now - COUNTRIES_KEPT_S) * 1000,
            alerts_before=now - ALERTS_KEPT_S,
            limit=_PORTION,
        )

    return [
        Job("alerts.judge", JUDGE_EVERY_MS, judge.run, shared=True),
        Job("alerts.tell", EVERY_MS, deliver, shared=True),
        Job("alerts.places", _DAY_MS, places),
        Job("alerts.forget", 3_600_000, forget),
    ]
