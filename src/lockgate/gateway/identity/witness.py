"""Audit records of what no transaction of its own writes: refusals, one by one, and successful reads, counted."""

import asyncio
from collections.abc import Callable

from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel import clock, log
from lockgate.kernel.principal import Principal
from lockgate.kernel.source import source

LISTED_PER_MINUTE = 20
MAX_SOURCES = 10_000
MAX_TALLIES = 10_000
_WINDOW_S = 60.0
_TALLY_S = 0.5
_ELSEWHERE = "*"  # all sources beyond MAX_SOURCES share one count
_logger = log.get("identity")


class _Window:
    """One source's refusals since ``began``."""

    __slots__ = ("actions", "began", "counted", "listed")

    def __init__(self, began: float) -> None:
        self.began = began
        self.listed = 0
        self.counted = 0
        self.actions: set[str] = set()


class Witness:
    """Writes refusals before they are answered. One source that is refused more than LISTED_PER_MINUTE times a minute
    is counted from there on and gets one summary record, so that nobody can flood the log.
    """

    def __init__(self, pool: Pool, *, monotonic: Callable[[], float] = clock.monotonic) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._windows: dict[str, _Window] = {}
        self._tallies: dict[tuple[str, bool, str, str, str], int] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._unwritten = 0

    async def refused(
        self, who: Principal, action: str, *, reason: str, request: str | None, object_: str | None = None
    ) -> None:
        """Record one refusal. If it cannot be written this raises, and the caller answers with a fault."""
        window = self._window(source(who.address))
        if window.listed >= LISTED_PER_MINUTE:
            window.counted += 1
            window.actions.add(action)
            self._later("windows", _WINDOW_S)
            return
        window.listed += 1
        await self._write(
            [record(who, action, object_=object_, request=request, outcome="refused", detail={"reason": reason})]
        )

    def seen(self, who: Principal, operation: str) -> None:
        """Count one authenticated request that wrote nothing; the count is written within a second."""
        key = (who.account, who.livemode, f"{who.kind}:{who.id}", who.address, operation)
        known = self._tallies.get(key)
        if known is None and len(self._tallies) >= MAX_TALLIES:
            key = (who.account, who.livemode, f"{who.kind}:{who.id}", _ELSEWHERE, operation)
            known = self._tallies.get(key)
        self._tallies[key] = (known or 0) + 1
        if known is None:
            self._later("tallies", _TALLY_S)

    async def close(self) -> None:
        """Write what is still only counted."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        while self._tasks:
            await asyncio.wait(tuple(self._tasks))
        await self._write([*self._take_tallies(), *self._take_windows(all_of_them=True)])

    def _window(self, sender: str) -> _Window:
        now = self._monotonic()
        window = self._windows.get(sender)
        if window is None and len(self._windows) >= MAX_SOURCES:
            for old in [s for s, w in self._windows.items() if not w.counted and now - w.began >= _WINDOW_S]:
                del self._windows[old]
            if len(self._windows) >= MAX_SOURCES:
                sender = _ELSEWHERE
                window = self._windows.get(sender)
        if window is None:
            window = self._windows[sender] = _Window(now)
        elif now - window.began >= _WINDOW_S and not window.counted:
            window.began, window.listed = now, 0
        return window

    def _later(self, what: str, delay_s: float) -> None:
        if what not in self._timers:
            self._timers[what] = asyncio.get_running_loop().call_later(delay_s, self._flush, what)

    def _flush(self, what: str) -> None:
        del self._timers[what]
        rows = self._take_tallies() if what == "tallies" else self._take_windows()
        if what == "windows" and any(window.counted for window in self._windows.values()):
            self._later("windows", _WINDOW_S)
        if rows:
            task = asyncio.get_running_loop().create_task(self._write_later(rows))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _write_later(self, rows: list[AuditRow]) -> None:
        try:
            await self._write(rows)
        except Exception:
            _logger.exception("counted audit records could not be written", records=len(rows))

    async def _write(self, rows: list[AuditRow]) -> None:
        """Write ``rows``; after a time in which that failed also how many were lost, which raises an alert."""
        if not rows:
            return
        lost = self._unwritten
        try:
            await insert_audits(self._pool, [*rows, _lost(lost)] if lost else rows)
        except BaseException:
            self._unwritten += len(rows)
            raise
        self._unwritten -= lost

    def _take_tallies(self) -> list[AuditRow]:
        taken, self._tallies = self._tallies, {}
        rows = []
        for (account, livemode, actor, address, operation), count in taken.items():
            kind, _, id_ = actor.partition(":")
            who = Principal(account, livemode, kind, id_, address=address)  # type: ignore[arg-type] - it was a principal's
            rows.append(
                record(who, "request.seen", object_=None, request=None, detail={"operation": operation, "count": count})
            )
        return rows

    def _take_windows(self, *, all_of_them: bool = False) -> list[AuditRow]:
        now = self._monotonic()
        rows = []
        for sender, window in list(self._windows.items()):
            if not all_of_them and now - window.began < _WINDOW_S:
                continue
            if window.counted:
                rows.append(_summary(sender, window))
            del self._windows[sender]
        return rows


def _lost(number: int) -> AuditRow:
    who = Principal("-", False, "internal", "witness")
    detail = {"count": number, "reason": f"{number} records could not be written"}
    return record(who, "audit.unwritten", object_=None, request=None, outcome="failed", detail=detail)


def _summary(sender: str, window: _Window) -> AuditRow:
    who = Principal("-", False, "internal", "witness", address=sender)
    detail = {"count": window.counted, "actions": sorted(window.actions)}
    return record(who, "refusals.counted", object_=None, request=None, outcome="refused", detail=detail)
