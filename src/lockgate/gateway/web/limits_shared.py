"""One set of limits for many processes, and what each of them does while the place that keeps them is gone."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from lockgate.gateway.web.limits_buckets import Ask, Buckets, Verdict, monotonic_ns
from lockgate.gateway.web.limits_redis import Charge, Lease, SharedBuckets, SharedGone
from lockgate.gateway.web.limits_rules import FAIL_CLOSED, SLOW
from lockgate.kernel import log
from lockgate.kernel.errors import Kind, Refusal

PROBE_S = 0.5
RETRY_AFTER_S = 5
_logger = log.get("limits")

# Told when the shared limits are gone (False, with the reason) and when they are back (True).
Told = Callable[[bool, str], Awaitable[None]]


class SharedLimits:
    """Redis's buckets as long as they answer; else a share of each limit in this process, and no guesses, no money out.

    A share is one of ``processes`` equal parts, and begins used up: whatever the others do, all together admit no more
    than the limit. When Redis is back it is charged with what each process has admitted meanwhile.
    """

    def __init__(
        self, redis: SharedBuckets, *, processes: int, told: Told, now_ns: Callable[[], int] = monotonic_ns
    ) -> None:
        self._redis = redis
        self._processes = processes
        self._told = told
        self._local = Buckets(now_ns=now_ns)
        self._whole: dict[tuple[str, str], Ask] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False
        self.degraded = False

    async def start(self) -> None:
        """Look whether Redis is there; if not, begin degraded."""
        try:
            await self._redis.check()
        except SharedGone as gone:
            self._degrade(str(gone))

    async def take(
        self, asks: Sequence[Ask], cls: str, *, lease: Lease | None = None
    ) -> tuple[Verdict, int | None]:
        """Like `SharedBuckets.take`, whatever happens to Redis; without it, what fails closed raises a Refusal."""
        if not self.degraded:
            try:
                return await self._redis.take(asks, lease)
            except SharedGone as gone:
                self._degrade(str(gone))
        self._check_open(cls)
        shares = [self._share(ask) for ask in asks if ask.observer is None]
        verdict = self._local.take(shares)
        if not verdict.wait_ns and len(self._whole) < 200_000:
            self._whole.update({(ask.family, ask.bucket): ask for ask in asks})
        return verdict, None

    async def look(self, ask: Ask, cls: str) -> int:
        """How long until there is room, without taking it."""
        if not self.degraded:
            try:
                return await self._redis.look(ask)
            except SharedGone as gone:
                self._degrade(str(gone))
        self._check_open(cls)
        return self._local.look(self._share(ask))

    def leave(self, lease: Lease) -> None:
        """A request has ended; if that cannot be said now, its lease runs out."""
        if not self.degraded:
            self._redis.leave(lease)

    async def close(self) -> None:
        """Wait for what is under way."""
        self._closed = True
        for task in tuple(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks))
        await self._redis.close()

    def share_of(self, most: int) -> int:
        """How many of ``most`` this process may have under way: all, or its share while Redis is gone; none if that is
        less than one.
        """
        return most // self._processes if self.degraded else most

    def _share(self, ask: Ask) -> Ask:
        burst = ask.burst // self._processes
        if burst < 1:
            raise _closed()  # there is no smaller share than one
        return ask._replace(interval_ns=ask.interval_ns * self._processes, burst=burst)

    def _check_open(self, cls: str) -> None:
        if cls in FAIL_CLOSED:
            raise _closed()

    def _degrade(self, reason: str) -> None:
        if self.degraded or self._closed:
            return
        self.degraded = True
        self._local.clear()
        self._local.drain(self._local.now(), spare=SLOW)
        self._whole.clear()
        self._spawn(self._wait_for_redis(reason))

    async def _wait_for_redis(self, reason: str) -> None:
        await self._tell(False, reason)
        while True:
            await asyncio.sleep(PROBE_S)
            try:
                await self._redis.check()
            except SharedGone:
                continue
            charges = self._charges()
            self.degraded = False  # in the same moment: what comes now is counted there, what came before is charged
            try:
                await self._redis.charge(charges)
            except SharedGone:
                if self.degraded:  # a request has found it gone again meanwhile, and began another wait
                    return
                self.degraded = True
                continue
            break
        await self._tell(True, reason)

    def _charges(self) -> list[Charge]:
        now = self._local.now()
        found = []
        for family, bucket, until in self._local.busy(now):
            ask = self._whole.get((family, bucket))
            if ask is not None:
                requests = -(-(until - now) // (ask.interval_ns * self._processes))
                found.append(Charge(ask.name, ask.interval_ns, ask.burst, requests))
        return found

    async def _tell(self, back: bool, reason: str) -> None:
        try:
            await self._told(back, reason)
        except Exception:
            _logger.exception("the state of the shared limits could not be recorded", back=back)

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _closed() -> Refusal:
    return Refusal(
        Kind.UNAVAILABLE,
        "This cannot be done at the moment: its limits cannot be known. Try again shortly.",
        code="limits_unavailable",
        retry_after_s=RETRY_AFTER_S,
        should_retry=True,
    )
