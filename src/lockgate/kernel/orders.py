"""What a processor adapter asks the vault to send, and what it may hear back: pure values, the same on both sides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ENCODINGS = ("json", "form", "ascii")
CARD_SLOTS = ("card.number", "card.cvc", "card.exp_month", "card.exp_year")
SECRET_PREFIX = "secret."  # noqa: S105 - the name of a slot, not a secret
METHODS = ("POST", "GET", "PUT", "PATCH", "DELETE")
MAX_PARTS = 256
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
class Order:
    """One message to one processor. The vault sends a ``step`` at most once in its life, whatever happens.

    ``card`` is the vault token whose card slots are meant. Nothing is sent after ``send_before_ms`` (epoch
    milliseconds); ``timeout_ms`` bounds the wait for the answer.
    """

    step: str
    processor: str
    method: str
    url: str
    headers: tuple[tuple[str, tuple[Part, ...]], ...]
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
    """``order`` as a msgpack map: a literal part is bytes, a slot is ``{"slot": name, "encoding": encoding}``."""
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
        headers.append((header[0], _parts_from_wire(header[1])))
    order = Order(
        step=message["step"],
        processor=message["processor"],
        method=message["method"],
        url=message["url"],
        headers=tuple(headers),
        body=_parts_from_wire(message["body"]),
        send_before_ms=message["send_before_ms"],
        timeout_ms=message["timeout_ms"],
        card=message["card"],
    )
    _check_size(order)
    return order


def slots_of(order: Order) -> list[Slot]:
    """Every slot of ``order``, headers first, in the order they stand."""
    slots = [part for _, parts in order.headers for part in parts if isinstance(part, Slot)]
    slots.extend(part for part in order.body if isinstance(part, Slot))
    return slots


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


def _part_to_wire(part: Part) -> bytes | dict[str, str]:
    return part if isinstance(part, bytes) else {"slot": part.name, "encoding": part.encoding}


def _parts_from_wire(parts: Any) -> tuple[Part, ...]:
    if not isinstance(parts, list):
        raise BadOrder("parts must be a list")
    return tuple(_part_from_wire(part) for part in parts)


def _part_from_wire(part: Any) -> Part:
    if isinstance(part, bytes):
        return part
    if not isinstance(part, dict) or set(part) != {"slot", "encoding"}:
        raise BadOrder("a part is bytes or a slot")
    name, encoding = part["slot"], part["encoding"]
    if not isinstance(name, str) or not (name in CARD_SLOTS or (name.startswith(SECRET_PREFIX) and len(name) > 7)):
        raise BadOrder("no such slot")
    if encoding not in ENCODINGS:
        raise BadOrder("no such encoding")
    return Slot(name, encoding)


def _check_size(order: Order) -> None:
    parts = [part for _, header in order.headers for part in header] + list(order.body)
    if len(parts) > MAX_PARTS:
        raise BadOrder("an order has too many parts")
    if sum(len(part) for part in parts if isinstance(part, bytes)) > MAX_ORDER_BYTES:
        raise BadOrder("an order is too long")
