"""What the factors room needs from outside: storage, sealing, a witness, and who hears that a factor came or went."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol

from lockgate.gateway.pages.origins import host_of, origin_of
from lockgate.gateway.storage.database import Connection, Pool

SEALED_FOR = "platform"
"""People belong to no one account: what is theirs is sealed for the installation, each under a key of their own."""


class Box(Protocol):
    """Seals what belongs to a person."""

    async def seal(self, account: str, subject: str, fields: Mapping[str, Any]) -> bytes | None: ...

    async def open(self, account: str, subject: str, blob: bytes | None) -> dict[str, Any]: ...


Happened = Literal[
    "totp.add", "totp.remove", "passkey.add", "passkey.remove", "passkey.cloned", "recovery_codes.renew",
    "recovery_code.use",
]  # fmt: skip


class Whence(NamedTuple):
    """Where a change came from, for the record of it."""

    address: str = ""
    user_agent: str = ""
    request: str | None = None


NOWHERE = Whence()


@dataclass(frozen=True, slots=True)
class Change:
    """What happened to the factors of ``person`` at ``now``. ``object_`` is the factor's id where there is one."""

    person: str
    happened: Happened
    now: int
    object_: str | None = None
    whence: Whence = NOWHERE


Changed = Callable[[Connection, Change], Awaitable[None]]
"""What a change brings with it, in its transaction: the person is told by mail, it is recorded, and where a factor came
or went her sessions end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that factors are kept and proved with. ``url`` is our public address: passkeys are bound to it."""

    pool: Pool
    box: Box
    url: str
    changed: Changed = field(repr=False)

    @property
    def origin(self) -> str:
        """What browsers call us."""
        return origin_of(self.url)

    @property
    def host(self) -> str:
        """The relying party's id (WebAuthn 5.1.2): our host without its port."""
        return host_of(self.url)
