"""Seats: two at once of a name, for as long as a task runs; the next one waits, and nobody waits for ever."""

import asyncio

import pytest

from lockgate.gateway.risk import seats
from lockgate.gateway.risk.seats import AT_ONCE, Seats
from lockgate.kernel.errors import Refusal


class Crowd:
    """Tasks that take seats and then stay until they are told to go."""

    def __init__(self) -> None:
        self.seats = Seats()
        self.inside = 0
        self.most = 0

    async def come(self, *names: str, stays: float = 0.01) -> None:
        await self.seats.take(names)
        self.inside += 1
        self.most = max(self.most, self.inside)
        await asyncio.sleep(stays)
        self.inside -= 1


async def test_two_of_a_name_are_under_way_at_once_and_all_come_to_an_end() -> None:
    crowd = Crowd()
    await asyncio.gather(*(asyncio.create_task(crowd.come("a")) for _ in range(20)))
    assert crowd.most == AT_ONCE
    await asyncio.sleep(0)
    assert not crowd.seats._seats and not crowd.seats._seated, "nothing is kept"


async def test_other_names_do_not_wait() -> None:
    crowd = Crowd()
    await asyncio.gather(*(asyncio.create_task(crowd.come(str(number), stays=0.05)) for number in range(20)))
    assert crowd.most == 20


async def test_names_in_any_order_never_wait_for_each_other() -> None:
    crowd = Crowd()
    pairs = [("a", "b"), ("b", "a")] * 20
    async with asyncio.timeout(10):
        await asyncio.gather(*(asyncio.create_task(crowd.come(*pair, stays=0)) for pair in pairs))


async def test_one_task_takes_its_seats_once() -> None:
    crowd = Crowd()

    async def twice() -> None:
        for _ in range(5):
            await crowd.seats.take(["a"])

    async with asyncio.timeout(5):
        await asyncio.create_task(twice())


async def test_who_waits_too_long_is_refused_and_gives_back_what_it_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seats, "WAIT_S", 0.05)
    crowd = Crowd()
    long = [asyncio.create_task(crowd.come("z", stays=0.3)) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)
    with pytest.raises(Refusal) as refused:
        await asyncio.create_task(crowd.come("a", "z"))
    assert (refused.value.code, refused.value.should_retry) == ("lock_timeout", True)
    await asyncio.gather(*long)
    await asyncio.sleep(0)
    assert not crowd.seats._seats


async def test_a_task_that_is_cancelled_while_it_waits_leaves_nothing() -> None:
    crowd = Crowd()
    stay = [asyncio.create_task(crowd.come("a", stays=0.1)) for _ in range(AT_ONCE)]
    await asyncio.sleep(0)
    waiting = asyncio.create_task(crowd.come("a"))
    await asyncio.sleep(0.01)
    waiting.cancel()
    await asyncio.gather(*stay, waiting, return_exceptions=True)
    await asyncio.sleep(0)
    assert not crowd.seats._seats


async def test_a_trusted_name_needs_no_seat() -> None:
    crowd = Crowd()
    crowd.seats.trust("a")
    await asyncio.gather(*(asyncio.create_task(crowd.come("a", stays=0.05)) for _ in range(10)))
    assert crowd.most == 10


async def test_who_waits_for_a_name_that_proves_to_be_shared_by_many_goes_on_at_once() -> None:
    crowd = Crowd()
    tasks = [asyncio.create_task(crowd.come("a", stays=0.05)) for _ in range(10)]
    await asyncio.sleep(0.01)
    assert crowd.inside == AT_ONCE
    crowd.seats.trust("a")
    await asyncio.gather(*tasks)
    assert crowd.most == 10 and not crowd.seats._seats

    crowd.seats._trusted.clear()
    crowd.most = 0
    await asyncio.gather(*(asyncio.create_task(crowd.come("a")) for _ in range(6)))
    assert crowd.most == AT_ONCE, "trust ends"
