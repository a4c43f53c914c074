"""What a rule says, as a tree: the one form that both back ends read, kept as JSON with the number of its version."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

VERSION = 1

Action = Literal["challenge", "allow", "block", "review", "flag"]
ACTIONS: tuple[Action, ...] = ("challenge", "allow", "block", "review", "flag")
"""In the order in which they are asked."""

Comparison = Literal["=", "!=", "<", "<=", ">", ">="]
COMPARISONS: tuple[Comparison, ...] = ("=", "!=", "<", "<=", ">", ">=")
Operator = Literal["+", "-", "*", "/"]
OPERATORS: tuple[Operator, ...] = ("+", "-", "*", "/")

MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Attribute:
    """The value of an attribute."""

    name: str


@dataclass(frozen=True, slots=True)
class Number:
    """A number, in millionths."""

    micro: int


@dataclass(frozen=True, slots=True)
class Money:
    """An amount as it was written, and what it was worth in US cents when the rule was saved."""

    minor: int
    currency: str
    cents: int


@dataclass(frozen=True, slots=True)
class Text:
    """A text."""

    value: str


@dataclass(frozen=True, slots=True)
class Boolean:
    """True or false."""

    value: bool


@dataclass(frozen=True, slots=True)
class Negate:
    """Minus ``of``."""

    of: "Node"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two numbers or amounts, calculated exactly; division by zero is missing."""

    operator: Operator
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values of one type, compared; unknown when either is missing."""

    comparison: Comparison
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class In:
    """Whether ``of`` is one of some literals; unknown when it is missing."""

    of: "Node"
    values: tuple["Literals", ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """Whether an attribute's value stands in a value list; unknown when the attribute is missing."""

    name: str
    alias: str


@dataclass(frozen=True, slots=True)
class Missing:
    """Whether an attribute is missing; never unknown."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of ``of``; unknown stays unknown."""

    of: "Node"


@dataclass(frozen=True, slots=True)
class And:
    """False when one part is false, else unknown when one is unknown."""

    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True when one part is true, else unknown when one is unknown."""

    parts: tuple["Node", ...]


Literals = Number | Money | Text
Node = (
    Attribute | Number | Money | Text | Boolean | Negate | Arithmetic | Compare | In | Listed | Missing | Not | And | Or
)


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do, and when."""

    action: Action
    when: Node


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right under ``node``."""
    match node:
        case Negate(of) | Not(of):
            return (of,)
        case Arithmetic(_, left, right) | Compare(_, left, right):
            return (left, right)
        case In(of, values):
            return (of, *values)
        case And(parts) | Or(parts):
            return parts
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """``node`` and all that is under it."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(children(one))


def to_json(rule: Rule) -> dict[str, Any]:
    """``rule`` as it is stored."""
    return {"version": VERSION, "action": rule.action, "if": _out(rule.when)}


def from_json(kept: Any) -> Rule:
    """The rule that ``to_json`` made ``kept`` of; anything else is a ValueError."""
    try:
        if kept["version"] != VERSION or kept["action"] not in ACTIONS:
            raise ValueError("a rule of a version that is not known")
        return Rule(kept["action"], _in(kept["if"]))
    except (KeyError, TypeError, IndexError) as error:
        raise ValueError("a stored rule that nobody can read") from error


_LEAVES: Mapping[str, type[Any]] = {
    "attribute": Attribute, "number": Number, "money": Money, "text": Text, "boolean": Boolean, "listed": Listed,
    "missing": Missing,
}  # fmt: skip
_LEAF_WORDS: Mapping[type[Any], str] = {kind: word for word, kind in _LEAVES.items()}
_INNER: Mapping[type[Any], str] = {Negate: "negate", Not: "not", In: "in", And: "and", Or: "or"}


def _out(node: Node) -> list[Any]:
    word = _LEAF_WORDS.get(type(node))
    if word is not None:
        return [word, *(getattr(node, name) for name in node.__slots__)]
    match node:
        case Arithmetic(sign, _, _) | Compare(sign, _, _):
            word = sign
        case _:
            word = _INNER[type(node)]
    return [word, *map(_out, children(node))]


def _in(kept: Any) -> Node:
    word, *rest = kept
    if word in OPERATORS:
        return Arithmetic(word, *map(_in, rest))
    if word in COMPARISONS:
        return Compare(word, *map(_in, rest))
    if word in ("and", "or"):
        return (And if word == "and" else Or)(tuple(map(_in, rest)))
    if word == "in":
        of, *values = map(_in, rest)
        return In(of, tuple(values))  # type: ignore[arg-type] - only literals were written there
    if word in ("negate", "not"):
        return (Negate if word == "negate" else Not)(*map(_in, rest))
    return _LEAVES[word](*rest)
