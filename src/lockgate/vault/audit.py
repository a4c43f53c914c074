"""The vault's own record of what it refused and of what its operators ordered."""

import asyncio

from lockgate.kernel import clock, log
from lockgate.vault.store import AuditRow, Store

_FLUSH_S = 0.2
_MOST_KINDS = 4096
Kind = tuple[str, str, str | None, str, int | None]


class Audit:
    """Operators' orders are written before they take effect; refusals soon after, equal ones counted in one row.

    So a flood of bad frames cannot fill the table, nor slow the calls that are in order.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._refused: dict[Kind, tuple[int, int]] = {}
        self._task: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()

    async def ordered(self, caller: str, verb: str, *, account: str | None, subject: str, uid: int | None) -> None:
        """Record that ``verb`` is about to be done, to ``subject`` if it has one. If this raises, it must not be."""
        row = AuditRow(clock.now_ms(), caller, verb, account, "ordered", subject[:200].replace("\0", ""), uid)
        await self._store.audit([row])

    def refused(self, caller: str, verb: str, *, account: str | None, reason: str, uid: int | None) -> None:
        """Record a refusal soon; the words are cut to a size that a stranger cannot choose."""
        kind: Kind = (caller[:64], verb[:64], account[:64] if account else None, reason[:64], uid)
        if kind not in self._refused and len(self._refused) >= _MOST_KINDS:
            kind = ("", "", None, "too_many_kinds", None)
        first_ms, count = self._refused.get(kind, (clock.now_ms(), 0))
        self._refused[kind] = (first_ms, count + 1)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._later())

    async def flush(self) -> None:
        """Write what waits now; what cannot be written is kept and tried again."""
        async with self._lock:
            waiting, self._refused = self._refused, {}
            if not waiting:
                return
            rows = [
                AuditRow(first_ms, caller, verb, account, "refused", reason, uid, count)
                for (caller, verb, account, reason, uid), (first_ms, count) in waiting.items()
            ]
            try:
                await self._store.audit(rows)
            except Exception as error:
                log.get("vault").error("refusals could not be audited yet", kind=type(error).__name__, rows=len(rows))
                for kind, (first_ms, count) in waiting.items():
                    self._refused[kind] = (first_ms, count + self._refused.get(kind, (0, 0))[1])

    async def _later(self) -> None:
        while self._refused:
            await asyncio.sleep(_FLUSH_S)
            await self.flush()
