"""What the rules room needs from outside: storage, the rules in force, and today's rates of exchange."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from lockgate.gateway.rules.active import Active
from lockgate.gateway.rules.core.parser import Convert
from lockgate.gateway.storage.database import Pool


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that operations on rules may touch. ``rates`` gives the converter into US cents as it is now."""

    pool: Pool
    active: Active
    rates: Callable[[], Awaitable[Convert]]
