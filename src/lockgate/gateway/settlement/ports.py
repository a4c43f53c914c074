"""What settlement needs from outside: constructed once by the composition root, scripted by tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate.gateway.customers.ports import Box
from lockgate.gateway.payments.send import Forwards
from lockgate.gateway.processors.contract import Processor
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool


@dataclass(frozen=True, slots=True)
class Ports:
    """``settings`` are the public settings of each processor by name; ``payout_processor`` names the one that pays out.

    ``poke`` tells the worker that there may be work.
    """

    pool: Pool
    committer: Committer
    vault: Forwards
    box: Box
    processors: Mapping[str, Processor]
    settings: Mapping[str, Mapping[str, Any]]
    payout_processor: str
    poke: Callable[[], None] = field(repr=False)
