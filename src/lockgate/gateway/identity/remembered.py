"""What is read again and again and believed for a moment: one read at a time for each thing, however many ask."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from lockgate.kernel import clock

Name = TypeVar("Name", bound=Hashable)
Thing = TypeVar("Thing")
REMEMBERED_S = 1.0
MAX_REMEMBERED = 10_000


class Remembered(Generic[Name, Thing]):
    """``read`` gives a thing by its name, believed for ``seconds``. A read that fails, fails for all who wait."""

    def __init__(
        self,
        read: Callable[[Name], Awaitable[Thing]],
        *,
        seconds: float = REMEMBERED_S,
        monotonic: Callable[[], float] = clock.monotonic,
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._monotonic = monotonic
        self._kept: dict[Name, tuple[float, Thing]] = {}
        self._reading: dict[Name, asyncio.Task[Thing]] = {}

    def peek(self, name: Name) -> Thing | None:
        """The thing, if it was read not long ago."""
        kept = self._kept.get(name)
        return kept[1] if kept is not None and self._monotonic() - kept[0] < self._seconds else None

    async def get(self, name: Name) -> Thing:
        """The thing, read anew if need be."""
        found = self.peek(name)
        if found is not None:
            return found
        reading = self._reading.get(name)
        if reading is None:
            reading = self._reading[name] = asyncio.create_task(self._read_now(name))
            reading.add_done_callback(lambda _: self._reading.pop(name, None))
        return await asyncio.shield(reading)

    def forget(self, name: Name) -> None:
        """Read it anew at its next use."""
        self._kept.pop(name, None)
        self._reading.pop(name, None)

    async def _read_now(self, name: Name) -> Thing:
        began = self._monotonic()  # not when the answer came: what was written meanwhile is not in it
        thing = await self._read(name)
        if len(self._kept) >= MAX_REMEMBERED:
            self._kept.clear()
        self._kept[name] = (began, thing)
        return thing
