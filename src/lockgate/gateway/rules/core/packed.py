"""How the attributes of a decision are stored: a byte for each, small, and quick to reach into for the back-test.

A byte says that the attribute is missing (0), which small number it is (from ``SMALL`` on; false and true are 0 and 1),
or where in a list of texts its value stands, each of which is there once. Numbers and money stand in it as text, which
a jsonb holds in less room than a number. What has no place, or finds none in the list, is kept by name. Behind them a
byte for each attribute that value lists can hold says whether its value was known, and whether it stood in any.

Written as it is evaluated: ``settled`` gives the one form of a value that rules see online and in SQL.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES, Attributes, Value
from lockgate.gateway.rules.core.layout import LAYOUT, LISTED, LISTED_FROM, SLOTS, WIDTH

LARGEST = 10**15
"""No number is larger: beyond it, it counts as this much."""

DECIMALS = 6
LONGEST_TEXT = 200

Memberships = Mapping[str, Collection[str]]
"""Attribute -> the aliases of the value lists in which its value stands. An attribute whose value is known has an
entry, an empty one when no list holds it; one that is missing has none."""

SMALL = 106
"""From this byte on it is a number itself: 0, 1, 2 and so on."""

IN_NO_LIST, IN_SOME_LIST = 1, 2
_BY_NAME = SMALL - 1
_ELSEWHERE = 0xFF
_NOTHING: Mapping[str, Any] = {}
_NUMBERS = range(_ELSEWHERE - SMALL)

_PLACE = {name: place for place, name in enumerate(SLOTS, start=1)}
_LISTED_PLACE = {name: place for place, name in enumerate(LISTED, start=LISTED_FROM)}
_NUMERIC = frozenset(name for name, attribute in ATTRIBUTES.items() if attribute.type in ("number", "money"))
_BYTES: dict[Any, int] = {None: 0, **{number: SMALL + number for number in _NUMBERS}}
_ANY_OTHER = (_ELSEWHERE,) * len(SLOTS)
_ROOM = bytes(LISTED_FROM - 1 - len(SLOTS))
_END = bytes(WIDTH - LISTED_FROM - len(LISTED))
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


def settle(attributes: Attributes) -> dict[str, Value]:
    """Each of ``attributes`` in the one form in which it is stored and compared, without those that are as good as
    missing."""
    found = dict(attributes)
    for name, given in attributes.items():
        kind = type(given)
        if kind is bool or (kind is int and -LARGEST <= given <= LARGEST):  # type: ignore[operator] - nearly all
            continue
        value = settled(name, given)
        if value is None:
            del found[name]
        else:
            found[name] = value
    return found


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


class Packed(NamedTuple):
    """``row`` has a byte for each attribute, ``others`` the texts that those bytes name (from 1 on), ``named`` the
    attributes that had to be kept by name; ``lists`` are the memberships that ``row`` does not say."""

    row: bytes
    others: list[str | None]
    named: dict[str, Value]
    lists: dict[str, list[str]]


def pack(attributes: Attributes, lists: Memberships | None = None) -> Packed:
    """``attributes``, which are settled, and ``lists`` as what is stored; all but ``row`` is fit for ``json.dumps``."""
    values: list[Any] = [*map(attributes.get, SLOTS)]
    row = bytearray((LAYOUT, *map(_BYTES.get, values, _ANY_OTHER)))
    others: list[str | None] = [None]
    named: dict[str, Value] = {}
    known: dict[str, int] = {}
    place = row.find(_ELSEWHERE)
    while place >= 0:
        text = str(values[place - 1])
        number = known.get(text)
        if number is None:
            number = len(others)
            if number < _BY_NAME:
                known[text] = number
                others.append(text)
            else:
                named[SLOTS[place - 1]] = text
        row[place] = number
        place = row.find(_ELSEWHERE, place + 1)
    if len(values) - values.count(None) != len(attributes):
        for name, value in attributes.items():
            if name not in _PLACE:
                named[name] = str(value) if name in _NUMERIC else value
    held = {} if lists is None else lists
    listed = bytes([(IN_SOME_LIST if held[name] else IN_NO_LIST) if name in held else 0 for name in LISTED])
    said = {name: list(aliases) for name, aliases in held.items() if aliases or name not in _LISTED_PLACE}
    return Packed(b"".join((row, _ROOM, listed, _END)), others, named, said)


def unpack(row: bytes, others: Sequence[str | None], named: Mapping[str, Any] = _NOTHING) -> dict[str, Value]:
    """The attributes in a stored row; those that no catalogue knows any longer are left out."""
    if row[0] != LAYOUT or len(row) != WIDTH:
        raise ValueError("attributes packed in a layout that is not known")
    found: dict[str, Value] = {}
    for name, byte in zip(SLOTS, row[1:], strict=False):
        if byte and byte != _BY_NAME and name in ATTRIBUTES:
            found[name] = _read(name, byte - SMALL if byte >= SMALL else others[byte])
    for name, value in named.items():
        if name in ATTRIBUTES:
            found[name] = _number(value) if name in _NUMERIC else value
    return found


def _read(name: str, held: int | str | None) -> Value:
    kind = ATTRIBUTES[name].type
    if isinstance(held, int):
        return bool(held) if kind == "boolean" else held
    assert held is not None, "the first of the others is nobody's"
    return held if kind == "text" else _number(held)


def memberships(row: bytes, lists: Mapping[str, Collection[str]]) -> dict[str, Collection[str]]:
    """In which value lists the payment stood when it was judged."""
    return {name: () for name, place in _LISTED_PLACE.items() if row[place]} | dict(lists)


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("-").isdigit() else float(text)


def path(name: str) -> int | None:
    """At which byte of a row ``name`` stands; None: by name alone."""
    return _PLACE.get(name)


def listed_path(name: str) -> int | None:
    """At which byte of a row it stands whether the value of ``name`` was looked for in lists; None: by name alone."""
    return _LISTED_PLACE.get(name)
