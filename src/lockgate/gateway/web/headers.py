"""The headers of every answer: security for browsers, and what the dialect's clients read."""

from collections.abc import Sequence
from typing import NamedTuple

Header = tuple[bytes, bytes]

SECURITY: tuple[Header, ...] = (
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)
JSON = (b"content-type", b"application/json")
# A browser may read answers of operations open to publishable keys, from any page, without cookies.
CORS: tuple[Header, ...] = (
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"Request-Id, Stripe-Should-Retry, Idempotent-Replayed"),
)
PREFLIGHT: tuple[Header, ...] = (
    *CORS,
    (b"access-control-allow-headers", b"Authorization, Content-Type, Idempotency-Key, Lockgate-Puzzle, Stripe-Version"),
    (b"access-control-max-age", b"600"),
)


POLICY = b"content-security-policy"
_SHARING = b"cross-origin-resource-policy"


class Reply(NamedTuple):
    """An answer on its way out."""

    status: int
    body: bytes
    headers: tuple[Header, ...] = ()
    content_type: Header = JSON
    security: tuple[Header, ...] = SECURITY


def page(body: bytes, policy: str) -> Reply:
    """A page of ours for readers, under a content policy of its own."""
    return Reply(200, body, (), (b"content-type", b"text/html; charset=utf-8"), under(policy))


def public() -> tuple[Header, ...]:
    """The security headers of what any page may load and anybody may keep."""
    kept = tuple(pair for pair in SECURITY if pair[0] not in (b"cache-control", _SHARING))
    return (*kept, (_SHARING, b"cross-origin"))


def under(policy: str) -> tuple[Header, ...]:
    """The security headers with another content policy."""
    others = tuple(pair for pair in SECURITY if pair[0] != POLICY)
    return (*others, (POLICY, policy.encode("ascii")))


def complete(reply: Reply, request_id: bytes) -> list[Header]:
    """All headers of ``reply``."""
    return [
        *reply.security,
        reply.content_type,
        (b"content-length", b"%d" % len(reply.body)),
        (b"request-id", request_id),
        *reply.headers,
    ]


def retry(*, should: bool | None, after_s: int | None, reason: str | None) -> tuple[Header, ...]:
    """What tells a client whether and when to try again."""
    found: list[Header] = []
    if should is not None:
        found.append((b"stripe-should-retry", b"true" if should else b"false"))
    if after_s is not None:
        found.append((b"retry-after", b"%d" % after_s))
    if reason is not None:
        found.append((b"stripe-rate-limited-reason", reason.encode()))
    return tuple(found)


def encoded(pairs: Sequence[tuple[str, str]]) -> tuple[Header, ...]:
    """Headers that a room gave as text."""
    return tuple((name.lower().encode("ascii"), value.encode("ascii")) for name, value in pairs)
