"""What the mail room needs from outside: storage, the data key that seals mail at rest, and where mail goes."""

from dataclasses import dataclass
from typing import Protocol

from lockgate.gateway.mail.routes import Route
from lockgate.gateway.storage.database import Pool


class Box(Protocol):
    """Data keys for purposes of our own."""

    async def key(self, account: str, purpose: str, subject: str) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that the mail jobs may touch. ``sender`` is the address that mail comes from."""

    pool: Pool
    box: Box
    route: Route
    sender: str
    name: str = "Lockgate"
