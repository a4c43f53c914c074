"""Group commit: callers wait for one item each, while a few runners do all that wait together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class BatchFailed(Exception):
    """Raised by a batch function whose batch certainly left no effect: its items may be tried again one by one."""


@dataclass(slots=True, eq=False)
class _Waiting(Generic[Item, Outcome]):
    item: Item
    keys: Collection[Hashable]
    future: "asyncio.Future[Outcome]"


class Batcher(Generic[Item, Outcome]):
    """Hands waiting items to ``run`` as one list and each caller its own outcome.

    ``run`` returns one outcome per item, in order. If it raises, every caller of the batch sees that error; only
    BatchFailed of a batch of several is retried item by item, so that one bad item does not harm the others. A batch
    that has begun is never cancelled: a caller that goes away only stops listening (a cancelled COMMIT would be an
    unknown outcome).

    Up to ``lanes`` batches of up to ``cap`` items run side by side. ``conflicts`` names the keys an item touches: items
    that share one are never in the same batch nor in two running ones, and keep the order in which they came.
    """

    def __init__(
        self,
        run: Callable[[list[Item]], Awaitable[Sequence[Outcome]]],
        *,
        cap: int = 256,
        lanes: int = 1,
        conflicts: Callable[[Item], Collection[Hashable]] | None = None,
    ) -> None:
        if cap < 1 or lanes < 1:
            raise ValueError("a batch holds at least one item and needs a lane")
        self._run = run
        self._cap = cap
        self._lanes = lanes
        self._conflicts = conflicts
        self._waiting: deque[_Waiting[Item, Outcome]] = deque()
        self._busy: set[Hashable] = set()
        self._runners: set[asyncio.Task[None]] = set()
        self._active = 0
        self._closed = False

    async def submit(self, item: Item) -> Outcome:
        """``item``'s outcome, once the batch that carried it has ended."""
        if self._closed:
            raise RuntimeError("this batcher is closed")
        keys = self._conflicts(item) if self._conflicts else ()
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(item, keys, future))
        self._start_runner()
        return await future

    async def close(self) -> None:
        """Refuse new items and wait for those already here."""
        self._closed = True
        while self._runners:
            await asyncio.wait(tuple(self._runners))

    def _start_runner(self) -> None:
        if self._active < self._lanes:
            self._active += 1
            # The task begins after the ready callbacks, so it also sees what they submit.
            runner = asyncio.create_task(self._drain())
            self._runners.add(runner)
            runner.add_done_callback(self._runners.discard)

    async def _drain(self) -> None:
        try:
            while taken := self._take():
                keys = {key for waiting in taken for key in waiting.keys}
                self._busy |= keys
                try:
                    await self._run_batch(taken)
                finally:
                    self._busy -= keys
        finally:
            # Counted down here and not when the task is collected: an item that comes in between must start a runner.
            self._active -= 1

    def _take(self) -> list[_Waiting[Item, Outcome]]:
        """The next batch: the oldest items that touch nothing which runs, nor anything an older item waits for."""
        taken: list[_Waiting[Item, Outcome]] = []
        passed: list[_Waiting[Item, Outcome]] = []
        blocked = set(self._busy)
        while self._waiting and len(taken) < self._cap:
            waiting = self._waiting.popleft()
            if waiting.future.done():
                continue  # a caller that left before its batch began needs nothing done
            (passed if not blocked.isdisjoint(waiting.keys) else taken).append(waiting)
            blocked.update(waiting.keys)
        self._waiting.extendleft(reversed(passed))
        return taken

    async def _run_batch(self, taken: list[_Waiting[Item, Outcome]]) -> None:
        try:
            outcomes = await self._run([waiting.item for waiting in taken])
            if len(outcomes) != len(taken):
                raise RuntimeError("a batch function must return one outcome per item")
        except BatchFailed as failed:
            if len(taken) > 1:
                for waiting in taken:
                    await self._run_batch([waiting])
                return
            _fail(taken, failed.__cause__ or failed)
        except Exception as error:
            _fail(taken, error)
        except asyncio.CancelledError:
            _fail(taken, ConnectionAbortedError("the program stopped while a batch was running"))
            raise
        else:
            for waiting, outcome in zip(taken, outcomes, strict=True):
                if not waiting.future.done():
                    waiting.future.set_result(outcome)


def _fail(taken: Sequence[_Waiting[Any, Any]], error: BaseException) -> None:
    for waiting in taken:
        if not waiting.future.done():
            waiting.future.set_exception(error)
