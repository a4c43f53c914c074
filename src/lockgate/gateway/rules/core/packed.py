"""How the attributes of a decision are stored: one JSON array, small, and quick to reach into for the back-test.

``[{"layout": 1, <attributes without a place, by name>}, <place 1>, <place 2>, ...]``. A missing attribute is null.
Numbers and money are written as text ("0", "61.5"): in a jsonb that takes a third of the room of a number, and is
quicker to read. Written as it is evaluated: ``settled`` gives the one form of a value that rules see online and in SQL.
"""

import math
from collections.abc import Collection, Mapping
from typing import Any

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES, Attributes, Value
from lockgate.gateway.rules.core.layout import LAYOUT, SLOTS

LARGEST = 10**15
"""No number is larger: beyond it, it counts as this much."""

DECIMALS = 6
LONGEST_TEXT = 200

Memberships = Mapping[str, Collection[str]]
"""Attribute -> the aliases of the value lists in which its value stands. An attribute whose value is known has an
entry, an empty one when no list holds it; one that is missing has none."""

_PLACE = {name: place for place, name in enumerate(SLOTS, start=1)}
_EMPTY = (None,) * len(SLOTS)
_NUMERIC = frozenset(name for name, attribute in ATTRIBUTES.items() if attribute.type in ("number", "money"))
_NUMBERS = {name: place for name, place in _PLACE.items() if name in _NUMERIC}
_FEW = 1_000
_SMALL = tuple(str(number) for number in range(_FEW))
_FRACTIONS_BELOW = 10**9  # beyond it a double has no six decimals left
_KINDS = {"text": (str,), "boolean": (bool,), "number": (int, float), "money": (int,)}


def settled(name: str, value: Value) -> Value | None:
    """The one form of ``value`` in which it is stored and compared; None when it is as good as missing.

    Numbers have six decimals below 10^9 and none above, no sign on zero, and are within ``LARGEST``; those that are
    not numbers are missing. Text has no NUL and nothing that UTF-8 cannot say.
    """
    kind = ATTRIBUTES[name].type
    if type(value) not in _KINDS[kind]:
        raise TypeError(f"{name} must be a {kind}")
    if isinstance(value, str):
        return value[:LONGEST_TEXT].replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, bool):
        return value
    return number(value)


def number(value: int | float) -> int | float | None:
    """``settled`` for numbers alone."""
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        rounded = round(value, DECIMALS) if abs(value) < _FRACTIONS_BELOW else round(value)
        if not isinstance(rounded, int) and not rounded.is_integer():
            return rounded
        value = int(rounded)
    return max(-LARGEST, min(LARGEST, value))


def pack(attributes: Attributes) -> list[Any]:
    """``attributes`` as what is stored, fit for ``json.dumps``."""
    loose: dict[str, Any] = {"layout": LAYOUT}
    row: list[Any] = [loose, *_EMPTY]
    for name, given in attributes.items():
        if type(given) is int and (place := _NUMBERS.get(name)) is not None and 0 <= given <= LARGEST:  # nearly all
            row[place] = _SMALL[given] if given < _FEW else str(given)
            continue
        value = settled(name, given)
        if value is None:
            continue
        if name in _NUMERIC:
            value = str(value)
        place = _PLACE.get(name)
        if place is None:
            loose[name] = value
        else:
            row[place] = value
    while row[-1] is None:
        row.pop()
    return row


def unpack(row: list[Any]) -> dict[str, Value]:
    """The attributes in a stored row; those that no catalogue knows any longer are left out."""
    loose = row[0]
    if loose["layout"] != LAYOUT:
        raise ValueError("attributes packed in a layout that is not known")
    named = [*loose.items(), *zip(SLOTS, row[1:], strict=False)]
    return {
        name: _number(value) if name in _NUMERIC else value
        for name, value in named
        if value is not None and name in ATTRIBUTES
    }


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def path(name: str) -> int | str:
    """Where ``name`` stands in a row: its place, or the key in place 0."""
    return _PLACE.get(name, name)
