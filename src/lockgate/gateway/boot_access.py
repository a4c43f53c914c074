"""The composition root of the rooms that know who may ask: people, apps, certificates, their alerts and mail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lockgate.gateway.identity import api_keys as identity_api_keys
from lockgate.gateway.identity import api_roles as identity_api_roles
from lockgate.gateway.identity.authenticate import Authenticator
from lockgate.gateway.identity.ports import CredentialPorts
from lockgate.gateway.identity.signing_keys import SigningKeys
from lockgate.gateway.identity.tokens import Tokens
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.jobs import Job
from lockgate.gateway.vaultlink.client import VaultClient
from lockgate.gateway.vaultlink.personal import PersonalBox
from lockgate.kernel import clock
from lockgate.kernel.operations import Hook, Operation, Page
from lockgate.kernel.principal import Principal


@dataclass(frozen=True, slots=True)
class Base:
    """What these rooms are made of. ``settings`` are the home's public ones, ``home`` its directory."""

    program: str
    home: Path
    settings: Mapping[str, Any]
    pool: Pool
    committer: Committer
    vault: VaultClient
    box: PersonalBox
    pepper: bytes = field(repr=False)
    poke: Callable[[], None] = field(repr=False)

    @property
    def public_url(self) -> str:
        return self.settings["api"]["url"]


@dataclass(frozen=True, slots=True)
class Access:
    """The rooms themselves, ready for the door."""

    base: Base
    tokens: Tokens
    authenticator: Authenticator
    witness: Witness
    client_certificates: Any
    approvals: Any
    addresses: Any


class _Open:
    """Asks for nothing."""

    async def check(self, _principal: Principal, _what: Any) -> None: ...

    async def require(self, _principal: Principal, _operation: Operation, **_: Any) -> None: ...


async def assemble(base: Base) -> Access:
    """Construct the rooms, lower ones first."""
    tokens = Tokens(SigningKeys(base.pool, base.box), issuer=base.public_url)
    authenticator = Authenticator(base.pool, pepper=base.pepper, tokens=tokens, holders={})
    opened = _Open()
    return Access(
        base=base,
        tokens=tokens,
        authenticator=authenticator,
        witness=Witness(base.pool),
        client_certificates=opened,
        approvals=opened,
        addresses=opened,
    )


def operations(access: Access) -> list[Operation]:
    """What these rooms offer under the API's guard. Declaring needs nothing to be there behind it."""
    credentials = CredentialPorts(access.base.pool, access.base.pepper)
    return [
        *identity_api_keys.operations(credentials),
        *identity_api_roles.operations(credentials),
    ]


def pages(access: Access) -> list[Page | Hook]:
    """What is opened without a key: pages for people, endpoints for apps."""
    return []


def jobs(access: Access) -> Sequence[Job]:
    """What the clock calls in these rooms."""

    async def signing_keys() -> int:
        await access.tokens.keys.keep_up(now=clock.now())
        return 0

    return [Job("identity.signing_keys", 3_600_000, signing_keys)]
