"""Waiting at the start for what is not there yet: a database that recovers from a crash is no reason to die too."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from lockgate.kernel import clock

T = TypeVar("T")
WITHIN_S = 40.0  # below the minute that the supervisor gives a program to become ready
_PAUSE_S = 0.1


async def patiently(
    attempt: Callable[[], Awaitable[T]], *, passing: tuple[type[Exception], ...], within_s: float = WITHIN_S
) -> T:
    """What ``attempt`` returns; tried again while it raises one of ``passing``, whose last one is raised in the end."""
    end = clock.monotonic() + within_s
    while True:
        try:
            return await attempt()
        except passing:
            if clock.monotonic() > end:
                raise
        await asyncio.sleep(_PAUSE_S)
