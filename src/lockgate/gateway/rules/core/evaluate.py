"""The online back end: a rule as nested closures that say true, false, or None for unknown.

Calculation is exact: numbers are pairs of integers (a fraction with a positive denominator), so that the back-test,
which calculates in PostgreSQL's numeric, cannot disagree. A comparison of an attribute with a constant, which most are,
is one look-up and one comparison.
"""

import operator
from collections.abc import Callable, Collection, Mapping
from fractions import Fraction
from typing import Any

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES, Attributes
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
from lockgate.gateway.rules.core.packed import Memberships

Predicate = Callable[[Attributes, Memberships], bool | None]
Pair = tuple[int, int]
Quantity = Callable[[Attributes], Pair | None]

_COMPARES: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_TURNED = {"=": "=", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
_EXACT_BELOW = 10**9  # a double says every number of six decimals below it


def compiled(node: Node) -> Predicate:  # noqa: PLR0911 - one case for each kind of node
    """The condition ``node`` as a function of settled attributes and memberships."""
    match node:
        case And(parts):
            return _every([compiled(part) for part in parts], stops=False)
        case Or(parts):
            return _every([compiled(part) for part in parts], stops=True)
        case Not(of):
            return _opposite(compiled(of))
        case Compare(sign, left, right):
            return _compared(sign, left, right)
        case In(of, values):
            return _among(of, values)
        case Listed(name, alias):
            return _listed(name, alias)
        case Missing(name):
            return _missing(name)
        case Boolean(value):
            return lambda attributes, lists: value
        case Attribute(name):
            return lambda attributes, lists: attributes.get(name)  # type: ignore[return-value] - typed as boolean
        case _:
            raise AssertionError("the types allow no other condition")


def constant(node: Node) -> Fraction | None:
    """What ``node`` is worth when it names no attribute (and does not divide by zero); money in cents."""
    match node:
        case Number(micro):
            return Fraction(micro, MICRO)
        case Money(_, _, cents):
            return Fraction(cents)
        case Negate(of):
            value = constant(of)
            return None if value is None else -value
        case Arithmetic(sign, left, right):
            one, other = constant(left), constant(right)
            if one is None or other is None or (sign == "/" and not other):
                return None
            return {"+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv}[sign](one, other)
        case _:
            return None


def sides(sign: str, left: Node, right: Node) -> tuple[str, str, int | float] | None:
    """(attribute, comparison, constant) when that is all there is to compare, the attribute on whichever side."""
    if isinstance(right, Attribute) and not isinstance(left, Attribute):
        sign, left, right = _TURNED[sign], right, left
    value = constant(right)
    if not isinstance(left, Attribute) or value is None:
        return None
    if value.denominator == 1:
        return left.name, sign, value.numerator
    if MICRO % value.denominator or abs(value) >= _EXACT_BELOW:
        return None
    return left.name, sign, float(value)


def _every(parts: Collection[Predicate], *, stops: bool) -> Predicate:
    """Or (``stops`` at true) and and (at false), in three values."""
    asked = tuple(parts)

    def predicate(attributes: Attributes, lists: Memberships) -> bool | None:
        result: bool | None = not stops
        for part in asked:
            value = part(attributes, lists)
            if value is stops:
                return stops
            if value is None:
                result = None
        return result

    return predicate


def _opposite(of: Predicate) -> Predicate:
    def predicate(attributes: Attributes, lists: Memberships) -> bool | None:
        value = of(attributes, lists)
        return None if value is None else not value

    return predicate


def _missing(name: str) -> Predicate:
    if ATTRIBUTES[name].listed_only:
        return lambda attributes, lists: name not in lists
    return lambda attributes, lists: name not in attributes


def _listed(name: str, alias: str) -> Predicate:
    def predicate(attributes: Attributes, lists: Memberships) -> bool | None:
        aliases = lists.get(name)
        return None if aliases is None else alias in aliases

    return predicate


def _compared(sign: str, left: Node, right: Node) -> Predicate:
    simple = sides(sign, left, right)
    if simple is not None:
        name, turned, limit = simple
        return _with_constant(name, _COMPARES[turned], limit)
    compares = _COMPARES[sign]
    if _is_plain(left) and _is_plain(right):
        return _plain(left, right, compares)
    one, other = _quantity(left), _quantity(right)

    def predicate(attributes: Attributes, lists: Memberships) -> bool | None:
        a, b = one(attributes), other(attributes)
        return None if a is None or b is None else compares(a[0] * b[1], b[0] * a[1])

    return predicate


def _with_constant(name: str, compares: Callable[[Any, Any], bool], limit: Any) -> Predicate:
    def predicate(attributes: Attributes, lists: Memberships) -> bool | None:
        value = attributes.get(name)
        return None if value is None else compares(value, limit)

    return predicate


def _is_plain(node: Node) -> bool:
    return isinstance(node, Attribute | Text | Boolean | And | Or | Not | Compare | In | Listed | Missing)


def _plain(left: Node, right: Node, compares: Callable[[Any, Any], bool]) -> Predicate:
    """Two values compared as they are: texts, conditions, or two attributes."""
    if isinstance(left, Attribute) and isinstance(right, Text):
        return _with_constant(left.name, compares, right.value)
    one, other = _value(left), _value(right)

    def predicate(attributes: Attributes, lists: Memberships) -> bool | None:
        a, b = one(attributes, lists), other(attributes, lists)
        return None if a is None or b is None else compares(a, b)

    return predicate


def _value(node: Node) -> Callable[[Attributes, Memberships], Any]:
    match node:
        case Attribute(name):
            return lambda attributes, lists: attributes.get(name)
        case Text(value):
            return lambda attributes, lists: value
        case _:
            return compiled(node)


def _among(of: Node, values: Collection[Node]) -> Predicate:
    if isinstance(of, Attribute | Text):
        read = _value(of)
        wanted = frozenset(value.value if isinstance(value, Text) else _plain_number(value) for value in values)
        if None not in wanted:

            def predicate(attributes: Attributes, lists: Memberships) -> bool | None:
                value = read(attributes, lists)
                return None if value is None else value in wanted

            return predicate
    found = _quantity(of)
    limits = frozenset(limit for value in values if (limit := constant(value)) is not None)

    def exact(attributes: Attributes, lists: Memberships) -> bool | None:
        pair = found(attributes)
        return None if pair is None else Fraction(*pair) in limits

    return exact


def _plain_number(value: Node) -> int | float | None:
    exact = constant(value)
    if exact is None or exact.denominator == 1:
        return None if exact is None else exact.numerator
    return float(exact) if abs(exact) < _EXACT_BELOW else None


def _quantity(node: Node) -> Quantity:
    """What a number or an amount is worth, as a fraction."""
    match node:
        case Attribute(name):
            return lambda attributes: _pair(attributes.get(name))
        case Negate(of):
            found = _quantity(of)
            return lambda attributes: None if (pair := found(attributes)) is None else (-pair[0], pair[1])
        case Arithmetic(sign, left, right):
            return _calculated(sign, _quantity(left), _quantity(right))
        case _:
            value = constant(node)
            assert value is not None, "only literals are left"
            pair = (value.numerator, value.denominator)
            return lambda attributes: pair


def _pair(value: Any) -> Pair | None:
    if value is None:
        return None
    return (value, 1) if isinstance(value, int) else (round(value * MICRO), MICRO)


def _calculated(sign: str, one: Quantity, other: Quantity) -> Quantity:
    combine = {"+": _added, "-": _subtracted, "*": _multiplied, "/": _divided}[sign]

    def quantity(attributes: Attributes) -> Pair | None:
        a, b = one(attributes), other(attributes)
        return None if a is None or b is None else combine(a, b)

    return quantity


def _added(a: Pair, b: Pair) -> Pair | None:
    return a[0] * b[1] + b[0] * a[1], a[1] * b[1]


def _subtracted(a: Pair, b: Pair) -> Pair | None:
    return a[0] * b[1] - b[0] * a[1], a[1] * b[1]


def _multiplied(a: Pair, b: Pair) -> Pair | None:
    return a[0] * b[0], a[1] * b[1]


def _divided(a: Pair, b: Pair) -> Pair | None:
    if b[0] == 0:
        return None
    return (a[0] * b[1], a[1] * b[0]) if b[0] > 0 else (-a[0] * b[1], -a[1] * b[0])
