"""What outside engines need from elsewhere: storage, keys, and the webhooks room's way out, which stands above."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool


class Sent(Protocol):
    """What came of one message: ``delivered`` or a short code of what went wrong, and the answer."""

    @property
    def outcome(self) -> str: ...

    @property
    def body(self) -> bytes: ...

    @property
    def duration_ms(self) -> int: ...


class Post(Protocol):
    """Sends one message to a public address, once; never raises for what the network does."""

    async def __call__(
        self, url: str, *, headers: Mapping[str, str], body: bytes, keep: int, timeout_s: float
    ) -> Sent: ...


class Sign(Protocol):
    """Headers that prove where a message comes from."""

    def __call__(self, event_id: str, body: bytes, *, timestamp: int, secrets: Sequence[str]) -> dict[str, str]: ...


class CheckUrl(Protocol):
    """Refuses a URL that must not be asked."""

    def __call__(self, url: str, *, allow_private: bool) -> Any: ...


class Keys(Protocol):
    """Gives data keys of the gateway's own purposes."""

    async def key(self, account: str, purpose: str, subject: str) -> bytes | None: ...


RaiseReview = Callable[[str, bool, str], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Way:
    """How an engine is reached."""

    pool: Pool
    box: Keys
    post: Post
    sign: Sign


@dataclass(frozen=True, slots=True)
class Ports:
    """What the operations on engines may touch."""

    pool: Pool
    box: Keys
    check_url: CheckUrl
    new_secret: Callable[[], str]
    allow_private: bool


@dataclass(frozen=True, slots=True)
class Telling:
    """What the worker needs to tell engines how payments ended. ``raise_review`` is the payments room's, above this
    one: it has a person look at the charge of this account and mode."""

    way: Way
    committer: Committer
    now_ms: Callable[[], int]
    raise_review: RaiseReview
