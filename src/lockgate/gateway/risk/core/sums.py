"""A calculation as a sum of counts, each so many times, and a rest: how far may the counts move until two are equal?"""

import math
from collections.abc import Collection, Mapping
from fractions import Fraction
from typing import NamedTuple

from lockgate.gateway.rules.core.catalogue import Attributes
from lockgate.gateway.rules.core.evaluate import constant
from lockgate.gateway.rules.core.nodes import Arithmetic, Attribute, Node

Reach = tuple[int | None, int | None]
"""From where (included) to where (not included) a count may move; None: as far as it likes."""


class Sum(NamedTuple):
    """How often each count is in it, and what is in it besides."""

    shares: Mapping[str, Fraction]
    rest: Fraction

    def plus(self, other: "Sum") -> "Sum":
        """Both together."""
        names = {**self.shares, **other.shares}
        shares = {name: self.shares.get(name, Fraction(0)) + other.shares.get(name, Fraction(0)) for name in names}
        return Sum(shares, self.rest + other.rest)

    def times(self, factor: Fraction) -> "Sum":
        """So many times all of it."""
        return Sum({name: share * factor for name, share in self.shares.items()}, self.rest * factor)


def sum_of(node: Node, attributes: Attributes, *, counts: Collection[str]) -> Sum | None:
    """``node`` with the values of ``attributes`` in it except for ``counts``; None if it is no sum of whole numbers."""
    if isinstance(node, Attribute):
        if node.name in counts:
            return Sum({node.name: Fraction(1)}, Fraction(0))
        held = attributes.get(node.name)
        return Sum({}, Fraction(held)) if type(held) is int else None
    if isinstance(node, Arithmetic):
        left = sum_of(node.left, attributes, counts=counts)
        right = sum_of(node.right, attributes, counts=counts)
        return None if left is None or right is None else _calculated(node.operator, left, right)
    value = constant(node)
    return None if value is None else Sum({}, value)


def _calculated(operator: str, left: Sum, right: Sum) -> Sum | None:
    if operator in ("+", "-"):
        return left.plus(right if operator == "+" else right.times(Fraction(-1)))
    if operator == "*" and not left.shares:
        left, right = right, left
    if right.shares or (operator == "/" and not right.rest):
        return None
    return left.times(right.rest if operator == "*" else 1 / right.rest)


def reach(apart: Sum, held: Mapping[str, int]) -> dict[str, Reach] | None:
    """How far each count may move and ``apart``, what lies between two sides, keeps its sign, whatever the others do.

    Towards zero they share the room; away from it is free. None where nothing lies between.
    """
    moving = {name: share for name, share in apart.shares.items() if share}
    between = apart.rest + sum(share * held[name] for name, share in moving.items())
    if not between:
        return None
    found: dict[str, Reach] = {}
    for name, share in moving.items():
        room = math.ceil(abs(between / share) / len(moving)) - 1
        found[name] = (held[name] - room, None) if share * between > 0 else (None, held[name] + room + 1)
    return found
