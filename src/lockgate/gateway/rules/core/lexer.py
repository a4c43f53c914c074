"""Cuts the text of a rule into words, in one pass: each character is looked at once."""

import re
from dataclasses import dataclass
from typing import Literal

from lockgate.gateway.rules.core.faults import fault

LONGEST = 2_000
"""How many characters a rule may have."""

KEYWORDS = frozenset({"if", "and", "or", "not", "in", "is_missing", "true", "false"})

Kind = Literal["attribute", "list", "number", "text", "keyword", "word", "sign", "end"]

_TOKEN = re.compile(
    r"(?P<space>[ \t\r\n]+)"
    r"|:(?P<attribute>[A-Za-z_][A-Za-z0-9_]*):"
    r"|@(?P<list>[A-Za-z0-9_\-]+)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)"
    r"|'(?P<text>[^'\n]*(?:''[^'\n]*)*)'"
    r"|(?P<word>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<sign>!=|<>|<=|>=|==|[=<>+\-*/(),])"
)
_HINTS = {
    "&": "Write and.", "|": "Write or.", "!": "Write not, or != to compare.", '"': "Text stands in single quotes.",
    "'": "This text has no end: a quote inside of a text is written twice.",
    ":": "An attribute is written :name:, in letters, digits and underscores.",
    "@": "A list is written @alias, in letters, digits, _ and -.", "#": "A rule has no comments.",
    ";": "A rule is one condition.", "%": "There is no remainder or percentage: write a number.",
    "[": "The values after in stand in ( ).", "{": "The values after in stand in ( ).",
    "$": "An amount is written 50 USD.", "€": "An amount is written 50 EUR.",
}  # fmt: skip
_SAME = {"==": "=", "<>": "!="}


@dataclass(frozen=True, slots=True)
class Token:
    """One word of a rule. ``text`` is what counts of it; it begins at character ``at`` and is ``length`` long."""

    kind: Kind
    text: str
    at: int
    length: int


def tokens(text: str) -> list[Token]:
    """The words of ``text``, with one of the kind "end" behind them; raises RuleFault."""
    if len(text) > LONGEST:
        raise fault(text[: LONGEST + 1], LONGEST, f"A rule has at most {LONGEST} characters.")
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise fault(text, at, _HINTS.get(text[at], "This character means nothing in a rule."))
        kind, length = match.lastgroup, match.end() - at
        if kind != "space":
            found.append(_token(kind, match.group(kind or 0), at, length=length))
        at = match.end()
    return [*found, Token("end", "", len(text), 1)]


def _token(kind: str | None, value: str, at: int, *, length: int) -> Token:
    match kind:
        case "attribute":
            return Token("attribute", value.lower(), at, length)
        case "list":
            return Token("list", value, at, length)
        case "number":
            return Token("number", value, at, length)
        case "text":
            return Token("text", value.replace("''", "'"), at, length)
        case "sign":
            return Token("sign", _SAME.get(value, value), at, length)
        case _:
            lowered = value.lower()
            return Token("keyword" if lowered in KEYWORDS else "word", lowered, at, length)
