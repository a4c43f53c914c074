"""Whose turn it is: requests for one charge in this process wait for each other, instead of each undoing the other."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from lockgate.kernel.errors import Kind, Refusal

MAX_WAITING = 200


class Turns:
    """One line of waiting requests for each charge, none longer than MAX_WAITING. Other processes have their own.

    It only spares work: what keeps the money right is the charge's version.
    """

    def __init__(self) -> None:
        self._lines: dict[str, tuple[asyncio.Lock, int]] = {}

    @asynccontextmanager
    async def of(self, charge: str) -> AsyncIterator[None]:
        """Hold the turn for ``charge``; refuses when too many wait already."""
        lock, waiting = self._lines.get(charge, (asyncio.Lock(), 0))
        if waiting >= MAX_WAITING:
            raise busy()
        self._lines[charge] = (lock, waiting + 1)
        try:
            async with lock:
                yield
        finally:
            lock, waiting = self._lines[charge]
            if waiting > 1:
                self._lines[charge] = (lock, waiting - 1)
            else:
                del self._lines[charge]


def busy() -> Refusal:
    """Too much is happening to one charge."""
    return Refusal(
        Kind.CONFLICT,
        "The charge is being changed by another request at this moment. Please try again.",
        code="lock_timeout",
        should_retry=True,
    )
