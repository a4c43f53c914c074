"""What must still hold when a verdict is committed: between which bounds each exact count may move and change nothing.

A rule's result rests on few of the values it names: of a conjunction that is false, one false part is enough. So each
rule is compiled once into a function that gives its result together with the bounds it rests on, and of several ways to
rest on something the one with the fewest bounds is taken.
"""

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from lockgate.gateway.risk.core.sums import reach, sum_of
from lockgate.gateway.rules.core.catalogue import ATTRIBUTES, DISTINCT, WINDOWS, Attributes
from lockgate.gateway.rules.core.evaluate import compiled, sides
from lockgate.gateway.rules.core.nodes import And, Arithmetic, Attribute, Compare, Node, Not, Or, walk
from lockgate.gateway.rules.core.packed import LARGEST, Memberships
from lockgate.gateway.storage.records import RiskGuardRow

Bounds = tuple[int | None, int | None]
Needs = Mapping[str, Bounds]
Resting = tuple[bool | None, Needs]
Rests = Callable[[Attributes, Memberships], Resting]

_NONE: Needs = {}
_COUNTED = re.compile(r"(card|customer|ip|device|email)_(attempts|declines|blocks|amount)_(1m|1h)")


@dataclass(frozen=True, slots=True)
class Guarded:
    """What an attribute counts: ``measure`` of the key ``kind`` in ``window_s`` seconds."""

    kind: str
    measure: str
    window_s: int


def _guarded() -> dict[str, Guarded]:
    found: dict[str, Guarded] = {}
    for name in ATTRIBUTES:
        match = _COUNTED.fullmatch(name)
        if match:
            found[name] = Guarded(match[1], match[2], WINDOWS[match[3]])
    for kind, others in DISTINCT:
        if kind != "bin":
            found[f"{kind}_{others}_1h"] = Guarded(kind, others, WINDOWS["1h"])
    return found


GUARDED: Mapping[str, Guarded] = _guarded()
"""The attributes that are exact to the millisecond, by name.

Those of a card's first six digits are not among them: a bank's cards are in the hands of thousands of strangers, who
would wait for each other, and what is asked of them is a share of many.
"""


def resting(node: Node) -> Rests | None:
    """``node`` as a function that gives its result and what it rests on; None when it names nothing that is guarded."""
    if not any(isinstance(one, Attribute) and one.name in GUARDED for one in walk(node)):
        return None
    return _rests(node)


def _rests(node: Node) -> Rests:
    match node:
        case And(parts):
            return _joined([_rests(part) for part in sorted(parts, key=_effort)], stops=False)
        case Or(parts):
            return _joined([_rests(part) for part in sorted(parts, key=_effort)], stops=True)
        case Not(of):
            inner = _rests(of)

            def opposite(attributes: Attributes, lists: Memberships) -> Resting:
                value, needs = inner(attributes, lists)
                return (None if value is None else not value), needs

            return opposite
        case _:
            return _leaf(node)


def _effort(node: Node) -> int:
    """What is asked first: what rests on nothing, then what rests on one value."""
    return len({one.name for one in walk(node) if isinstance(one, Attribute) and one.name in GUARDED})


def _joined(parts: Sequence[Rests], *, stops: bool) -> Rests:
    def rests(attributes: Attributes, lists: Memberships) -> Resting:
        unknown = False
        all_needs: list[Needs] = []
        best: Needs | None = None
        for part in parts:
            value, needs = part(attributes, lists)
            if value is stops:
                if len(needs) <= 1:  # those behind it rest on as much
                    return stops, needs
                if best is None or len(needs) < len(best):
                    best = needs
            elif best is None:
                unknown = unknown or value is None
                all_needs.append(needs)
        if best is not None:
            return stops, best
        return (None if unknown else not stops), tighter(all_needs)

    return rests


def _leaf(node: Node) -> Rests:
    """A comparison: with a constant it rests on the side that the value is on, of sums on what lies between them; all
    else on the very values."""
    value_of = compiled(node)
    names = sorted({one.name for one in walk(node) if isinstance(one, Attribute) and one.name in GUARDED})
    if not names:
        return lambda attributes, lists: (value_of(attributes, lists), _NONE)
    simple = sides(node.comparison, node.left, node.right) if isinstance(node, Compare) else None
    difference = Arithmetic("-", node.left, node.right) if isinstance(node, Compare) else None
    always = sum_of(difference, {}, counts=GUARDED) if difference is not None else None  # of counts and constants alone
    if simple is not None:
        name, sign, limit = simple
        at_least, above = math.ceil(limit), math.floor(limit) + 1
        edges = {">=": [at_least], "<": [at_least], ">": [above], "<=": [above]}.get(sign, [at_least, above])

        def beside(attributes: Attributes, lists: Memberships) -> Resting:
            held = attributes.get(name)
            if held is None:
                return None, _NONE
            return value_of(attributes, lists), {name: _between(edges, int(held))}

        return beside

    def apart(attributes: Attributes, lists: Memberships) -> Resting:
        held = {name: int(attributes[name]) for name in names if name in attributes}
        between = always or (sum_of(difference, attributes, counts=GUARDED) if difference is not None else None)
        needs = reach(between, held) if between is not None and len(held) == len(names) else None
        if needs is None:
            needs = {name: (value, value + 1) for name, value in held.items()}
        return value_of(attributes, lists), needs

    return apart


def _between(edges: Sequence[int], value: int) -> Bounds:
    low = high = None
    for edge in edges:
        if edge <= value:
            low = edge
        elif high is None:
            high = edge
    return low, high


def tighter(needs: Iterable[Needs]) -> Needs:
    """All of ``needs`` at once."""
    found: dict[str, Bounds] = {}
    for one in needs:
        for name, (low, high) in one.items():
            found[name] = _meet(found[name], (low, high)) if name in found else (low, high)
    return found


def _meet(one: Bounds, other: Bounds) -> Bounds:
    (low, high), (other_low, other_high) = one, other
    if low is None or (other_low is not None and other_low > low):
        low = other_low
    if high is None or (other_high is not None and other_high < high):
        high = other_high
    return low, high


@dataclass(frozen=True, slots=True)
class Place:
    """Whose counts are guarded, at which time; ``keys`` are the keyed hashes by their kind."""

    account: str
    livemode: bool
    now_ms: int
    keys: Mapping[str, bytes | None] = field(repr=False)


def rows(needs: Needs, place: Place) -> list[RiskGuardRow]:
    """``needs`` as what commit 1 checks; ends that no count can pass are left open, and what has no end is left out."""
    found = []
    for name, (lowest, highest) in sorted(needs.items()):
        guarded = GUARDED[name]
        key = place.keys.get(guarded.kind)
        low = lowest if lowest is not None and lowest > 0 else None
        high = highest if highest is not None and highest <= LARGEST else None
        if key is None or (low is None and high is None):
            continue
        found.append(
            RiskGuardRow(
                account=place.account,
                livemode=place.livemode,
                kind=guarded.kind,
                key=key,
                measure=guarded.measure,
                since_ms=place.now_ms - guarded.window_s * 1000,
                low=low,
                high=high,
            )
        )
    return found
