"""What the risk room needs from outside: storage, and the box for what stands in lists and reviews about people."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool


class Box(Protocol):
    """Seals and opens personal fields, and hashes values so that equal ones can be found."""

    async def seal(self, account: str, subject: str, fields: Mapping[str, Any]) -> bytes | None: ...

    async def open(self, account: str, subject: str, blob: bytes | None) -> dict[str, Any]: ...

    async def blind_index(self, account: str, name: str, value: str) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that this room may touch."""

    pool: Pool
    committer: Committer
    box: Box
    poke: Callable[[], None]
