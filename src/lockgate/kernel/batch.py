"""Group commit: callers wait for one item each, while one runner per lane does all that wait together."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")


class BatchFailed(Exception):
    """Raised by a batch function whose batch certainly left no effect: its items may be tried again one by one."""


class Batcher(Generic[Item, Outcome]):
    """Hands waiting items to ``run`` as one list and each caller its own outcome.

    ``run`` returns one outcome per item, in order. If it raises, every caller of the batch sees that error; only
    BatchFailed of a batch of several is retried item by item, so that one bad item does not harm the others. A batch
    that has begun is never cancelled: a caller that goes away only stops listening (a cancelled COMMIT would be an
    unknown outcome). Lanes run side by side; within one lane batches follow each other.
    """

    def __init__(self, run: Callable[[list[Item]], Awaitable[Sequence[Outcome]]], *, cap: int = 256) -> None:
        if cap < 1:
            raise ValueError("a batch holds at least one item")
        self._run = run
        self._cap = cap
        self._waiting: dict[Hashable, deque[tuple[Item, asyncio.Future[Outcome]]]] = {}
        self._runners: set[asyncio.Task[None]] = set()
        self._closed = False

    async def submit(self, item: Item, *, lane: Hashable = None) -> Outcome:
        """``item``'s outcome, once the batch that carried it has ended."""
        if self._closed:
            raise RuntimeError("this batcher is closed")
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        queue = self._waiting.get(lane)
        if queue is None:
            queue = self._waiting[lane] = deque()
            runner = asyncio.create_task(self._drain(lane, queue))
            self._runners.add(runner)
            runner.add_done_callback(self._runners.discard)
        queue.append((item, future))
        return await future

    async def close(self) -> None:
        """Refuse new items and wait for those already here."""
        self._closed = True
        while self._runners:
            await asyncio.wait(tuple(self._runners))

    async def _drain(self, lane: Hashable, queue: deque[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        while queue:
            taken = []
            while queue and len(taken) < self._cap:
                item, future = queue.popleft()
                if not future.done():  # a caller that left before its batch began needs nothing done
                    taken.append((item, future))
            if taken:
                await self._run_batch(taken)
        del self._waiting[lane]

    async def _run_batch(self, taken: list[tuple[Item, asyncio.Future[Outcome]]]) -> None:
        try:
            outcomes = await self._run([item for item, _ in taken])
            if len(outcomes) != len(taken):
                raise RuntimeError("a batch function must return one outcome per item")
        except BatchFailed as failed:
            if len(taken) > 1:
                for pair in taken:
                    await self._run_batch([pair])
                return
            _fail(taken, failed.__cause__ if isinstance(failed.__cause__, Exception) else failed)
        except Exception as error:
            _fail(taken, error)
        except asyncio.CancelledError:
            _fail(taken, ConnectionAbortedError("the program stopped while a batch was running"))
            raise
        else:
            for (_, future), outcome in zip(taken, outcomes, strict=True):
                if not future.done():
                    future.set_result(outcome)


def _fail(taken: Sequence[tuple[object, asyncio.Future]], error: BaseException) -> None:
    for _, future in taken:
        if not future.done():
            future.set_exception(error)
