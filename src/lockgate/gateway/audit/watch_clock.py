"""Watches the system's clock: a jump, or a difference from the database's clock, is an audit record and an alarm."""

from lockgate.gateway.audit import find_strays
from lockgate.gateway.audit.core.drift import Drift
from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Pool
from lockgate.kernel import clock, log
from lockgate.kernel.principal import Principal

EVERY_MS = 5_000
_logger = log.get("audit")


class ClockWatch:
    """One process's watch. Records keep their order all the same: ids never run backwards within a process."""

    def __init__(self, pool: Pool, *, limit_s: float) -> None:
        self._pool = pool
        self._drift = Drift(limit_s * 1000)

    async def look(self) -> int:
        """Look once; always nothing left to do."""
        asked = clock.monotonic()
        database_ms = await find_strays.database_ms(self._pool)
        wall_ms, answered = clock.now_ms(), clock.monotonic()
        alarms = self._drift.look(
            wall_ms=wall_ms, monotonic_s=answered, database_ms=database_ms, within_ms=(answered - asked) * 1000
        )
        if alarms:
            who = Principal(find_strays.PLATFORM, False, "internal", "clock")
            rows = [
                record(
                    who, "clock.jumped", object_=None, request=None, outcome="alarm",
                    detail={"what": alarm.what, "by_ms": alarm.by_ms},
                )
                for alarm in alarms
            ]  # fmt: skip
            await insert_audits(self._pool, rows)
            _logger.error("the system's clock cannot be believed", by_ms=[alarm.by_ms for alarm in alarms])
        return 0
