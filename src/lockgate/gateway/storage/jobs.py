"""What runs by the clock: jobs that any number of workers may try, each taken by one at a time through a lease."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from lockgate.gateway.storage.database import Pool
from lockgate.kernel import clock, log
from lockgate.kernel.ids import new_id

GATHER_S = 0.02  # after a nudge: what comes within this time is done in one go
_logger = log.get("worker")


@dataclass(frozen=True, slots=True)
class Job:
    """``run`` does one bounded portion and returns how much it did; more than nothing means: call again at once.

    ``shared`` jobs hand out their own work row by row (SKIP LOCKED) and need no lease. ``poked`` ones also run as soon
    as a gateway process says that there may be work.
    """

    name: str
    every_ms: int
    run: Callable[[], Awaitable[int]]
    shared: bool = False
    poked: bool = False


@dataclass(slots=True)
class Schedule:
    """Runs jobs until it is stopped; a job that fails is logged and tried again at its next time."""

    pool: Pool
    jobs: Sequence[Job]
    owner: str = field(default_factory=lambda: new_id("wrk"))
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _pokes: dict[str, asyncio.Event] = field(default_factory=dict)

    def poke(self) -> None:
        """There may be work now."""
        for event in self._pokes.values():
            event.set()

    def stop(self) -> None:
        """Let every job finish its portion, then end."""
        self._stop.set()
        self.poke()

    async def run(self) -> None:
        """Run all jobs side by side until stopped."""
        await asyncio.gather(*(self._run(job) for job in self.jobs))

    async def _run(self, job: Job) -> None:
        event = self._pokes.setdefault(job.name, asyncio.Event())
        while not self._stop.is_set():
            event.clear()
            done = 0
            try:
                if job.shared or await self._take(job):
                    done = await job.run()
            except Exception:
                _logger.exception("job failed", job=job.name)
            if not done:
                await self._rest(job, event)

    async def _rest(self, job: Job, event: asyncio.Event) -> None:
        waiting = event if job.poked else self._stop
        try:
            await asyncio.wait_for(waiting.wait(), job.every_ms / 1000)
        except TimeoutError:
            return
        if not self._stop.is_set():
            await asyncio.sleep(GATHER_S)

    async def _take(self, job: Job) -> bool:
        """Whether this worker holds the lease: its own, or one that ran out."""
        now = clock.now_ms()
        lease = max(10_000, 3 * job.every_ms)
        taken = await self.pool.fetchval(
            "insert into job as j (name, leased_until_ms, owner, ran_at_ms) values ($1, $2, $3, $4)"
            " on conflict (name) do update set leased_until_ms = $2, owner = $3, ran_at_ms = $4"
            " where j.owner = $3 or j.leased_until_ms < $4 returning true",
            job.name,
            now + lease,
            self.owner,
            now,
        )
        return bool(taken)
