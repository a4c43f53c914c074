"""Keeps what limits need beyond a moment: busy buckets across a restart, counts of rules on trial, and traffic."""

import asyncio
import hashlib
from collections.abc import Callable

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.web import find_limits, store_limits
from lockgate.gateway.web.limits import Limits
from lockgate.gateway.web.limits_buckets import NS
from lockgate.gateway.web.limits_rules import SLOW
from lockgate.gateway.web.limits_traffic import Traffic
from lockgate.kernel import clock, log

EVERY_S = 1.0
COUNTS_EVERY = 5       # rounds
TRAFFIC_EVERY = 60
SHORT_NS = NS          # what is at rest again within this time is at rest before a process has restarted
LONGEST_NS = 60 * NS   # a crash must not keep anybody out for longer than this
_RUNNING = b"running"  # stands in the table while a process runs: found at a start, the last one did not stop in order
_MS = 1_000_000
_logger = log.get("limits")


class Keeper:
    """Writes off the way of requests, once a second and only if there was something.

    What a process that died admitted in its last second nobody knows: so after such an end all that is not in the table
    counts as used up at the end of that second. A limit holds exactly across an orderly restart, and admits no more
    than it says across any; save for limits so slow that they take more than a minute to fill up again, which may
    forget the last second before a crash.
    """

    def __init__(
        self, limits: Limits, traffic: Traffic, pool: Pool, *, key: bytes, now_ms: Callable[[], int] = clock.now_ms
    ) -> None:
        self._buckets = limits.buckets
        self._limits = limits
        self._traffic = traffic
        self._pool = pool
        self._key = key
        self._now_ms = now_ms
        self._saved: dict[bytes, int] = {}
        self._taken = 0
        self._running: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take over what an earlier process left, then keep."""
        found = await find_limits.limit_state(self._pool)
        now_ns, now_ms = self._buckets.now(), self._now_ms()
        beat_ms = found.pop(_RUNNING, None)
        if beat_ms is not None:
            ended_ns = now_ns - (now_ms - beat_ms) * _MS + round(EVERY_S * NS)
            self._buckets.drain(min(now_ns, ended_ns), spare=SLOW, longest_ns=LONGEST_NS)
        left = {name: now_ns + (until_ms - now_ms) * _MS for name, until_ms in found.items() if until_ms > now_ms}
        if left:
            self._buckets.remember(lambda family, bucket: left.get(self._hashed(family, bucket)))
        await store_limits.save_state(self._pool, {_RUNNING: now_ms})
        self._running = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Write everything a last time; the next start finds that this was an orderly end."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})
        await self._counts()
        await self._heard()
        await self._state()
        await store_limits.drop_state(self._pool, _RUNNING)

    async def _run(self) -> None:
        round_ = 0
        while True:
            await asyncio.sleep(EVERY_S)
            round_ += 1
            try:
                await self._state()
                if round_ % COUNTS_EVERY == 0:
                    await self._counts()
                if round_ % TRAFFIC_EVERY == 0:
                    await self._heard()
            except Exception:
                _logger.exception("the state of the limits could not be kept")

    async def _state(self) -> None:
        if self._buckets.taken == self._taken:
            return
        self._taken = self._buckets.taken
        now_ns, now_ms = self._buckets.now(), self._now_ms()
        busy = {
            self._hashed(family, bucket): now_ms - (now_ns - until) // _MS  # rounded up: never too early
            for family, bucket, until in self._buckets.busy(now_ns + SHORT_NS)
        }
        fresh = {name: until_ms for name, until_ms in busy.items() if self._saved.get(name, 0) < until_ms}
        await store_limits.save_state(self._pool, {_RUNNING: now_ms, **fresh})
        self._saved = busy

    async def _counts(self) -> None:
        counts = self._limits.take_watched()
        if counts:
            await store_limits.count_watched(self._pool, counts)

    async def _heard(self) -> None:
        heard = self._traffic.take()
        if heard:
            await store_limits.add_traffic(self._pool, heard)

    def _hashed(self, family: str, bucket: str) -> bytes:
        return hashlib.blake2b(f"{family}|{bucket}".encode(), key=self._key, digest_size=16).digest()
