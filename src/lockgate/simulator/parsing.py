"""How a message is read: closed objects of checked values, or a refusal that names the field and never the value."""

import hashlib
import json
import re
from typing import Any

MAX_AMOUNT = 10**12
MAX_TIME = 10**11
REFERENCE = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
CURRENCY = re.compile(r"[a-z]{3}")


class BadMessage(ValueError):
    """A message that can have no effect; ``field`` names the fault's place. Never carries a value."""

    def __init__(self, field_: str, fault: str) -> None:
        super().__init__(f"{field_}: {fault}")
        self.field = field_


def parse_json(raw: bytes) -> dict[str, Any]:
    """One JSON object without duplicate keys, NaN or bad UTF-8."""
    try:
        loaded = json.loads(raw.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except BadMessage:
        raise
    except (ValueError, RecursionError) as error:
        raise BadMessage("body", "is not JSON") from error
    if not isinstance(loaded, dict):
        raise BadMessage("body", "must be an object")
    return loaded


def closed(
    body: dict[str, Any], *, required: tuple[str, ...], optional: tuple[str, ...] = (), at: str = ""
) -> None:
    """All that is required, and nothing unknown. ``at`` is where the object stands, such as ``card.``."""
    for name in required:
        if name not in body:
            raise BadMessage(at + name, "is missing")
    for name in body:
        if name not in required and name not in optional:
            raise BadMessage("body", "has a field that is not known here")


def inner(body: dict[str, Any], name: str) -> dict[str, Any]:
    """An object inside the message."""
    if not isinstance(body[name], dict):
        raise BadMessage(name, "must be an object")
    return body[name]


def matching(body: dict[str, Any], name: str, pattern: re.Pattern[str], *, at: str = "") -> str:
    """A string of one form."""
    if not isinstance(body[name], str) or not pattern.fullmatch(body[name]):
        raise BadMessage(at + name, "does not have the right form")
    return body[name]


def integer(body: dict[str, Any], name: str, *, low: int, high: int = MAX_AMOUNT) -> int:
    """A whole number from ``low`` to ``high``."""
    value = body[name]
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadMessage(name, "must be a whole number in range")
    return value


def flag(body: dict[str, Any], name: str, *, default: bool = False, at: str = "") -> bool:
    """True or false."""
    value = body.get(name, default)
    if not isinstance(value, bool):
        raise BadMessage(at + name, "must be true or false")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadMessage("body", "has a duplicate key")
    return found


def _no_constant(_name: str) -> Any:
    raise BadMessage("body", "is not JSON")


def digest(kind: str, body: dict[str, Any]) -> str:
    """What tells one message from another under the same reference."""
    canonical = json.dumps([kind, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
