"""What the oauth room needs from outside."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from lockgate.gateway.certificates.check import Shown
from lockgate.gateway.identity.authenticate import Identity, Presented, Proofs
from lockgate.gateway.identity.tokens import Tokens
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.pages.cookies import SetCookie
from lockgate.gateway.storage.database import Pool
from lockgate.kernel.operations import Visit
from lockgate.kernel.principal import Access, Principal

Memberships = Mapping[str, Mapping[str, Access]]
"""What a person may do now, by account; empty for one who may not go on."""


class Guest(NamedTuple):
    """Who is signed in at a browser, as what in which account, when a factor was last proved there, and the cookies
    that keep it so.
    """

    person: str
    session: str
    proved_at: int
    roles: Mapping[str, tuple[str, ...]]
    headers: tuple[SetCookie, ...] = ()


class Keys(Protocol):
    """Knows API keys."""

    async def identify(self, presented: Presented, *, before_unknown: Callable[[], Awaitable[None]]) -> Identity: ...


class Certificates(Protocol):
    """Knows client certificates, and which keys demand one."""

    async def check(self, principal: Principal, certificate: bytes | None) -> None: ...

    async def identify(self, der: bytes | None) -> Shown: ...


class Addresses(Protocol):
    """Knows from where a credential may be used."""

    async def check_endpoint(
        self, principal: Principal, name: str, *, request: str, resource: str | None = None
    ) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that this room touches. ``secret`` is the room's own key, from which successors are derived;
    ``pepper`` is the API keys'.

    ``issuer`` is this installation's name in every token and message, and where its endpoints are.
    """

    pool: Pool
    tokens: Tokens
    keys: Keys
    proofs: Proofs
    certificates: Certificates
    addresses: Addresses
    witness: Witness
    issuer: str
    visitor: Callable[[Visit], Awaitable[Guest | None]]
    memberships: Callable[[str], Awaitable[Memberships]]
    account_names: Callable[[Sequence[str]], Awaitable[Mapping[str, str]]]
    secret: bytes = field(repr=False)
    pepper: bytes = field(repr=False)
