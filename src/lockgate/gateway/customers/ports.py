"""What the customers room needs from outside: storage, the vault's card verbs, and the box for personal data."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool


class Vault(Protocol):
    """The vault's verbs on cards. Each card comes back as its description, with the ``token`` that names it."""

    async def tokenize_test(self, account: str, card: dict[str, Any]) -> dict[str, Any]: ...

    async def tokenize_sealed(
        self, account: str, livemode: bool, blob: str, context: dict[str, Any]
    ) -> dict[str, Any]: ...

    async def describe(self, account: str, token: str) -> dict[str, Any]: ...

    async def commit_token(self, account: str, tokens: Sequence[str]) -> Any: ...


class Box(Protocol):
    """Seals and opens personal fields under a person's data key."""

    async def seal(self, account: str, subject: str, fields: dict[str, Any]) -> bytes | None: ...

    async def open(self, account: str, subject: str, sealed: bytes | None) -> Mapping[str, Any]: ...

    async def blind_index(self, account: str, value: str) -> bytes: ...


class Cards(Protocol):
    """What making a payment method needs; other rooms' ports have it too."""

    @property
    def vault(self) -> Vault: ...

    @property
    def box(self) -> Box: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that a customer operation may touch."""

    pool: Pool
    committer: Committer
    vault: Vault
    box: Box
    poke: Callable[[], None]
