"""What the signals room needs from outside: storage and the box for what is sealed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lockgate.gateway.storage.database import Pool


class Box(Protocol):
    """Seals and opens what is personal, and makes keyed hashes."""

    async def seal(self, account: str, subject: str, fields: Mapping[str, Any]) -> bytes | None: ...

    async def open(self, account: str, subject: str, blob: bytes | None) -> dict[str, Any]: ...

    async def blind_index(self, account: str, name: str, value: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """``public_url`` is where browsers load the collector from."""

    pool: Pool
    box: Box
    public_url: str
