"""What the alerts room needs from outside: storage, places, mail, and ways to reach receivers that other rooms own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lockgate.gateway.identity.places import Places
from lockgate.gateway.storage.database import Connection, Pool


class Box(Protocol):
    """Data keys for purposes of our own."""

    async def key(self, account: str, purpose: str, subject: str) -> bytes | None: ...


class Sent(Protocol):
    """What came of one try at a URL: ``delivered``, or a short code of what went wrong."""

    @property
    def outcome(self) -> str: ...


class Post(Protocol):
    """Sends one message to a URL that may be a stranger's; never raises for what the network does."""

    async def __call__(self, url: str, *, headers: Mapping[str, str], body: bytes) -> Sent: ...


class Sign(Protocol):
    """The headers that prove a webhook's sender."""

    def __call__(self, event_id: str, body: bytes, *, timestamp: int, secrets: Sequence[str]) -> dict[str, str]: ...


class CheckUrl(Protocol):
    """Refuses a URL that a webhook must not go to."""

    def __call__(self, url: str, *, allow_private: bool) -> Any: ...


class Owners(Protocol):
    """Who owns an account, and where to write to them; the people room's."""

    async def of(self, connection: Connection, account: str) -> Sequence[str]: ...

    async def email(self, connection: Connection, account: str, person: str) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Ports:
    """Everything that alert operations and jobs may touch.

    ``post``, ``sign`` and ``check_url`` are the webhooks room's, which stands above this one.
    """

    pool: Pool
    box: Box
    check_url: CheckUrl
    new_secret: Callable[[], str]
    allow_private: bool
    host: str
    poke: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Telling:
    """What the worker needs besides to judge records and to tell of alerts."""

    ports: Ports
    places: Places
    owners: Owners
    post: Post
    sign: Sign
    now_ms: Callable[[], int]
