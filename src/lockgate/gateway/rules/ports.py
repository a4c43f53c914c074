"""What the rules room needs from outside: storage, the rules in force, and today's rates of exchange."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from lockgate.gateway.rules.active import Active
from lockgate.gateway.rules.core.parser import Convert
from lockgate.gateway.storage.database import Pool


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that operations on rules may touch. ``rates`` gives the converter into US cents as it is now.

    ``turns`` are the back-tests that one process runs at a time: each reads as much as a thousand payments do.
    """

    pool: Pool
    active: Active
    rates: Callable[[], Awaitable[Convert]]
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
