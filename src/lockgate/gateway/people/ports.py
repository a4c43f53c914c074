"""What the people room needs from outside: storage, sealing, tokens, roles, second factors, and its own two keys."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.people.breached import Breached
from lockgate.gateway.people.passwords import Passwords
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.kernel.config import ConfigError
from lockgate.kernel.principal import Access, Principal

SHORTEST_MINUTES, LONGEST_MINUTES = 15, 30


class Box(Protocol):
    """Seals personal fields, finds them again by keyed hashes, and gives data keys for purposes of our own."""

    async def seal(self, account: str, subject: str, fields: Mapping[str, Any]) -> bytes | None: ...

    async def open(self, account: str, subject: str, blob: bytes | None) -> dict[str, Any]: ...

    async def blind_index(self, account: str, name: str, value: str) -> bytes: ...

    async def key(self, account: str, purpose: str, subject: str) -> bytes | None: ...


class Tokens(Protocol):
    """Signs access tokens and reads them again."""

    async def issue(self, typ: str, claims: Mapping[str, Any], *, life_s: int, now: int) -> str: ...

    async def verify(self, text: str, *, typ: str, now: int) -> Mapping[str, Any]: ...


class Roles(Protocol):
    """What roles allow, and who may give them."""

    async def permissions(
        self, account: str, names: Sequence[str], *, connection: Connection | None = None
    ) -> dict[str, Access]: ...

    async def check_grant(
        self, who: Principal, names: Sequence[str], *, param: str = "roles", connection: Connection | None = None
    ) -> None: ...


class Factors(Protocol):
    """The second factors of a person. Each check raises a Refusal, or gives the word of what was proved.

    ``enroll`` begins a first factor of somebody who has none and answers what the person's app needs; ``confirm``
    proves that it took. ``assertion`` finds out whose passkey it was, user verification included.
    """

    async def methods(self, person: str) -> tuple[str, ...]: ...

    async def challenge(self, person: str, *, now: int) -> Mapping[str, Any] | None: ...

    async def prove(self, person: str, *, method: str, proof: str, now: int) -> str: ...

    async def enroll(self, person: str, *, method: str, email: str, now: int) -> Mapping[str, Any]: ...

    async def confirm(self, person: str, *, method: str, proof: str, now: int) -> Mapping[str, Any]: ...

    async def begin_assertion(self, *, now: int) -> Mapping[str, Any]: ...

    async def assertion(self, ceremony: str, proof: str, *, now: int) -> str: ...


def access_seconds(settings: Mapping[str, Any]) -> int:
    """How long an access token of a session lives: 15 minutes, and nobody can set less than that or more than 30."""
    minutes = settings.get("session_minutes", SHORTEST_MINUTES)
    if type(minutes) is not int or not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        raise ConfigError(f"settings.json: session_minutes is {SHORTEST_MINUTES} to {LONGEST_MINUTES}")
    return minutes * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """What it takes to say who belongs where; the operator's own commands have no more.

    ``url`` is where people's browsers find us; links in mail begin with it.
    """

    pool: Pool
    box: Box
    roles: Roles
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports(Office):
    """Everything that this room touches. ``key`` is its own; what it hashes and derives is told apart by words."""

    tokens: Tokens
    factors: Factors
    witness: Witness
    passwords: Passwords
    breached: Breached
    access_s: int
    poke: Callable[[], None]
    key: bytes = field(repr=False)
