"""Items that wait together are done together; each caller gets its own outcome, whatever happens to the others."""

import asyncio

import pytest

from lockgate.kernel.batch import Batcher, BatchFailed


class Recorder:
    """A batch function that doubles numbers, keeps what it saw, and fails where told."""

    def __init__(self, *, bad: int | None = None, safe: bool = True) -> None:
        self.batches: list[list[int]] = []
        self.running = self.most_running = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.bad, self.safe = bad, safe

    async def __call__(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await self.gate.wait()
            await asyncio.sleep(0)
            if self.bad in items:
                error = ValueError(f"{self.bad} is bad")
                if self.safe:
                    raise BatchFailed from error
                raise error
            return [item * 2 for item in items]
        finally:
            self.running -= 1


async def test_what_waits_goes_together_up_to_the_cap() -> None:
    run = Recorder()
    batcher = Batcher(run, cap=4)
    assert await asyncio.gather(*(batcher.submit(n) for n in range(10))) == [n * 2 for n in range(10)]
    assert [len(batch) for batch in run.batches] == [4, 4, 2]
    assert run.most_running == 1


async def test_lanes_run_side_by_side_and_conflicts_never_do() -> None:
    run = Recorder()
    batcher = Batcher(run, cap=2, lanes=2, conflicts=lambda n: (n % 3,))
    outcomes = await asyncio.gather(*(batcher.submit(n) for n in range(30)))
    assert outcomes == [n * 2 for n in range(30)]
    assert run.most_running == 2
    for batch in run.batches:
        assert len({n % 3 for n in batch}) == len(batch)
    for rest in range(3):
        order = [n for batch in run.batches for n in batch if n % 3 == rest]
        assert order == sorted(order), "those that conflict keep their order"


async def test_one_bad_item_harms_only_itself_when_retrying_is_safe() -> None:
    run = Recorder(bad=3)
    batcher = Batcher(run)
    outcomes = await asyncio.gather(*(batcher.submit(n) for n in range(5)), return_exceptions=True)
    assert [outcome for outcome in outcomes if isinstance(outcome, int)] == [0, 2, 4, 8]
    assert isinstance(outcomes[3], ValueError)


async def test_an_unknown_failure_is_everyones_and_is_not_retried() -> None:
    run = Recorder(bad=3, safe=False)
    batcher = Batcher(run)
    outcomes = await asyncio.gather(*(batcher.submit(n) for n in range(5)), return_exceptions=True)
    assert all(isinstance(outcome, ValueError) for outcome in outcomes)
    assert len(run.batches) == 1


async def test_a_caller_that_leaves_does_not_stop_its_batch() -> None:
    run = Recorder()
    run.gate.clear()
    batcher = Batcher(run)
    leaves, stays = (asyncio.create_task(batcher.submit(n)) for n in (1, 2))
    await asyncio.sleep(0.01)
    waiting = asyncio.create_task(batcher.submit(3))
    await asyncio.sleep(0)
    leaves.cancel()
    waiting.cancel()
    run.gate.set()
    assert await stays == 4
    with pytest.raises(asyncio.CancelledError):
        await leaves
    await batcher.close()
    assert run.batches == [[1, 2]], "what had not begun is not begun for nobody"


async def test_close_finishes_what_is_here_and_refuses_more() -> None:
    run = Recorder()
    batcher = Batcher(run)
    pending = asyncio.create_task(batcher.submit(1))
    await asyncio.sleep(0)
    await batcher.close()
    assert await pending == 2
    with pytest.raises(RuntimeError):
        await batcher.submit(2)


async def test_none_is_stranded_between_batches() -> None:
    run = Recorder()
    batcher = Batcher(run)
    for n in range(200):
        assert await asyncio.wait_for(batcher.submit(n), 1) == n * 2
