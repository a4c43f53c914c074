"""What the approvals room needs from outside: storage, sealing, factors, and people's sessions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from lockgate.gateway.factors.ports import Ports as FactorPorts
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.people.ports import Ports as PeoplePorts
from lockgate.gateway.storage.database import Pool


class Box(Protocol):
    """Seals an account's own things."""

    async def seal(self, account: str, subject: str, fields: Mapping[str, Any]) -> bytes | None: ...

    async def open(self, account: str, subject: str, blob: bytes | None) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that approvals touch."""

    pool: Pool
    box: Box
    witness: Witness
    factors: FactorPorts
    people: PeoplePorts
