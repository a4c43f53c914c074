"""What an app's tokens are bound to: the key of its DPoP proof, the certificate of its connection, or neither."""

from typing import NamedTuple

from lockgate.gateway.identity.authenticate import Unauthenticated
from lockgate.gateway.oauth.authenticate_client import Caller, refusal_of
from lockgate.gateway.oauth.core.asking import Asking
from lockgate.gateway.oauth.core.clients import Client
from lockgate.gateway.oauth.core.errors import invalid_request
from lockgate.gateway.oauth.ports import Ports


class Binding(NamedTuple):
    """Thumbprints: of a key (RFC 9449 6.1) and of a certificate (RFC 8705 3.1)."""

    key: str | None
    certificate: str | None

    @property
    def claim(self) -> dict[str, dict[str, str]]:
        """The ``cnf`` claim, if there is anything to confirm."""
        both = {"jkt": self.key, "x5t#S256": self.certificate}
        confirms = {name: value for name, value in both.items() if value is not None}
        return {"cnf": confirms} if confirms else {}

    @property
    def token_type(self) -> str:
        return "Bearer" if self.key is None else "DPoP"


async def proven_key(ports: Ports, asking: Asking) -> str | None:
    """The thumbprint of the key that made the request's DPoP proof; None without one."""
    if not asking.proofs:
        return None
    try:
        return await ports.proofs.check(
            asking.proofs, method="POST", url=ports.issuer + asking.path, token=None, now=asking.now
        )
    except Unauthenticated as refusal:
        raise refusal_of(refusal) from None


async def bind(ports: Ports, asking: Asking, caller: Caller) -> Binding:
    """What is shown binds, whether or not the app has to show it."""
    return Binding(await proven_key(ports, asking), caller.thumbprint)


def check_strict(client: Client, binding: Binding) -> None:
    """A strict app gets no token that a thief could use."""
    if client.strict and binding == (None, None):
        raise invalid_request("This app gets bound tokens only: send a DPoP proof, or use its client certificate.")
