"""The words in which a room declares its operations; the web edge turns them into routes, guards and OpenAPI."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from lockgate.kernel.errors import Refusal
from lockgate.kernel.params import Object
from lockgate.kernel.principal import Access, Principal
from lockgate.kernel.shapes import Shape


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer: status, body and headers as they go out. ``livemode`` and ids stay out of headers.

    ``public`` is what is the same for everybody, as a script of ours is: any page may load it, and its own
    Cache-Control says for how long it may be kept.
    """

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    content_type: str = "application/json"
    public: bool = False


_APART = "\x1f"  # cannot stand in a header


@dataclass(frozen=True, slots=True)
class Claim:
    """An idempotency key taken by one request: goes into that request's first commit.

    ``key`` is what it is kept under, ``shown`` what the caller sent. They differ for keys in shoppers' hands: whoever
    reads a publishable one must not be able to take the keys that the merchant's server is about to use, and an app
    that reaches one customer must not be told what another's was answered. A person's and a third party's are their
    own for the same reason.
    """

    key: str
    request_hash: bytes
    owner: str

    @property
    def shown(self) -> str:
        return self.key.rpartition(_APART)[2]


def kept_key(who: Principal, sent: str) -> str:
    """What an idempotency key that ``who`` sent is kept under."""
    if who.kind in ("person", "app"):
        return f"{_APART}{who.id}{_APART}{sent}"
    if who.sees_secrets:
        return sent
    return f"{_APART}{sent}" if who.customer is None else f"{_APART}{who.customer}{_APART}{sent}"


class Concluding(Protocol):
    """How a verb fixes its answer before its last commit, so that the answer can be stored in that commit."""

    async def object(
        self, call: "Call", rendered: Mapping[str, Any], *, fresh: Sequence[Mapping[str, Any]]
    ) -> Answer: ...

    async def refusal(self, call: "Call", refusal: Refusal) -> Answer: ...

    async def seal(self, call: "Call", answer: Answer) -> bytes: ...


@dataclass(slots=True)
class Call:
    """One request, already authenticated, authorised, limited and read.

    ``path`` holds the path's ids, ``params`` the typed parameters without ``expand``; ``now`` is the business time in
    seconds, ``ahead_s`` more than the world's clock says; ``puzzle`` is the solved puzzle that came along. A verb that
    writes puts the claim into its first commit and the answer into its last (``storage.idempotency`` has the rows).
    """

    operation: "Operation"
    principal: Principal
    path: Mapping[str, str]
    params: dict[str, Any]
    expand: tuple[str, ...]
    request_id: str
    api_version: str
    now: int
    claim: Claim | None
    concluding: Concluding = field(repr=False)
    client_secret: str | None = field(default=None, repr=False)
    puzzle: str | None = field(default=None, repr=False)
    pinned_version: str | None = None
    ahead_s: int = 0

    @property
    def event_version(self) -> str:
        """The version of the events that this request causes: its account's, whatever the request itself asked for."""
        return self.pinned_version or self.api_version

    async def answer(self, rendered: Mapping[str, Any], fresh: Sequence[Mapping[str, Any]] = ()) -> Answer:
        """``rendered`` with its expansions, as bytes. ``fresh``: rendered objects that the next commit makes."""
        return await self.concluding.object(self, rendered, fresh=fresh)

    async def refuse(self, refusal: Refusal) -> Answer:
        """A refusal that is this request's lasting answer (a declined card), as bytes."""
        return await self.concluding.refusal(self, refusal)

    async def sealed(self, answer: Answer) -> bytes:
        """``answer`` compressed and encrypted, as it is kept beside the idempotency key."""
        return await self.concluding.seal(self, answer)


Handler = Callable[[Call], Awaitable[Answer | Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation of the API. None is without a permission: ``resource`` and ``access`` have no default.

    ``limit`` names a class of rate limits. ``audit`` is the word under which its effects are audited; reads have none.
    ``publishable`` opens it to publishable keys, which must then prove a client secret unless ``open_to_publishable``.
    ``ephemeral`` opens it to ephemeral keys: ``customer`` where the path or the parameters name their customer,
    ``payment_method`` where the path names one of that customer's payment methods. ``needs_version`` asks for a
    Stripe-Version header. ``path`` uses ``{name}`` for ids. ``returns`` is a Shape, or what ``form`` makes of it.
    ``privilege`` names the class of what needs more than a permission: a fresh proof, a confirmation of just this
    content, a second person.
    """

    name: str
    method: Literal["GET", "POST", "DELETE"]
    path: str
    resource: str
    access: Access
    handler: Handler = field(repr=False)
    params: Object
    returns: Shape
    form: Literal["object", "list", "search", "deleted"] = "object"
    summary: str
    limit: str = "standard"
    audit: str | None = None
    publishable: bool = False
    client_secret: bool = False
    declines: bool = False
    ephemeral: Literal["customer", "payment_method"] | None = None
    needs_version: bool = False
    privilege: str | None = None

    @property
    def many(self) -> bool:
        """Whether the answer holds objects under ``data``."""
        return self.form in ("list", "search")


Loader = Callable[[Principal, Sequence[str]], Awaitable[dict[str, Mapping[str, Any]]]]

@dataclass(frozen=True, slots=True)
class Visit:
    """What a browser asked for: the path's parts, and its fields, of those sent twice the last one (``pairs`` has all).

    ``headers`` and ``cookies`` are by name, headers in small letters. ``certificate`` is the client's, as DER, if it
    showed one. ``now`` is the business time in seconds.
    """

    path: Mapping[str, str]
    pairs: Sequence[tuple[str, str]] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    address: str
    request_id: str
    now: int
    certificate: bytes | None = field(default=None, repr=False)

    @property
    def fields(self) -> dict[str, str]:
        return dict(self.pairs)

    @property
    def user_agent(self) -> str:
        return self.headers.get("user-agent", "")[:200]

    @property
    def cookies(self) -> dict[str, str]:
        """Cookies by name. One that was sent twice is not believed: a page on a neighbouring host may have set it."""
        found: dict[str, str] = {}
        twice: set[str] = set()
        for part in self.headers.get("cookie", "").split(";"):
            name, equals, value = part.strip().partition("=")
            if equals and name in found:
                twice.add(name)
            if equals:
                found[name] = value
        return {name: value for name, value in found.items() if name not in twice}


PageHandler = Callable[[Visit], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Page:
    """Something that browsers open, outside of the API. It has no key: what it may do stands in its path, signed, or
    in the cookies of whoever signed in.
    """

    method: Literal["GET", "POST"]
    path: str
    handler: PageHandler = field(repr=False)
    limit: str = "browser"


@dataclass(frozen=True, slots=True)
class Posted:
    """What came to a hook: the path's parts, headers by their small-letter names, and the body as it was sent."""

    path: Mapping[str, str]
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    address: str
    request_id: str
    certificate: bytes | None = field(default=None, repr=False)


HookHandler = Callable[[Posted], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Hook:
    """Where another service posts to, outside of the API. It has no key: its sender proves itself by a signature.

    A refusal of the kind UNAUTHENTICATED counts against the address that it was sent from. ``refusal`` makes the body
    that tells of a refusal where the endpoint's own standard says how; else it is the API's envelope.
    """

    path: str
    handler: HookHandler = field(repr=False)
    max_bytes: int
    limit: str = "hook"
    method: Literal["POST"] = "POST"
    refusal: Callable[[Refusal], bytes] | None = field(default=None, repr=False)
