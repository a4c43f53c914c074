"""The search language: up to ten clauses, joined by AND or by OR, read strictly against a resource's own fields."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from lockgate.kernel.errors import Refusal, invalid
from lockgate.kernel.params import Integer, Object, Text, optional, required

MAX_CLAUSES = 10
MAX_QUERY_LENGTH = 5000
MIN_SUBSTRING = 3
MAX_COUNTED = 10_000
"""``total_count`` is exact up to this many."""

Type = Literal["number", "boolean", "token", "id", "sealed", "pairs"]
"""Tokens are compared without regard to case, ids with it; of a sealed field, which is about a person, only a keyed
hash is known; pairs are metadata, whose values can be found by their parts too."""

PARAMS = Object(
    {
        "query": required(Text(MAX_QUERY_LENGTH)),
        "limit": optional(Integer(1, 100)),
        "page": optional(Text(500), "next_page of the answer before."),
    }
)

_OPERATORS: Mapping[Type, tuple[str, ...]] = {
    "number": (":", ">", "<", ">=", "<="),
    "boolean": (":",),
    "token": (":",),
    "id": (":",),
    "sealed": (":",),
    "pairs": (":", "~"),
}
_FIELD = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")
_OPERATOR = re.compile(r">=|<=|[:~><]")
_BARE = re.compile(r"-?[0-9]{1,18}(?![0-9A-Za-z_.])|(?:null|true|false)(?![0-9A-Za-z_.])")
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_JOIN = re.compile(r"(AND|OR)(?![0-9A-Za-z_])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Clause:
    """One condition. ``path`` is the field's place, with a metadata key as its last step; ``value`` None means null."""

    path: tuple[str, ...]
    type: Type
    operator: str
    value: str | int | bool | None = field(repr=False)
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked for: all of ``clauses``, or with ``any`` at least one of them."""

    clauses: tuple[Clause, ...]
    any: bool = False

    def only(self, *path: str) -> str | int | bool | None:
        """The value that every match must have at ``path``; None if the query does not say one."""
        if self.any and len(self.clauses) > 1:
            return None
        for clause in self.clauses:
            if clause.path == path and clause.operator == ":" and not clause.negated:
                return clause.value
        return None

    def bounds(self, *path: str) -> tuple[int, int]:
        """The least and the greatest number that a match can have at ``path``."""
        least, most = -(1 << 62), 1 << 62
        if self.any and len(self.clauses) > 1:
            return least, most
        for clause in self.clauses:
            if clause.path != path or clause.negated or not isinstance(clause.value, int):
                continue
            if clause.operator in (":", ">=", ">"):
                least = max(least, clause.value + (clause.operator == ">"))
            if clause.operator in (":", "<=", "<"):
                most = min(most, clause.value - (clause.operator == "<"))
        return least, most


class Catalogue:
    """The fields of one resource that can be searched. A ``*`` in a name stands for any one step."""

    def __init__(self, fields: Mapping[str, Type]) -> None:
        self._fields: dict[tuple[str, ...], Type] = {tuple(name.split(".")): type_ for name, type_ in fields.items()}
        self.names = tuple(fields)

    def type_of(self, path: tuple[str, ...]) -> Type | None:
        """What kind of field stands at ``path``; None if there is none."""
        for name, type_ in self._fields.items():
            if len(name) == len(path) and all(a in ("*", b) for a, b in zip(name, path, strict=True)):
                return type_
        return None


@dataclass(frozen=True, slots=True)
class Subject:
    """What is searched: a table, its fields, and which of them have an index of their own, the most telling first."""

    table: str
    catalogue: Catalogue
    anchors: Sequence[str]


def parse(query: str, catalogue: Catalogue) -> Query:
    """``query`` as a value, or a refusal that names the place and never repeats what stands there."""
    return _Reader(query, catalogue).query()


class _Reader:
    """Reads from left to right; ``at`` is the place of the next character."""

    def __init__(self, text: str, catalogue: Catalogue) -> None:
        self._text = text
        self._catalogue = catalogue
        self._at = 0

    def query(self) -> Query:
        clauses: list[Clause] = []
        joined: set[str] = set()
        self._skip_spaces()
        while True:
            if len(clauses) == MAX_CLAUSES:
                raise self._wrong(f"a query can have at most {MAX_CLAUSES} clauses")
            clauses.append(self._clause())
            spaced = self._skip_spaces()
            if self._at == len(self._text):
                return Query(tuple(clauses), "OR" in joined)
            joined.add(self._join(spaced=spaced))
            if len(joined) > 1:
                raise self._wrong("AND and OR cannot be mixed in one query")

    def _join(self, *, spaced: bool) -> str:
        """AND, OR, or a space, which means AND."""
        if not spaced:
            raise self._wrong("a space is expected between two clauses")
        match = _JOIN.match(self._text, self._at)
        if match is None:
            return "AND"
        self._at = match.end()
        self._skip_spaces()
        if self._at == len(self._text):
            raise self._wrong(f"a clause is expected after {match[1].upper()}")
        return match[1].upper()

    def _clause(self) -> Clause:
        if self._peek() in ("(", ")"):
            raise self._wrong("parentheses are not part of the search language")
        negated = self._peek() == "-"
        self._at += negated
        begin = self._at
        path, type_ = self._field()
        operator = self._operator(path, type_)
        value = self._value(type_, operator)
        if operator == "~" and len(str(value)) < MIN_SUBSTRING:
            raise self._wrong(f"a substring needs at least {MIN_SUBSTRING} characters", at=begin)
        return Clause(path, type_, operator, value, negated)

    def _field(self) -> tuple[tuple[str, ...], Type]:
        begin = self._at
        match = _FIELD.match(self._text, self._at)
        if match is None:
            raise self._wrong("a field's name is expected")
        self._at = match.end()
        path = tuple(match[0].split("."))
        type_ = self._catalogue.type_of(path)
        if type_ is None:
            names = ", ".join(self._catalogue.names)
            raise self._wrong(f"this field cannot be searched; the fields are {names}", at=begin)
        if type_ != "pairs":
            return path, type_
        if self._peek() != "[":
            raise self._wrong(f'{match[0]} is searched by key, as {match[0]}["key"]')
        self._at += 1
        key = self._quoted()
        if self._peek() != "]":
            raise self._wrong("a closing bracket is expected")
        self._at += 1
        return (*path, key), type_

    def _operator(self, path: tuple[str, ...], type_: Type) -> str:
        match = _OPERATOR.match(self._text, self._at)
        if match is None:
            raise self._wrong("one of : ~ > < >= <= is expected after a field's name")
        if match[0] not in _OPERATORS[type_]:
            name = ".".join(path[:1] if type_ == "pairs" else path)
            if type_ == "sealed" and match[0] == "~":
                raise self._wrong(f"{name} is kept encrypted: it is found whole with : and not by its parts")
            raise self._wrong(f"the field {name} takes {' '.join(_OPERATORS[type_])} only")
        self._at = match.end()
        return match[0]

    def _value(self, type_: Type, operator: str) -> str | int | bool | None:
        begin = self._at
        if self._peek() in ('"', "'"):
            given, quoted = self._quoted(), True
        else:
            match = _BARE.match(self._text, self._at)
            if match is None:
                raise self._wrong("a value is expected, in quotes unless it is a number or null")
            self._at, given, quoted = match.end(), match[0], False
        if given == "null" and not quoted:
            if operator != ":":
                raise self._wrong("null goes with : only", at=begin)
            return None
        if type_ == "number":
            if not _NUMBER.fullmatch(given):
                raise self._wrong("this field takes a whole number", at=begin)
            return int(given)
        if type_ == "boolean":
            if given.lower() not in ("true", "false"):
                raise self._wrong("this field takes true or false", at=begin)
            return given.lower() == "true"
        if not quoted:
            raise self._wrong("a text stands in quotes", at=begin)
        return given

    def _quoted(self) -> str:
        begin, mark = self._at, self._peek()
        if mark not in ('"', "'"):
            raise self._wrong("a quoted text is expected")
        self._at += 1
        found: list[str] = []
        while self._at < len(self._text):
            letter = self._text[self._at]
            self._at += 1
            if letter == mark:
                return "".join(found)
            if letter == "\\" and self._at < len(self._text):
                letter = self._text[self._at]
                self._at += 1
            found.append(letter)
        raise self._wrong("this quote is never closed", at=begin)

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _skip_spaces(self) -> bool:
        begin = self._at
        while self._peek().isspace():
            self._at += 1
        return self._at > begin

    def _wrong(self, why: str, *, at: int | None = None) -> Refusal:
        place = (self._at if at is None else at) + 1
        return invalid(f"The search query cannot be read at character {place}: {why}.", param="query")


def as_jsonpath(query: Query) -> str:
    """The query as one SQL/JSON path predicate over an object's document: quick to ask, and never null."""
    return (" || " if query.any else " && ").join(_predicate(clause) for clause in query.clauses)


def _predicate(clause: Clause) -> str:
    place = "$" + "".join(f".{json.dumps(step)}" for step in clause.path)
    if clause.value is None:
        return f"({'' if clause.negated else '!'}exists({place} ? (@ != null)))"
    return f"({'!' if clause.negated else ''}exists({place} ? ({_comparison(clause)})))"


def _comparison(clause: Clause) -> str:
    operator = "==" if clause.operator == ":" else clause.operator
    if isinstance(clause.value, bool | int):
        return f"@ {operator} {json.dumps(clause.value)}"
    text = str(clause.value)
    if clause.type == "id":
        return f"@ == {json.dumps(text)}"
    literal = re.sub(r"([\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f])", r"\\\1", text)
    return f'@ like_regex {json.dumps(literal if operator == "~" else f"^{literal}$")} flag "i"'
