"""What a processor adapter asks the vault to send, and what it may hear back: pure values, the same on both sides."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

ENCODINGS = ("json", "form", "ascii")
CARD_SLOTS = ("card.number", "card.cvc", "card.exp_month", "card.exp_year")
SECRET_PREFIX = "secret."  # noqa: S105 - the name of a slot, not a secret
METHODS = ("POST", "GET", "PUT", "PATCH", "DELETE")
HASH, HMAC = "hash", "hmac"
DERIVED_KINDS = (HASH, HMAC)
DERIVED_ALGORITHMS = ("sha256", "sha512")
DERIVED_ENCODINGS = ("hex", "base64")
MAX_PARTS = 256
MAX_DERIVED = 8
MAX_ORDER_BYTES = 512 * 1024


@dataclass(frozen=True, slots=True)
class Slot:
    """A gap that only the vault can fill.

    ``name`` is one of CARD_SLOTS or ``secret.<name>``. ``encoding`` says where the value stands: ``json`` (the content
    of a JSON string), ``form`` (an application/x-www-form-urlencoded value) or ``ascii`` (as it is, in a header).
    """

    name: str
    encoding: str


Part = bytes | Slot


@dataclass(frozen=True, slots=True)
class SentAt:
    """The second in which the vault fills the order, as epoch digits: the same wherever it stands in that order."""


@dataclass(frozen=True, slots=True)
class Body:
    """The whole body with its slots filled; it stands only in what a ``Derived`` covers."""


Covered = bytes | SentAt | Body


@dataclass(frozen=True, slots=True)
class Derived:
    """A directive: a header's part that the vault computes once the slots are filled.

    ``kind`` is ``hash``, or ``hmac`` under ``key``, a ``secret.<name>``. ``over`` is what it covers, joined: the whole
    body exactly once, and never a slot of its own, because a digest of a card number alone would give the number away.
    """

    kind: str
    algorithm: str
    over: tuple[Covered, ...]
    encoding: str
    key: str | None = None


HeaderPart = Part | SentAt | Derived


@dataclass(frozen=True, slots=True)
class Order:
    """One message to one processor. The vault sends a ``step`` at most once in its life, whatever happens.

    ``card`` is the vault token whose card slots are meant. Nothing is sent after ``send_before_ms`` (epoch
    milliseconds); ``timeout_ms`` bounds the wait for the answer.
    """

    step: str
    processor: str
    method: str
    url: str
    headers: tuple[tuple[str, tuple[HeaderPart, ...]], ...]
    body: tuple[Part, ...]
    send_before_ms: int
    timeout_ms: int
    card: str | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """The processor answered; the vault removed this order's card and secret values from what it said."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class NotSent:
    """Certainly nothing reached the processor. ``reason`` is a short code such as ``cvc_gone`` or ``unreachable``."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """It may or may not have reached the processor: only an inquiry can tell."""

    reason: str


Reply = Answered | NotSent | Lost


class BadOrder(ValueError):
    """An order that does not have the shape above; the message names the fault, never a value."""


def to_wire(order: Order) -> dict[str, Any]:
    """``order`` as a msgpack map.

    A literal part is bytes, a slot ``{"slot": name, "encoding": encoding}``, a Derived ``{"derived": kind,
    "algorithm", "over": [...], "encoding", "key"}``; SentAt is ``{"part": "sent_at"}``, Body is ``{"part": "body"}``.
    """
    return {
        "step": order.step,
        "processor": order.processor,
        "method": order.method,
        "url": order.url,
        "headers": [[name, [_part_to_wire(part) for part in parts]] for name, parts in order.headers],
        "body": [_part_to_wire(part) for part in order.body],
        "send_before_ms": order.send_before_ms,
        "timeout_ms": order.timeout_ms,
        "card": order.card,
    }


def from_wire(message: Mapping[str, Any]) -> Order:
    """The order in a msgpack map, checked strictly: unknown, absent and ill-typed fields raise BadOrder."""
    if not isinstance(message, Mapping) or set(message) != _FIELDS:
        raise BadOrder("an order has exactly the fields of kernel/orders.Order")
    for name, kind in _TYPES.items():
        if not isinstance(message[name], kind) or isinstance(message[name], bool):
            raise BadOrder(f"{name} has the wrong type")
    if not 1 <= len(message["step"]) <= 128:
        raise BadOrder("step must have 1 to 128 characters")
    if message["method"] not in METHODS:
        raise BadOrder("method is not one that an order may use")
    if message["timeout_ms"] <= 0:
        raise BadOrder("timeout_ms must be positive")
    headers = []
    for header in message["headers"]:
        if not isinstance(header, list) or len(header) != 2 or not isinstance(header[0], str):
            raise BadOrder("a header is a name and a list of parts")
        headers.append((header[0], _parts_from_wire(header[1], _header_part_from_wire)))
    order = Order(
        step=message["step"],
        processor=message["processor"],
        method=message["method"],
        url=message["url"],
        headers=tuple(headers),
        body=_parts_from_wire(message["body"], _part_from_wire),
        send_before_ms=message["send_before_ms"],
        timeout_ms=message["timeout_ms"],
        card=message["card"],
    )
    _check_size(order)
    return order


def derived_of(order: Order) -> list[Derived]:
    """Every directive of ``order``, in the order they stand."""
    return [part for _, parts in order.headers for part in parts if isinstance(part, Derived)]


def names_of(order: Order) -> set[str]:
    """Every value that the vault must have to fill ``order``: its slots, and the keys of its directives."""
    parts = [part for _, header in order.headers for part in header] + list(order.body)
    keys = {derived.key for derived in derived_of(order) if derived.key is not None}
    return keys | {part.name for part in parts if isinstance(part, Slot)}


def is_secret(name: Any) -> bool:
    """Whether ``name`` is a ``secret.<name>``."""
    return isinstance(name, str) and name.startswith(SECRET_PREFIX) and len(name) > len(SECRET_PREFIX)


_P = TypeVar("_P")
_TYPES: dict[str, Any] = {
    "step": str,
    "processor": str,
    "method": str,
    "url": str,
    "headers": list,
    "body": list,
    "send_before_ms": int,
    "timeout_ms": int,
    "card": str | None,
}
_FIELDS = set(_TYPES)


def _part_to_wire(part: HeaderPart | Covered) -> bytes | dict[str, Any]:
    match part:
        case Slot():
            return {"slot": part.name, "encoding": part.encoding}
        case SentAt():
            return {"part": "sent_at"}
        case Body():
            return {"part": "body"}
        case Derived():
            return {
                "derived": part.kind,
                "algorithm": part.algorithm,
                "over": [_part_to_wire(covered) for covered in part.over],
                "encoding": part.encoding,
                "key": part.key,
            }
        case bytes():
            return part


def _parts_from_wire(parts: Any, read: Callable[[Any], _P]) -> tuple[_P, ...]:
    if not isinstance(parts, list):
        raise BadOrder("parts must be a list")
    return tuple(read(part) for part in parts)


def _part_from_wire(part: Any) -> Part:
    if isinstance(part, bytes):
        return part
    if not isinstance(part, dict) or set(part) != {"slot", "encoding"}:
        raise BadOrder("a part is bytes or a slot; a header's may also be sent_at or derived")
    name, encoding = part["slot"], part["encoding"]
    if not (name in CARD_SLOTS or is_secret(name)):
        raise BadOrder("no such slot")
    if encoding not in ENCODINGS:
        raise BadOrder("no such encoding")
    return Slot(name, encoding)


def _header_part_from_wire(part: Any) -> HeaderPart:
    if part == {"part": "sent_at"}:
        return SentAt()
    if isinstance(part, dict) and "derived" in part:
        return _derived_from_wire(part)
    return _part_from_wire(part)


def _derived_from_wire(part: dict[str, Any]) -> Derived:
    if set(part) != {"derived", "algorithm", "over", "encoding", "key"}:
        raise BadOrder("a derived part has exactly the fields of kernel/orders.Derived")
    kind, algorithm, encoding, key = part["derived"], part["algorithm"], part["encoding"], part["key"]
    if kind not in DERIVED_KINDS or algorithm not in DERIVED_ALGORITHMS or encoding not in DERIVED_ENCODINGS:
        raise BadOrder("no such kind, algorithm or encoding of a derived part")
    if not (is_secret(key) if kind == HMAC else key is None):
        raise BadOrder("an hmac has a secret as its key, a hash has none")
    over = _parts_from_wire(part["over"], _covered_from_wire)
    if over.count(Body()) != 1:
        raise BadOrder("a derived part covers the whole body, once")
    return Derived(kind, algorithm, over, encoding, key)


def _covered_from_wire(part: Any) -> Covered:
    if isinstance(part, bytes):
        return part
    if part == {"part": "sent_at"}:
        return SentAt()
    if part == {"part": "body"}:
        return Body()
    raise BadOrder("a derived part covers bytes, sent_at and the body; never a slot")


def _check_size(order: Order) -> None:
    derived = derived_of(order)
    if len(derived) > MAX_DERIVED:
        raise BadOrder("an order has too many derived parts")
    parts = [part for _, header in order.headers for part in header] + list(order.body)
    parts += [covered for each in derived for covered in each.over]
    if len(parts) > MAX_PARTS:
        raise BadOrder("an order has too many parts")
    if sum(len(part) for part in parts if isinstance(part, bytes)) > MAX_ORDER_BYTES:
        raise BadOrder("an order is too long")
