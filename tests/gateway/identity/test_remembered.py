"""What is believed for a moment: read once however many ask, and never longer."""

import asyncio

import pytest

from lockgate.gateway.identity.remembered import Remembered


async def test_many_who_ask_at_once_wait_for_one_read():
    reads = 0

    async def read(name):
        nonlocal reads
        reads += 1
        await asyncio.sleep(0.01)
        return name * 2

    known = Remembered(read)
    assert await asyncio.gather(*(known.get(4) for _ in range(50))) == [8] * 50
    assert reads == 1
    assert known.peek(4) == 8
    assert known.peek(5) is None


async def test_it_is_believed_from_the_moment_that_the_read_began():
    now = 0.0

    async def read(name):
        nonlocal now
        now += 0.7  # what was changed meanwhile is not in it
        return ()

    known = Remembered(read, monotonic=lambda: now)
    assert await known.get("x") == ()
    assert known.peek("x") == ()
    now = 1.0
    assert known.peek("x") is None


async def test_a_read_that_fails_fails_for_all_and_is_tried_again():
    fail = True

    async def read(name):
        await asyncio.sleep(0)
        if fail:
            raise OSError("gone")
        return 1

    known = Remembered(read)
    answers = await asyncio.gather(known.get("x"), known.get("x"), return_exceptions=True)
    assert all(isinstance(answer, OSError) for answer in answers)
    fail = False
    assert await known.get("x") == 1


async def test_one_who_leaves_does_not_end_the_read_of_the_others():
    async def read(name):
        await asyncio.sleep(0.05)
        return 1

    known = Remembered(read)
    first = asyncio.create_task(known.get("x"))
    second = asyncio.create_task(known.get("x"))
    await asyncio.sleep(0.01)
    first.cancel()
    assert await second == 1
    with pytest.raises(asyncio.CancelledError):
        await first
