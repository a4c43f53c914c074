"""What the disputes room needs from outside: constructed once by the composition root, scripted by tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate.gateway.customers.ports import Box
from lockgate.gateway.payments.send import Forwards
from lockgate.gateway.processors.contract import Processor
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import BalanceTransactionRow


@dataclass(frozen=True, slots=True)
class Ports:
    """``settings`` are the public settings of each processor by name.

    ``show_transaction`` renders a balance transaction, which belongs to a room above; ``poke`` tells the worker that
    there may be work.
    """

    pool: Pool
    committer: Committer
    vault: Forwards
    box: Box
    processors: Mapping[str, Processor]
    settings: Mapping[str, Mapping[str, Any]]
    show_transaction: Callable[[BalanceTransactionRow], dict[str, Any]] = field(repr=False)
    poke: Callable[[], None] = field(repr=False)
