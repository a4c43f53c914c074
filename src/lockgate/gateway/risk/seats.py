"""Lets few tries of one address, and of one card, be under way at once: nobody knows yet how those end.

What counts declines sees a try when its issuer has answered. Twenty cards sent in one moment would all be tried before
the first is known to be declined. So in each process a browser's try takes a seat until its request has ended, and the
next one is judged by what became of it.
"""

import asyncio
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal

AT_ONCE = 2
WAIT_S = 8.0
TRUSTED_S = 60.0
_MOST_TRUSTED = 10_000


@dataclass(slots=True)
class _Seat:
    free: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    users: int = 0


class Seats:
    """The seats of one process."""

    def __init__(self) -> None:
        self._seats: dict[Hashable, _Seat] = {}
        self._seated: set[asyncio.Task[object]] = set()
        self._trusted: dict[Hashable, float] = {}

    async def take(self, names: Iterable[Hashable]) -> None:
        """Wait until each of ``names`` has a seat for this task, which keeps them until it ends; once for each task.

        Raises a Refusal when that takes too long: nothing was done, and trying again is right.
        """
        task = asyncio.current_task()
        assert task is not None, "a request runs in a task"
        if task in self._seated:
            return
        self._seated.add(task)
        held: list[Hashable] = []

        def leave(done: "asyncio.Task[object]") -> None:
            self._seated.discard(done)
            for name in held:
                self._seats[name].free.release()
                self._let_go(name)

        task.add_done_callback(leave)
        try:
            async with asyncio.timeout(WAIT_S):
                for name in sorted(set(names), key=repr):  # in one order, so that no two wait for each other
                    if not self._is_trusted(name):
                        await self._one(name)
                        held.append(name)
        except TimeoutError:
            raise Refusal(
                Kind.CONFLICT,
                "Other payments of this shopper are under way. Try again in a moment.",
                code="lock_timeout",
                should_retry=True,
            ) from None

    def trust(self, name: Hashable) -> None:
        """For the next minute ``name`` needs no seats: most of what it tried was paid. Who waits for one goes on."""
        if not self._is_trusted(name) and name in self._seats:
            seat = self._seats[name]
            for _ in range(seat.users):  # once the last of them has left, the seats are the usual ones again
                seat.free.release()
        if len(self._trusted) >= _MOST_TRUSTED:
            self._trusted.clear()
        self._trusted[name] = clock.monotonic() + TRUSTED_S

    def _is_trusted(self, name: Hashable) -> bool:
        return self._trusted.get(name, 0.0) > clock.monotonic()

    async def _one(self, name: Hashable) -> None:
        seat = self._seats.setdefault(name, _Seat())
        seat.users += 1
        try:
            await seat.free.acquire()
        except BaseException:
            self._let_go(name)
            raise

    def _let_go(self, name: Hashable) -> None:
        seat = self._seats[name]
        seat.users -= 1
        if not seat.users:
            del self._seats[name]
