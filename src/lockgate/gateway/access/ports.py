"""What the access room needs from outside: storage, who may do what, and the operations that take access away."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from lockgate.gateway.identity.roles import Roles
from lockgate.gateway.storage.database import Pool
from lockgate.kernel.operations import Operation


class Box(Protocol):
    """Opens what is sealed about people."""

    async def open(self, account: str, subject: str, blob: bytes | None) -> dict[str, Any]: ...


class Way(NamedTuple):
    """An operation of another room, and the name that its path has for what it acts on."""

    operation: Operation
    path: str


@dataclass(frozen=True, slots=True)
class Ports:
    """``reduce`` and ``remove`` say, by kind of holder, which operation does that; what has none cannot be reduced."""

    pool: Pool
    box: Box
    roles: Roles
    reduce: Mapping[str, Way]
    remove: Mapping[str, Way]
