"""What the web edge needs from outside."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from lockgate.gateway.identity.authenticate import Authenticator
from lockgate.gateway.identity.client_secrets import ClientSecrets
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.idempotency import Found
from lockgate.gateway.web.limits import Limits
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal


class Box(Protocol):
    """Gives an account's data keys; None once they were destroyed."""

    async def key(self, account: str, purpose: str, subject: str) -> bytes | None: ...


# Ends what a dead request left open under an idempotency key and gives its lasting answer; None: not yet possible.
Settle = Callable[[Principal, Found, Call], Awaitable[Answer | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that the guard uses. ``settle`` belongs to the payments room, which alone can finish a payment."""

    pool: Pool
    authenticator: Authenticator
    witness: Witness
    client_secrets: ClientSecrets
    box: Box
    settle: Settle
    limits: Limits = field(default_factory=Limits)
