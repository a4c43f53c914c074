"""What the payments room needs from outside: constructed once by the composition root, scripted by tests."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lockgate.gateway.customers.ports import Box, Cards
from lockgate.gateway.identity.client_secrets import ClientSecrets
from lockgate.gateway.payments.pace import Pace
from lockgate.gateway.payments.turns import Turns
from lockgate.gateway.processors.contract import Processor, Result
from lockgate.gateway.risk.core.subject import Subject
from lockgate.gateway.risk.core.verdict import Assessment, Verdict
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import AttemptRow
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.orders import Order, Reply
from lockgate.kernel.principal import Principal


class Vault(Protocol):
    """What payments asks of the vault."""

    async def forward(
        self, account: str, livemode: bool, order: Order, *, intent: str | None = None
    ) -> Reply: ...

    async def tombstone(self, account: str, step: str) -> Mapping[str, Any]: ...


class Assess(Protocol):
    """Judges an attempt to authorise, before anything of it is sent."""

    async def __call__(self, subject: Subject, *, stricter: Verdict | None = None) -> Assessment: ...


class Concluder(Protocol):
    """A room above that opens attempts of its own: it ends them, and shows what came of them."""

    async def settle(self, attempt: AttemptRow, result: Result) -> None: ...

    async def show(self, principal: Principal, attempt: AttemptRow, call: Call) -> Answer: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """``settings`` are the public settings of each processor by name; ``card_processor`` names the one for cards.

    ``public_url`` is where shoppers reach us, for the way back from a challenge; ``return_key`` signs that way.
    ``assess`` judges what is to be authorised; ``poke`` tells the worker that there may be work. ``concluders`` are the
    rooms above by their attempts' action.
    ``turns`` are the lines of requests that wait for one charge, ``pace`` is how long processors take to answer.
    """

    pool: Pool
    committer: Committer
    vault: Vault
    box: Box
    client_secrets: ClientSecrets
    customers: Cards
    assess: Assess = field(repr=False)
    processors: Mapping[str, Processor]
    settings: Mapping[str, Mapping[str, Any]]
    card_processor: str
    public_url: str
    return_key: bytes = field(repr=False)
    poke: Callable[[], None] = field(repr=False)
    concluders: Mapping[str, Concluder] = field(default_factory=dict, repr=False)
    turns: Turns = field(default_factory=Turns, repr=False)
    pace: Pace = field(default_factory=Pace, repr=False)
