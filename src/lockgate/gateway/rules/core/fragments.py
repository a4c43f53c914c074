"""The back-test's back end: a rule as a condition in SQL over stored decisions (``d``), of fixed fragments.

Nothing of a rule's text becomes SQL: names, places, aliases and values are its parameters. SQL's three values are
the language's own. Calculation is in numeric, which adds, subtracts and multiplies exactly; quotients stay fractions
to the end, as they do online.
"""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES
from lockgate.gateway.rules.core.evaluate import constant, sides
from lockgate.gateway.rules.core.nodes import (
    MICRO,
    And,
    Arithmetic,
    Attribute,
    Boolean,
    Compare,
    In,
    Listed,
    Missing,
    Money,
    Negate,
    Node,
    Not,
    Number,
    Or,
    Text,
)
from lockgate.gateway.rules.core.packed import LARGEST, SMALL, listed_path, path

Quotient = tuple[str, str | None]


class Condition:
    """An SQL condition in the making, and its parameters from ``$first`` on. ``listed`` makes the fragment that tells
    whether the value of an attribute stands in a list, of three: whether that value was known, the name, the alias.

    What has a place by now is looked for by name as well: in rows that are older than its place it has none.
    """

    def __init__(self, node: Node, *, first: int, listed: Callable[[str, str, str], str] | None = None) -> None:
        self._first = first
        self._in_list = listed or _listed_then
        self._given: dict[tuple[Any, str], str] = {}
        self.parameters: list[Any] = []
        self.text = self._condition(node)

    def _parameter(self, value: Any, kind: str) -> str:
        self.parameters.append(value)
        return f"${self._first + len(self.parameters) - 1}::{kind}"

    def _same(self, value: Any, kind: str) -> str:
        """A parameter that is given once, however often it is asked for."""
        if (value, kind) not in self._given:
            self._given[value, kind] = self._parameter(value, kind)
        return self._given[value, kind]

    def _byte(self, place: int) -> str:
        return f"get_byte(d.attributes, {self._same(place, 'int')})"

    def _by_name(self, name: str) -> str:
        return f"(d.data -> 'attributes' ->> {self._same(name, 'text')})"

    def _text(self, name: str) -> str:
        """The value of an attribute as text where it is no small number; null when it is missing."""
        place = path(name)
        if place is None:
            return self._by_name(name)
        return f"coalesce(d.others ->> {self._byte(place)}, {self._by_name(name)})"

    def _number(self, name: str, kind: str) -> str:
        """A number or an amount as ``kind``."""
        place = path(name)
        if place is None:
            return f"{self._by_name(name)}::{kind}"
        byte = self._byte(place)
        return f"(case when {byte} >= {SMALL} then ({byte} - {SMALL})::{kind} else {self._text(name)}::{kind} end)"

    def amount(self) -> str:
        """What was to be paid, for who adds it up: its parameters come after those of the condition."""
        return self._number("amount", "bigint")

    def _truth(self, name: str) -> str:
        place = path(name)
        named = f"{self._by_name(name)}::boolean"
        if place is None:
            return named
        return f"(case {self._byte(place)} when {SMALL} then false when {SMALL + 1} then true else {named} end)"

    def _missing(self, name: str) -> str:
        place = path(name)
        if place is None:
            return f"({self._by_name(name)} is null)"
        return f"({self._byte(place)} = 0 and {self._by_name(name)} is null)"

    def _known(self, name: str) -> str:
        """Whether there was a value to look for in lists."""
        place = listed_path(name)
        named = f"coalesce(d.data -> 'lists' ? {self._same(name, 'text')}, false)"
        return named if place is None else f"({self._byte(place)} > 0 or {named})"

    def _listed(self, name: str, alias: str) -> str:
        return self._in_list(self._known(name), self._same(name, "text"), self._same(alias, "text"))

    def _condition(self, node: Node) -> str:
        match node:
            case And(parts):
                return "(" + " and ".join(map(self._condition, parts)) + ")"
            case Or(parts):
                return "(" + " or ".join(map(self._condition, parts)) + ")"
            case Not(of):
                return f"(not {self._condition(of)})"
            case Compare(sign, left, right):
                return self._compared(sign, left, right)
            case _:
                return self._simple(node)

    def _simple(self, node: Node) -> str:
        match node:
            case In(of, values):
                return self._among(of, values)
            case Listed(name, alias):
                return self._listed(name, alias)
            case Missing(name):
                return f"(not {self._known(name)})" if ATTRIBUTES[name].listed_only else self._missing(name)
            case Boolean(value):
                return "true" if value else "false"
            case Attribute(name):
                return self._truth(name)
            case _:
                raise AssertionError("the types allow no other condition")

    def _compared(self, sign: str, left: Node, right: Node) -> str:
        simple = sides(sign, left, right)
        if simple is not None and ATTRIBUTES[simple[0]].type == "money" and abs(simple[2]) <= 100 * LARGEST:
            name, turned, limit = simple
            if isinstance(limit, int):  # amounts are whole cents, and whole numbers are read faster
                return f"({self._number(name, 'bigint')} {turned} {self._parameter(limit, 'bigint')})"
        if _is_number(left):
            return _related(sign, self._quotient(left), self._quotient(right))
        return f"({self._plain(left)} {sign} {self._plain(right)})"

    def _plain(self, node: Node) -> str:
        match node:
            case Text(value):
                return self._parameter(value, "text")
            case Attribute(name) if ATTRIBUTES[name].type == "text":
                return self._text(name)
            case _:
                return self._condition(node)

    def _among(self, of: Node, values: tuple[Node, ...]) -> str:
        if not _is_number(of):
            wanted = [value.value for value in values if isinstance(value, Text)]
            return f"({self._plain(of)} = any({self._parameter(wanted, 'text[]')}))"
        limits = [_decimal(limit) for value in values if (limit := constant(value)) is not None]
        above, below = self._quotient(of)
        if below is None:
            return f"({above} = any({self._parameter(limits, 'numeric[]')}))"
        each = [_related("=", (above, below), (self._parameter(limit, "numeric"), None)) for limit in limits]
        return "(" + " or ".join(each) + ")"

    def _quotient(self, node: Node) -> Quotient:
        """A number or an amount as a fraction of two expressions; no second one when it is a whole."""
        match node:
            case Attribute(name):
                return self._number(name, "numeric"), None
            case Negate(of):
                above, below = self._quotient(of)
                return f"(- {above})", below
            case Arithmetic(sign, left, right):
                return _calculated(sign, self._quotient(left), self._quotient(right))
            case _:
                value = constant(node)
                assert value is not None, "only literals are left"
                return self._parameter(_decimal(value), "numeric"), None


def _listed_then(known: str, name: str, alias: str) -> str:
    """By the memberships that were stored."""
    return f"(case when {known} then coalesce((d.data -> 'lists' -> {name}) ? {alias}, false) end)"


def _is_number(node: Node) -> bool:
    match node:
        case Number() | Money() | Negate() | Arithmetic():
            return True
        case Attribute(name):
            return ATTRIBUTES[name].type in ("number", "money")
        case _:
            return False


def _decimal(value: Fraction) -> Decimal:
    return Decimal(int(value * MICRO)).scaleb(-6)


def _times(*factors: str | None) -> str:
    return " * ".join(factor for factor in factors if factor is not None)


def _related(sign: str, one: Quotient, other: Quotient) -> str:
    """Both sides times the square of both divisors, which is positive: then they compare as the fractions do."""
    (a, b), (c, d) = one, other
    return f"(({_times(a, b, d, d)}) {sign} ({_times(c, d, b, b)}))"


def _calculated(sign: str, one: Quotient, other: Quotient) -> Quotient:
    (a, b), (c, d) = one, other
    below = _times(b, d) or None
    below = below and f"({below})"
    if sign == "*":
        return f"({_times(a, c)})", below
    if sign == "/":
        return f"({_times(a, d)})", f"({_times(b, f'nullif({c}, 0)')})"
    return f"({_times(a, d)} {sign} {_times(c, b)})", below
