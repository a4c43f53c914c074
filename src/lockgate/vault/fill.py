"""Fills an order: first the slots, then what is derived from the filled body. Pure."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote_plus

from lockgate.kernel.orders import Body, Covered, Derived, HeaderPart, Order, Part, SentAt, Slot


@dataclass(frozen=True, slots=True)
class Filled:
    """What goes over the line. ``digests`` are the derived values as raw bytes: they must not come back."""

    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)
    digests: tuple[bytes, ...] = field(repr=False)


def fill(order: Order, values: Mapping[str, str], *, now: int) -> Filled:
    """``order`` with ``values`` by the names that ``names_of`` gives, sent at ``now`` (epoch seconds)."""
    body = b"".join(_part(part, values) for part in order.body)
    stamp = str(now).encode()
    digests: list[bytes] = []

    def shown(part: HeaderPart) -> bytes:
        if isinstance(part, SentAt):
            return stamp
        if isinstance(part, Derived):
            digests.append(_digest(part, values, body=body, stamp=stamp))
            return digests[-1].hex().encode() if part.encoding == "hex" else base64.b64encode(digests[-1])
        return _part(part, values)

    headers = tuple((name, b"".join(map(shown, parts)).decode("ascii")) for name, parts in order.headers)
    return Filled(headers, body, tuple(digests))


def _digest(derived: Derived, values: Mapping[str, str], *, body: bytes, stamp: bytes) -> bytes:
    covered = b"".join(_covered(part, body=body, stamp=stamp) for part in derived.over)
    if derived.key is None:
        return hashlib.new(derived.algorithm, covered).digest()
    return hmac.digest(values[derived.key].encode("ascii"), covered, derived.algorithm)


def _covered(part: Covered, *, body: bytes, stamp: bytes) -> bytes:
    if isinstance(part, bytes):
        return part
    return body if isinstance(part, Body) else stamp


def _part(part: Part, values: Mapping[str, str]) -> bytes:
    return _encode(values[part.name], part.encoding) if isinstance(part, Slot) else part


def _encode(value: str, encoding: str) -> bytes:
    if encoding == "json":
        return json.dumps(value)[1:-1].encode("ascii")
    if encoding == "form":
        return quote_plus(value).encode("ascii")
    return value.encode("ascii")
