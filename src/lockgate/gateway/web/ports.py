"""What the web edge needs from outside."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lockgate.gateway.identity.authenticate import Authenticator
from lockgate.gateway.identity.client_secrets import ClientSecrets
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.idempotency import Found
from lockgate.gateway.web.addresses import Clients
from lockgate.gateway.web.limits import Limits
from lockgate.gateway.web.metrics import Counts
from lockgate.kernel.operations import Answer, Call, Operation
from lockgate.kernel.principal import Principal


class Box(Protocol):
    """Gives an account's data keys; None once they were destroyed."""

    async def key(self, account: str, purpose: str, subject: str) -> bytes | None: ...


class ClientCertificates(Protocol):
    """Knows the certificates that merchants' servers show."""

    async def check(self, principal: Principal, certificate: bytes | None) -> None:
        """Raises Unauthenticated if the one shown is not good for this principal, or if it needs one and shows none."""
        ...


class Approvals(Protocol):
    """Knows what needs more than a permission: a fresh proof, a confirmation of just this, a second person."""

    async def require(
        self, principal: Principal, operation: Operation, *, path: Mapping[str, str], params: Mapping[str, Any],
        approval: str | None, request: str, key: str | None = None,
    ) -> None:  # fmt: skip
        """Raises Refusal (403) unless what the operation's privilege asks for is there; then it is used up.

        A retry under the same idempotency ``key`` is the same request.
        """
        ...


class Addresses(Protocol):
    """Knows from where a credential may be used."""

    async def check(self, principal: Principal, operation: Operation, *, request: str) -> None:
        """Raises Refusal (403) for an address that the account's rules leave out."""
        ...


# Ends what a dead request left open under an idempotency key and gives its lasting answer; None: not yet possible.
Settle = Callable[[Principal, Found, Call], Awaitable[Answer | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that the guard uses. ``settle`` belongs to the payments room, which alone can finish a payment.

    ``own_account`` is the installation's own: its keys and people may be let read the metrics of all.
    """

    pool: Pool
    authenticator: Authenticator
    witness: Witness
    client_secrets: ClientSecrets
    box: Box
    settle: Settle
    client_certificates: ClientCertificates
    approvals: Approvals
    addresses: Addresses
    public_url: str
    limits: Limits = field(default_factory=Limits)
    counts: Counts = field(default_factory=Counts)
    own_account: str = ""
    clients: Clients = field(default_factory=Clients)
