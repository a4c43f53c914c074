"""What the notifications room needs from outside: where to keep messages, who verifies, understands and asks."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.processors.contract import Asks, Changes, Processor
from lockgate.gateway.storage.database import Pool


class Told(NamedTuple):
    """What a notification points at: something has changed there. What, only an inquiry says."""

    account: str
    livemode: bool
    processor: str
    reference: str


Handler = Callable[[Told], Awaitable[bool]]
"""Asks the processor and writes what it learns; False when it learnt nothing yet. Safe to call any number of times."""


Asker = Callable[[str, bool, Asks[Changes]], Awaitable[Changes | None]]
"""Sends a question for an account in a mode through the vault; None when nothing was learnt, whatever went wrong."""


class Verifier(Protocol):
    """What the vault does here: it alone holds the secrets that processors sign with."""

    async def verify_notification(
        self, account: str, livemode: bool, *, processor: str, headers: Mapping[str, str], body: bytes
    ) -> bool: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """``handlers`` are rooms above by the kind of notice, ``ask`` is a room above too.

    ``poke`` tells the worker that there is work.
    """

    pool: Pool
    vault: Verifier
    witness: Witness
    processors: Mapping[str, Processor]
    settings: Mapping[str, Mapping[str, Any]]
    handlers: Mapping[str, Handler] = field(repr=False)
    ask: Asker = field(repr=False)
    poke: Callable[[], None] = field(repr=False)
