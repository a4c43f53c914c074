"""What the customers room needs from outside: storage, the vault's card verbs, and the box for personal data."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import PaymentMethodRow
from lockgate.kernel.operations import Call


class Vault(Protocol):
    """The vault's verbs on cards. Each card comes back as its description, with the ``token`` that names it."""

    async def tokenize_test(self, account: str, card: Mapping[str, Any]) -> dict[str, Any]: ...

    async def tokenize_sealed(
        self, account: str, livemode: bool, blob: str, *, intent: str | None = None
    ) -> dict[str, Any]: ...

    async def commit_token(self, account: str, tokens: Sequence[str], *, subject: str | None = None) -> list[str]: ...


class Box(Protocol):
    """Seals and opens personal fields under a person's data key; None once that person was erased."""

    async def seal(self, account: str, subject: str, fields: Mapping[str, Any]) -> bytes | None: ...

    async def open(self, account: str, subject: str, blob: bytes | None) -> dict[str, Any]: ...

    async def blind_index(self, account: str, name: str, value: str) -> bytes: ...


class Cards(Protocol):
    """What making a payment method needs; other rooms' ports have it too."""

    @property
    def vault(self) -> Vault: ...

    @property
    def box(self) -> Box: ...


Verify = Callable[[Call, PaymentMethodRow], Awaitable[PaymentMethodRow]]
"""Has a card judged, and verified by its issuer, and gives it back with what was checked; or refuses it."""

Defend = Callable[[Call], Awaitable[None]]
"""Refuses a browser that gives a card, where it has to do some work first."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that a customer operation may touch. ``pepper`` is what API keys are hashed with."""

    pool: Pool
    committer: Committer
    vault: Vault
    box: Box
    poke: Callable[[], None]
    pepper: bytes = field(repr=False)
    verify: Verify = field(repr=False)
    defend: Defend = field(repr=False)
