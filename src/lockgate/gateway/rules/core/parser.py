"""Reads the text of a rule into a typed tree: one look ahead, every nesting counted, and one fault that helps.

    rule       = action "if" condition
    condition  = all, joined by "or";  all = each, joined by "and";  each = ["not"] compared
    compared   = sum [("=" | "!=" | "<" | "<=" | ">" | ">=") sum | ["not"] "in" ("(" literal {"," literal} ")" | @list)]
    sum        = product {("+" | "-") product};  product = signed {("*" | "/") signed};  signed = ["-"] value
    value      = :attribute: | number [currency] | 'text' | true | false | is_missing(:attribute:) | "(" condition ")"
"""

from collections.abc import Callable

from lockgate.gateway.rules.core.faults import RuleFault, fault, nearest
from lockgate.gateway.rules.core.lexer import LONGEST, Token, tokens
from lockgate.gateway.rules.core.nodes import (
    ACTIONS,
    COMPARISONS,
    MICRO,
    Action,
    Arithmetic,
    Money,
    Number,
    Rule,
    Text,
    walk,
)
from lockgate.gateway.rules.core.packed import LONGEST_TEXT
from lockgate.gateway.rules.core.text import written
from lockgate.gateway.rules.core.types import Lists, Part, Typing, boolean
from lockgate.kernel import money

DEEPEST = 32
MOST_NODES = 300
MOST_DIVISIONS = 4
"""Each division can double what the back-test has to calculate."""

_MOST_DIGITS = 12
_MOST_DECIMALS = 6

Convert = Callable[[int, str], int | None]
"""Minor units of a currency (in small letters) -> US cents, or None where no rate is known."""

_ALIASES = {"request_3d_secure": "challenge", "reject": "block", "deny": "block", "accept": "allow", "3ds": "challenge"}


def only_dollars(minor: int, currency: str) -> int | None:
    """The converter of whoever has no rates."""
    return minor if currency == "usd" else None


def parse(text: str, *, convert: Convert = only_dollars, lists: Lists | None = None) -> Rule:
    """The rule that ``text`` says, typed; raises RuleFault. ``lists`` are the value lists there are; None trusts."""
    return _Parser(text, convert, lists).rule()


class _Parser:
    def __init__(self, text: str, convert: Convert, lists: Lists | None) -> None:
        self._text = text
        self._convert = convert
        self._tokens = tokens(text)
        self._next = 0
        self._depth = 0
        self._types = Typing(text, lists)

    def rule(self) -> Rule:
        action = self._action()
        if not self._take("keyword", "if"):
            raise self._fault("After the action comes its condition.", "if")
        start = self._token
        condition = self._condition()
        if self._token.kind != "end":
            raise self._unexpected_end()
        node = self._types.condition(condition, after="after if")
        nodes = list(walk(node))
        divisions = sum(isinstance(one, Arithmetic) and one.operator == "/" for one in nodes)
        if len(nodes) > MOST_NODES:
            raise fault(self._text, start.at, f"A rule has at most {MOST_NODES} parts: write two rules.")
        if divisions > MOST_DIVISIONS:
            raise fault(self._text, start.at, f"A rule has at most {MOST_DIVISIONS} divisions.")
        rule = Rule(action, node)
        if len(written(rule)) > LONGEST:  # as it is kept and shown: it can be sent back so
            raise fault(self._text, start.at, f"A rule has at most {LONGEST} characters, written with all its spaces.")
        return rule

    @property
    def _token(self) -> Token:
        return self._tokens[self._next]

    def _advance(self) -> Token:
        token = self._token
        self._next += 1
        return token

    def _take(self, kind: str, text: str) -> Token | None:
        token = self._token
        return self._advance() if (token.kind, token.text) == (kind, text) else None

    def _fault(self, message: str, *expected: str, suggestion: str | None = None) -> RuleFault:
        token = self._token
        return fault(
            self._text, token.at, message, length=token.length, expected=expected, suggestion=suggestion
        )

    def _action(self) -> Action:
        word = self._token
        for action in ACTIONS:
            if word.kind == "word" and word.text == action:
                self._advance()
                return action
        near = _ALIASES.get(word.text) or (nearest(word.text, ACTIONS) if word.kind == "word" else None)
        raise self._fault("A rule begins with its action.", *ACTIONS, suggestion=near)

    def _nested(self, read: Callable[[], Part]) -> Part:
        """``read`` one level further in: the only way in which reading goes deeper."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._fault(f"Conditions nest at most {DEEPEST} deep.")
        part = read()
        self._depth -= 1
        return part

    def _condition(self) -> Part:
        left = self._all()
        while self._take("keyword", "or"):
            left = self._types.both(left, self._all(), "or")
        return left

    def _all(self) -> Part:
        left = self._each()
        while self._take("keyword", "and"):
            left = self._types.both(left, self._each(), "and")
        return left

    def _each(self) -> Part:
        token = self._take("keyword", "not")
        if token is None:
            return self._compared()
        return self._types.opposite(self._nested(self._each), token)

    def _compared(self) -> Part:
        left = self._sum()
        token = self._token
        if token.kind == "sign" and token.text in COMPARISONS:
            self._advance()
            found = self._types.compared(left, self._sum(), token)
            if self._token.kind == "sign" and self._token.text in COMPARISONS:
                raise self._fault("Comparisons do not chain.", "and", "or")
            return found
        negation = self._take("keyword", "not")
        if negation and not (self._token.kind, self._token.text) == ("keyword", "in"):
            raise self._fault("After a value, not stands only before in.", "in")
        if not self._take("keyword", "in"):
            return left
        found = self._members(left)
        return self._types.opposite(found, negation) if negation else found

    def _members(self, item: Part) -> Part:
        if self._token.kind == "list":
            return self._types.listed(item, self._advance())
        if not self._take("sign", "("):
            raise self._fault("After in come the values, or a list.", "( values )", "@list")
        values = [self._literal()]
        while self._take("sign", ","):
            values.append(self._literal())
        if not self._take("sign", ")"):
            raise self._fault("The values end with a bracket.", ",", ")")
        return self._types.among(item, values)

    def _literal(self) -> Part:
        token = self._token
        minus = self._take("sign", "-")
        if self._token.kind == "number":
            return self._number(minus, among=True)
        if token.kind == "text":
            return self._word()
        raise self._fault("Only values that are written out stand in this bracket.", "a number", "an amount", "a text")

    def _sum(self) -> Part:
        left = self._product()
        while self._token.kind == "sign" and self._token.text in ("+", "-"):
            sign = self._advance()
            left = self._types.arithmetic(left, self._product(), sign)
        return left

    def _product(self) -> Part:
        left = self._signed()
        while self._token.kind == "sign" and self._token.text in ("*", "/"):
            sign = self._advance()
            left = self._types.arithmetic(left, self._signed(), sign)
        return left

    def _signed(self) -> Part:
        minus = self._take("sign", "-")
        if minus is None:
            return self._value()
        if self._token.kind == "number":
            return self._number(minus)
        return self._types.negated(self._nested(self._signed), minus)

    def _value(self) -> Part:
        token = self._token
        match token.kind:
            case "attribute":
                return self._types.attribute(self._advance())
            case "number":
                return self._number(None)
            case "text":
                return self._word()
            case "keyword" if token.text in ("true", "false"):
                return boolean(self._advance())
            case "keyword" if token.text == "is_missing":
                return self._missing()
            case "sign" if token.text == "(":
                self._advance()
                part = self._nested(self._condition)
                if not self._take("sign", ")"):
                    raise self._unexpected_end(")")
                return part
            case "list":
                raise self._fault("A list stands only after in.", "an attribute", "a value")
            case "word":
                raise self._stranger()
            case _:
                raise self._fault("Here a value is missing.", "an attribute", "a number", "a text", "(")

    def _missing(self) -> Part:
        start = self._advance()
        if not self._take("sign", "("):
            raise self._fault("is_missing takes one attribute.", "(")
        if self._token.kind != "attribute":
            raise self._fault("is_missing takes one attribute.", "an attribute")
        name = self._advance()
        if not self._take("sign", ")"):
            raise self._fault("is_missing takes one attribute.", ")")
        return self._types.missing(name, start)

    def _number(self, minus: Token | None, *, among: bool = False) -> Part:
        token = self._advance()
        at, length = (minus or token).at, token.at + token.length - (minus or token).at
        whole, _, decimals = token.text.partition(".")
        if len(whole.lstrip("0")) > _MOST_DIGITS or len(decimals) > _MOST_DECIMALS:
            message = f"A number has at most {_MOST_DIGITS} digits and {_MOST_DECIMALS} decimals."
            raise fault(self._text, at, message, length=length)
        micro = (int(whole) * MICRO + int(decimals.ljust(_MOST_DECIMALS, "0"))) * (-1 if minus else 1)
        if self._token.text == "," and self._token.kind == "sign" and not among:
            raise self._fault("A number has no comma: write 5000, or 0.5.")
        if self._token.kind != "word":
            return Part(Number(micro), "number", at, length)
        currency = self._token.text
        if currency not in money.CURRENCIES:
            raise self._fault(
                "No currency is called so.", "a currency such as USD", "and", "or",
                suggestion=nearest(currency, ("and", "or", "in", "not")) or _currency(currency),
            )  # fmt: skip
        minor, rest = divmod(micro * 10 ** money.exponent(currency), MICRO)
        if rest or len(decimals) > max(2, money.exponent(currency)):  # 5.000 USD may be meant to be five thousand
            message = f"{currency.upper()} has at most {money.exponent(currency)} decimals."
            raise fault(self._text, at, message, length=length)
        worth = abs(minor) if currency == "usd" else self._convert(abs(minor), currency)
        if worth is None:
            raise self._fault("No rate is known for this currency.", "an amount in USD")
        cents = -worth if minor < 0 else worth  # -(5 EUR) and -5 EUR are the same, however halves are rounded
        self._advance()
        return Part(Money(minor, currency, cents), "money", at, length)

    def _word(self) -> Part:
        token = self._advance()
        if len(token.text) > LONGEST_TEXT:
            raise fault(
                self._text, token.at, f"A text has at most {LONGEST_TEXT} characters.", length=token.length
            )
        if any(not one.isprintable() for one in token.text):
            raise fault(self._text, token.at, "A text holds only what can be printed.", length=token.length)
        return Part(Text(token.text), "text", token.at, token.length)

    def _stranger(self) -> RuleFault:
        word = self._token.text
        near = nearest(word, ("and", "or", "not", "in", "is_missing", "true", "false"))
        if word in ("metadata", "null", "none"):
            return self._fault("This is no value.", "is_missing(:attribute:)" if word != "metadata" else "an attribute")
        attribute = self._types.known(word)
        return self._fault(
            "This word means nothing here.", "an attribute", "a number", "a text in single quotes",
            suggestion=attribute or near,
        )  # fmt: skip

    def _unexpected_end(self, *expected: str) -> RuleFault:
        token = self._token
        near = nearest(token.text, ("and", "or", "in", "not")) if token.kind == "word" else None
        return self._fault(
            "The rule ends here, or goes on with and, or, a comparison." if token.kind == "end" else
            "Nothing is expected here.", *expected, "and", "or", suggestion=near,
        )  # fmt: skip


def _currency(word: str) -> str | None:
    swapped = sorted(one for one in money.CURRENCIES if sorted(one) == sorted(word))
    near = swapped[0] if swapped else nearest(word, sorted(money.CURRENCIES))
    return near and near.upper()
