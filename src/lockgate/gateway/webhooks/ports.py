"""What the webhooks room needs from outside: storage, data keys, and whether private addresses are allowed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool


class Box(Protocol):
    """Personal fields under a person's data key, and data keys for purposes of our own."""

    async def seal(self, account: str, subject: str, fields: Mapping[str, Any]) -> bytes | None: ...

    async def open(self, account: str, subject: str, blob: bytes | None) -> dict[str, Any]: ...

    async def key(self, account: str, purpose: str, subject: str) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that a webhook operation or job may touch. ``allow_private`` is for sandboxes only."""

    pool: Pool
    committer: Committer
    box: Box
    poke: Callable[[], None]
    allow_private: bool = False
