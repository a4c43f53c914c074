"""What no room has a record of by itself: clocks that jump or differ, and a table of countries that has grown old."""

from collections.abc import Callable
from typing import Any

from lockgate.gateway.alerts import store_watch
from lockgate.gateway.alerts.core.clocks import Look, differs, jumped
from lockgate.gateway.audit.record import record
from lockgate.gateway.identity.places import Places
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Pool
from lockgate.kernel import clock
from lockgate.kernel.principal import Principal

_WORKER = Principal("-", False, "internal", "worker")


class ClockWatch:
    """Looks at the clocks now and then. It remembers its last look only: a restart begins anew."""

    def __init__(
        self,
        pool: Pool,
        *,
        now_ms: Callable[[], int] = clock.now_ms,
        steady: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._pool = pool
        self._now_ms = now_ms
        self._steady = steady
        self._last: Look | None = None

    async def run(self) -> int:
        """One look; a clock that cannot be believed is on record."""
        now = Look(self._now_ms(), round(self._steady() * 1000))
        astray, self._last = jumped(self._last, now), now
        if astray:
            await _note(self._pool, "clock.jumped", "clock", against="its own pace", ms=astray)
        theirs = await store_watch.server_ms(self._pool)
        if apart := differs(self._now_ms(), theirs):
            await _note(self._pool, "clock.jumped", "database", against="the database server's", ms=apart)
        return 0


async def look_at_places(pool: Pool, places: Places, *, now: int) -> None:
    """Once a day: an old table is on record, and so is which one is used."""
    edition = places.edition
    if edition is not None:
        action = "geography.stale" if edition.is_stale(now) else "geography.used"
        await _note(
            pool, action, None,
            type=edition.type, built=edition.built, sha256=edition.sha256, licence=edition.licence,
        )  # fmt: skip


async def _note(pool: Pool, action: str, object_: str | None, **detail: Any) -> None:
    await insert_audits(pool, [record(_WORKER, action, object_=object_, request=None, detail=detail)])
