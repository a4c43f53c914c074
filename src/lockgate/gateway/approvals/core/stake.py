"""What is at stake in a privileged operation, as the room that performs it knows before it does."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.kernel.principal import Principal


@dataclass(frozen=True, slots=True)
class Stake:
    """``amount`` in minor units of ``currency``; ``about`` names where it comes from or goes to, without a person.

    ``before`` has moved from there already: limits look at both together, or many small ones would pass below them.
    """

    amount: int
    currency: str
    about: str
    before: int = 0


Look = Callable[[Principal, Mapping[str, str], Mapping[str, Any]], Awaitable[Stake | None]]
"""Reads what an operation would move, by its principal, path and parameters. None: it cannot be told."""
