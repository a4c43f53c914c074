"""Where rules change their mind: the values of an attribute between which no rule can tell a difference.

A payment's verdict depends on how often its card was used only through the constants that rules compare this with. A
verdict therefore still holds as long as each value stays between the same two of them, which the commit makes sure of.
"""

import bisect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from lockgate.gateway.rules.core.evaluate import constant, sides
from lockgate.gateway.rules.core.nodes import Attribute, Compare, In, Node, Rule, children


@dataclass(frozen=True, slots=True)
class Dependence:
    """What rules depend on. ``cuts``: attribute -> sorted whole numbers; values from one up to before the next are
    alike. ``opaque`` attributes matter to the very value: they are calculated with, or compared with each other.
    """

    cuts: Mapping[str, tuple[int, ...]]
    opaque: frozenset[str]

    def interval(self, name: str, value: int) -> tuple[int | None, int | None]:
        """The (low, high) around ``value``, low with it and high without, within which no verdict changes."""
        if name in self.opaque:
            return value, value + 1
        cuts = self.cuts.get(name, ())
        above = bisect.bisect_right(cuts, value)
        return cuts[above - 1] if above else None, cuts[above] if above < len(cuts) else None


def thresholds(rules: Iterable[Rule]) -> Dependence:
    """What the verdicts of ``rules`` depend on."""
    cuts: dict[str, set[int]] = {}
    opaque: set[str] = set()
    waiting: list[Node] = [rule.when for rule in rules]
    while waiting:
        node = waiting.pop()
        match node:
            case Compare(sign, left, right) if (simple := _simple(sign, left, right)) is not None:
                name, limits = simple
                cuts.setdefault(name, set()).update(limits)
                continue
            case In(Attribute(name), values):
                limits = [limit for value in values if (limit := constant(value)) is not None]
                cuts.setdefault(name, set()).update(cut for limit in limits for cut in _around("=", limit))
                continue
            case Attribute(name):
                opaque.add(name)
            case _:
                waiting.extend(children(node))
    return Dependence({name: tuple(sorted(found)) for name, found in cuts.items()}, frozenset(opaque))


def _simple(sign: str, left: Node, right: Node) -> tuple[str, Sequence[int]] | None:
    simple = sides(sign, left, right)
    if simple is None or isinstance(simple[2], bool):
        return None
    name, turned, limit = simple
    return name, _around(turned, Fraction(limit))


def _around(sign: str, limit: Fraction) -> Sequence[int]:
    """The whole numbers at which a comparison with ``limit`` changes."""
    at_least, above = math.ceil(limit), math.floor(limit) + 1
    if sign in (">=", "<"):
        return (at_least,)
    if sign in (">", "<="):
        return (above,)
    return (at_least, above) if at_least < above else ()
