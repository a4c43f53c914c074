"""Which values may meet in a rule: every tree that comes out of here is typed, and cannot go wrong later."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from lockgate.gateway.rules.core import words
from lockgate.gateway.rules.core.catalogue import ATTRIBUTES
from lockgate.gateway.rules.core.faults import RuleFault, fault, nearest
from lockgate.gateway.rules.core.lexer import Token
from lockgate.gateway.rules.core.nodes import (
    And,
    Arithmetic,
    Attribute,
    Boolean,
    Compare,
    Comparison,
    In,
    Listed,
    Literals,
    Missing,
    Money,
    Negate,
    Node,
    Not,
    Number,
    Operator,
    Or,
    Text,
)

Kind = Literal["money", "number", "text", "boolean", "listed"]
_SHOWN: Mapping[Kind, str] = {
    "money": "an amount such as 50 USD", "number": "a number", "text": "a text such as 'US'",
    "boolean": "a condition", "listed": "what only lists can be asked about",
}  # fmt: skip
_ANY_LIST = ("string", "case_sensitive_string")

Lists = Mapping[str, str]
"""The aliases of the value lists that there are, and the types of what they hold."""


@dataclass(frozen=True, slots=True)
class Part:
    """A tree with its type, and where it begins in the text."""

    node: Node
    kind: Kind
    at: int
    length: int


class Typing:
    """The rules of typing over one text, which its faults point into. ``lists`` None: lists are not looked for."""

    def __init__(self, text: str, lists: Lists | None) -> None:
        self._text = text
        self._lists = lists

    def attribute(self, token: Token) -> Part:
        known = ATTRIBUTES.get(token.text)
        if known is None:
            near = nearest(token.text, ATTRIBUTES)
            raise fault(
                self._text, token.at, "There is no such attribute.", length=token.length,
                suggestion=near and f":{near}:",
            )  # fmt: skip
        return Part(Attribute(known.name), "listed" if known.listed_only else known.type, token.at, token.length)

    def known(self, word: str) -> str | None:
        """The attribute that a bare word was probably meant to be."""
        near = word if word in ATTRIBUTES else nearest(word, ATTRIBUTES)
        return near and f":{near}:"

    def condition(self, part: Part, *, after: str) -> Node:
        """``part`` where something true or false is needed."""
        if part.kind != "boolean":
            raise self._wrong(part, f"Something that is true or false stands {after}.", "a condition")
        return part.node

    def both(self, left: Part, right: Part, word: Literal["and", "or"]) -> Part:
        """Two conditions joined; the parts of the same word lie side by side."""
        one = self.condition(left, after=f"before {word}")
        other = self.condition(right, after=f"after {word}")
        kind = And if word == "and" else Or
        parts = [part for each in (one, other) for part in (each.parts if isinstance(each, kind) else (each,))]
        return Part(kind(tuple(parts)), "boolean", left.at, left.length)

    def opposite(self, part: Part, token: Token) -> Part:
        return Part(Not(self.condition(part, after="after not")), "boolean", token.at, token.length)

    def negated(self, part: Part, token: Token) -> Part:
        self._calculable(part)
        match part.node:
            case Number(micro):
                node = Number(-micro)
            case Money(minor, currency, cents):
                node = Money(-minor, currency, -cents)
            case _:
                node = Negate(part.node)
        return Part(node, part.kind, token.at, token.length)

    def arithmetic(self, left: Part, right: Part, sign: Token) -> Part:
        """Money by money is a number, money and numbers only multiply, and so on."""
        self._calculable(left)
        self._calculable(right)
        kinds, operator = (left.kind, right.kind), sign.text
        kind: Kind | None = None
        if left.kind == right.kind:
            kind = {"*": None, "/": "number"}.get(operator, "money") if left.kind == "money" else "number"
        elif operator == "*" or (operator == "/" and kinds == ("money", "number")):
            kind = "money"
        if kind is None:
            said = {
                "+": "An amount and a number cannot be added.", "-": "An amount and a number cannot be subtracted.",
                "*": "Two amounts cannot be multiplied.", "/": "A number cannot be divided by an amount.",
            }[operator]  # fmt: skip
            other = "number" if operator == "*" else left.kind
            raise self._wrong(right, said, _SHOWN[other])
        node = Arithmetic(_operator(operator), left.node, right.node)
        return Part(node, kind, left.at, left.length)

    def compared(self, left: Part, right: Part, sign: Token) -> Part:
        for part in (left, right):
            self._with_value(part)
        if left.kind != right.kind:
            raise self._wrong(right, f"The two sides of {sign.text} are of different types.", _SHOWN[left.kind])
        comparison = _comparison(sign.text)
        if left.kind in ("text", "boolean") and comparison not in ("=", "!="):
            raise fault(
                self._text, sign.at, "Texts and conditions have no order.", length=sign.length, expected=("=", "!=")
            )
        node = Compare(comparison, self._fitted(left, right), self._fitted(right, left))
        return Part(node, "boolean", left.at, left.length)

    def among(self, item: Part, values: list[Part]) -> Part:
        """``in (...)``, each value of the item's type."""
        self._with_value(item)
        if item.kind == "boolean":
            raise self._wrong(item, "A condition cannot be looked for among values.", "an attribute")
        fitted: list[Literals] = []
        for value in values:
            if value.kind != item.kind:
                raise self._wrong(value, "The value is not of the type that is looked for.", _SHOWN[item.kind])
            node = self._fitted(value, item)
            assert isinstance(node, Literals)
            fitted.append(node)
        return Part(In(item.node, tuple(fitted)), "boolean", item.at, item.length)

    def listed(self, item: Part, token: Token) -> Part:
        """``in @alias``."""
        if not isinstance(item.node, Attribute):
            raise self._wrong(item, "Only an attribute's value stands in lists.", "an attribute")
        fits = ATTRIBUTES[item.node.name].item_type
        if fits is None:
            raise self._wrong(item, "No value list can hold this attribute's values.", "in ('...', '...')")
        if self._lists is not None:
            held = self._lists.get(token.text)
            if held is None:
                near = nearest(token.text, self._lists)
                raise fault(
                    self._text, token.at, "There is no value list with this alias.", length=token.length,
                    suggestion=near and f"@{near}",
                )  # fmt: skip
            if held not in (fits, *_ANY_LIST):
                raise fault(
                    self._text, token.at, f"This list holds {held}.", length=token.length,
                    expected=(f"a list of {fits}",),
                )  # fmt: skip
        return Part(Listed(item.node.name, token.text), "boolean", item.at, item.length)

    def missing(self, token: Token, start: Token) -> Part:
        part = self.attribute(token)
        assert isinstance(part.node, Attribute)
        return Part(Missing(part.node.name), "boolean", start.at, start.length)

    def _calculable(self, part: Part) -> None:
        if part.kind not in ("money", "number"):
            raise self._wrong(part, "Only numbers and amounts can be calculated with.", "a number")

    def _with_value(self, part: Part) -> None:
        if part.kind == "listed":
            raise self._wrong(part, "This attribute can only be looked for in lists.", "in @alias", "is_missing(...)")

    def _fitted(self, part: Part, other: Part) -> Node:
        """A text in the form that the attribute beside it has; a text that it can never have is a fault."""
        if not isinstance(part.node, Text) or not isinstance(other.node, Attribute):
            return part.node
        attribute = ATTRIBUTES[other.node.name]
        word, expected = words.form(attribute.name, attribute.item_type, part.node.value)
        if word is None:
            near = nearest(part.node.value, words.CLOSED.get(attribute.name, ()))
            raise fault(
                self._text, part.at, f":{attribute.name}: is never this.", length=part.length, expected=(expected,),
                suggestion=near and f"'{near}'",
            )  # fmt: skip
        return Text(word)

    def _wrong(self, part: Part, message: str, *expected: str) -> RuleFault:
        return fault(self._text, part.at, message, length=part.length, expected=expected)


def boolean(token: Token) -> Part:
    """``true`` or ``false``."""
    return Part(Boolean(token.text == "true"), "boolean", token.at, token.length)


def _operator(sign: str) -> Operator:
    match sign:
        case "+" | "-" | "*" | "/":
            return sign
    raise AssertionError(f"the parser asks for no {sign}")


def _comparison(sign: str) -> Comparison:
    match sign:
        case "=" | "!=" | "<" | "<=" | ">" | ">=":
            return sign
    raise AssertionError(f"the parser asks for no {sign}")
