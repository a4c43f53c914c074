"""How the attributes of a decision are stored: a byte for each, small, and quick to reach into for the back-test.

A byte says that the attribute is missing (0), which small number it is (from ``SMALL`` on; false and true are 0 and 1),
or where in a list of texts its value stands, each of which is there once. Numbers and money stand in it as text, which
a jsonb holds in less room than a number. What has no place, or finds none in the list, is kept by name. Behind them a
byte for each attribute that value lists can hold says whether its value was known, and whether it stood in any.

Written as it is evaluated: ``settled`` gives the one form of a value that rules see online and in SQL.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
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
_HEAD = bytes([LAYOUT])
_NOTHING: Mapping[str, Any] = {}
_NUMBERS = range(_ELSEWHERE - SMALL)

_PLACE = {name: place for place, name in enumerate(SLOTS, start=1)}
_LISTED_PLACE = {name: place for place, name in enumerate(LISTED, start=LISTED_FROM)}
_NUMERIC = frozenset(name for name, attribute in ATTRIBUTES.items() if attribute.type in ("number", "money"))
_BYTES: dict[Any, int] = {None: 0, **{number: SMALL + number for number in _NUMBERS}}
_NO_NUMBERS = tuple(
    (itemgetter(*(place - 1 for name, place in _PLACE.items() if ATTRIBUTES[name].type == kind)), {type_, type(None)})
    for kind, type_ in (("text", str), ("boolean", bool))
)
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
    """``attributes`` and ``lists`` as what is stored; all but ``row`` is fit for ``json.dumps``."""
    values = [*map(attributes.get, SLOTS)]
    for of_a_kind, types in _NO_NUMBERS:
        if not types.issuperset(map(type, of_a_kind(values))):
            for name, given in attributes.items():
                settled(name, given)  # says which
    row = bytearray(map(_BYTES.get, values, _ANY_OTHER))
    others: list[str | None] = [None]
    named: dict[str, Value] = {}
    known: dict[str, int] = {}
    place = row.find(_ELSEWHERE)
    while place >= 0:
        value = settled(SLOTS[place], values[place])
        byte = _BYTES.get(value)
        if byte is not None:
            row[place] = byte
        else:
            text = str(value)
            number = known.setdefault(text, len(others))
            if number == len(others) and number < _BY_NAME:
                others.append(text)
            if number >= _BY_NAME:
                del known[text]
                number, named[SLOTS[place]] = _BY_NAME, text
            row[place] = number
        place = row.find(_ELSEWHERE, place + 1)
    if len(values) - values.count(None) != len(attributes):
        loose = ((name, _loose(name, attributes[name])) for name in attributes if name not in _PLACE)
        named.update((name, value) for name, value in loose if value is not None)
    held = {} if lists is None else lists
    listed = bytes([(IN_SOME_LIST if held[name] else IN_NO_LIST) if name in held else 0 for name in LISTED])
    said = {name: list(aliases) for name, aliases in held.items() if aliases or name not in _LISTED_PLACE}
    return Packed(b"".join((_HEAD, row, _ROOM, listed, _END)), others, named, said)


def _loose(name: str, given: Value) -> Value | None:
    value = settled(name, given)
    return str(value) if value is not None and name in _NUMERIC else value


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
