"""Writes a rule's tree as text again: one way of writing for each tree, with no bracket that is not needed."""

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
    Rule,
    Text,
)
from lockgate.kernel import money

_OR, _AND, _NOT, _COMPARE, _SUM, _PRODUCT, _SIGNED, _VALUE = range(8)


def written(rule: Rule) -> str:
    """The canonical text of ``rule``: parsing it gives the same tree."""
    return f"{rule.action} if {_at(rule.when, _OR)}"


def _at(node: Node, level: int) -> str:
    """``node`` where only what binds at least as ``level`` does can stand without brackets."""
    text, own = _shown(node)
    return text if own >= level else f"({text})"


def _shown(node: Node) -> tuple[str, int]:
    match node:
        case Or(parts):
            return " or ".join(_at(part, _AND) for part in parts), _OR
        case And(parts):
            return " and ".join(_at(part, _NOT) for part in parts), _AND
        case Not(of):
            if isinstance(of, In | Listed):
                return _membership(of, "not in"), _COMPARE
            return f"not {_at(of, _NOT)}", _NOT
        case In() | Listed():
            return _membership(node, "in"), _COMPARE
        case _:
            return _value(node)


def _value(node: Node) -> tuple[str, int]:
    match node:
        case Compare(sign, left, right):
            return f"{_at(left, _SUM)} {sign} {_at(right, _SUM)}", _COMPARE
        case Arithmetic(sign, left, right):
            own = _SUM if sign in "+-" else _PRODUCT
            return f"{_at(left, own)} {sign} {_at(right, own + 1)}", own
        case Negate(of):
            return f"-{_at(of, _SIGNED)}", _SIGNED
        case _:
            return _leaf(node)


def _membership(node: In | Listed, word: str) -> str:
    if isinstance(node, Listed):
        return f":{node.name}: {word} @{node.alias}"
    return f"{_at(node.of, _SUM)} {word} ({', '.join(_leaf(value)[0] for value in node.values)})"


def _leaf(node: Node) -> tuple[str, int]:
    match node:
        case Attribute(name):
            return f":{name}:", _VALUE
        case Missing(name):
            return f"is_missing(:{name}:)", _VALUE
        case Number(micro):
            return _decimal(micro), _SIGNED if micro < 0 else _VALUE
        case Money(minor, currency, _):
            micro = minor * MICRO // 10 ** money.exponent(currency)
            return f"{_decimal(micro)} {currency.upper()}", _SIGNED if minor < 0 else _VALUE
        case Text(value):
            return "'" + value.replace("'", "''") + "'", _VALUE
        case Boolean(value):
            return "true" if value else "false", _VALUE
        case _:
            raise AssertionError("every other node was written before")


def _decimal(micro: int) -> str:
    whole, rest = divmod(abs(micro), MICRO)
    digits = f"{whole}.{rest:06}".rstrip("0").rstrip(".")
    return f"-{digits}" if micro < 0 else digits
