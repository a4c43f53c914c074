"""What the certificates room needs from outside."""

from dataclasses import dataclass
from typing import Protocol

from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.storage.database import Pool


class Box(Protocol):
    """Gives data keys of the vault; None once they were destroyed."""

    async def key(self, account: str, purpose: str, subject: str) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that an operation or job on certificates may touch. ``url`` is where merchants reach this API."""

    pool: Pool
    box: Box
    witness: Witness
    url: str
