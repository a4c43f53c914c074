"""The words in which an operation declares its parameters, and the strict reading of form fields by them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import unquote_to_bytes

from lockgate.kernel.card_ranges import holds_card
from lockgate.kernel.errors import Refusal, invalid

MAX_DEPTH = 6
MAX_FIELDS = 1000
MAX_KEY_LENGTH = 500

Tree = dict[str, Any]  # str -> str, Tree, or (under the empty key) list of str


class Unset:
    """What an empty string means where a value may be cleared."""

    _only: "Unset | None" = None

    def __new__(cls) -> "Unset":
        cls._only = cls._only or super().__new__(cls)
        return cls._only

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset()


class Type(Protocol):
    """How one value is read. ``path`` is the dialect's bracket name, for errors. ``schema`` is its JSON Schema."""

    def parse(self, raw: Any, path: str) -> Any: ...

    def schema(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Param:
    """One parameter: its type, whether it must be there, and whether an empty string clears it."""

    type: Type
    required: bool = False
    clearable: bool = False
    note: str = ""


def required(type_: Type, note: str = "") -> Param:
    """A parameter that must be present."""
    return Param(type_, required=True, note=note)


def optional(type_: Type, note: str = "") -> Param:
    """A parameter that may be absent, never empty."""
    return Param(type_, note=note)


def clearable(type_: Type, note: str = "") -> Param:
    """A parameter that an empty string sets back to null."""
    return Param(type_, clearable=True, note=note)


def _scalar(raw: Any, path: str) -> str:
    if not isinstance(raw, str):
        raise invalid(f"Invalid {path}: a single value is expected here.", param=path)
    return raw


@dataclass(frozen=True, slots=True)
class Text:
    """A string of ``minimum`` to ``maximum`` characters, matching ``pattern`` whole if one is given.

    A card's number is refused wherever it does not belong; ``secret`` values are never stored, so they may be one.
    """

    maximum: int = 5000
    minimum: int = 1
    pattern: str | None = None
    secret: bool = False

    def parse(self, raw: Any, path: str) -> str:
        value = _scalar(raw, path)
        if not self.minimum <= len(value) <= self.maximum:
            raise invalid(
                f"Invalid string for {path}: must be {self.minimum} to {self.maximum} characters long.", param=path
            )
        if value.isspace():
            raise invalid(
                f"Invalid string for {path}: it is blank.", param=path, code="parameter_invalid_string_blank"
            )
        if not self.secret and holds_card(value):
            raise _misplaced_card(path)
        if self.pattern is not None and not re.fullmatch(self.pattern, value):
            raise invalid(f"Invalid string for {path}: it is not of the expected form.", param=path)
        return value

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {"type": "string", "minLength": self.minimum, "maxLength": self.maximum}
        if self.pattern is not None:
            schema["pattern"] = f"^(?:{self.pattern})$"
        return schema


def _misplaced_card(path: str) -> Refusal:
    """What is stored outside of the vault must never hold a card number, whatever a shop puts into its fields."""
    return invalid(
        f"{path} seems to hold a card number. Card numbers belong in a card's own fields and nowhere else.",
        param=path,
        code="parameter_holds_card_number",
    )


_INTEGER = re.compile(r"(?:0|-?[1-9][0-9]{0,17})\Z")


@dataclass(frozen=True, slots=True)
class Integer:
    """A whole number in decimal digits: no sign but minus, no leading zero, no exponent, no point."""

    minimum: int = 0
    maximum: int = 99_999_999

    def parse(self, raw: Any, path: str) -> int:
        value = _scalar(raw, path)
        if not _INTEGER.match(value):
            raise invalid(
                f"Invalid integer: {path} must be a whole number.", param=path, code="parameter_invalid_integer"
            )
        number = int(value)
        if number < self.minimum:
            word = "positive integer" if self.minimum in (0, 1) else "integer"
            raise invalid(
                f"Invalid {word}: {path} must be at least {self.minimum}.", param=path, code="parameter_invalid_integer"
            )
        if number > self.maximum:
            raise invalid(
                f"Invalid integer: {path} must be at most {self.maximum}.", param=path, code="parameter_invalid_integer"
            )
        return number

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


@dataclass(frozen=True, slots=True)
class Timestamp:
    """UTC seconds since the epoch."""

    def parse(self, raw: Any, path: str) -> int:
        return Integer(0, 253_402_300_799).parse(raw, path)

    def schema(self) -> dict[str, Any]:
        return Integer(0, 253_402_300_799).schema()


@dataclass(frozen=True, slots=True)
class Boolean:
    """``true`` or ``false``, in small letters."""

    def parse(self, raw: Any, path: str) -> bool:
        value = _scalar(raw, path)
        if value not in ("true", "false"):
            raise invalid(f"Invalid boolean: {path} must be true or false.", param=path)
        return value == "true"

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Choice:
    """One of a closed set of words."""

    __slots__ = ("values",)

    def __init__(self, *values: str) -> None:
        self.values = values

    def parse(self, raw: Any, path: str) -> str:
        value = _scalar(raw, path)
        if value not in self.values:
            raise invalid(f"Invalid {path}: must be one of {', '.join(self.values)}.", param=path)
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.values)}


@dataclass(frozen=True, slots=True)
class Array:
    """A list, sent as ``name[]=`` or ``name[0]=``; its items may be objects (``name[][key]=``, ``name[0][key]=``)."""

    item: Type
    maximum: int = 100

    def parse(self, raw: Any, path: str) -> list[Any]:
        if not isinstance(raw, dict):
            raise invalid(f"Invalid array: {path} must be sent as {path}[].", param=path)
        if set(raw) == {""}:
            values = raw[""]
        elif all(re.fullmatch(r"0|[1-9][0-9]{0,3}", key) for key in raw):
            values = [raw[key] for key in sorted(raw, key=int)]
        else:
            raise invalid(f"Invalid array: {path} must have indexes only.", param=path)
        if len(values) > self.maximum:
            raise invalid(f"Invalid array: {path} has more than {self.maximum} entries.", param=path)
        return [self.item.parse(value, f"{path}[{index}]") for index, value in enumerate(values)]

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.item.schema(), "maxItems": self.maximum}


class Object:
    """A closed set of named parameters: anything else is refused by name."""

    __slots__ = ("params",)

    def __init__(self, params: Mapping[str, Param]) -> None:
        self.params = dict(params)

    def parse(self, raw: Any, path: str) -> dict[str, Any]:
        if not isinstance(raw, dict):
            raise invalid(f"Invalid object: {path} must be sent as {path}[...].", param=path)
        strange = [_safe_name(f"{path}[{name}]" if path else name) for name in raw if name not in self.params]
        if strange:
            word = "parameter" if len(strange) == 1 else "parameters"
            raise invalid(
                f"Received unknown {word}: {', '.join(strange[:10])}", param=strange[0], code="parameter_unknown"
            )
        values: dict[str, Any] = {}
        for name, value in raw.items():
            inner = f"{path}[{name}]" if path else name
            param = self.params[name]
            if value == "":
                if not param.clearable:
                    raise invalid(
                        f"You passed an empty string for '{inner}'. That would clear a value, and {inner} cannot be"
                        " cleared: leave it out or send a value.",
                        param=inner,
                        code="parameter_invalid_empty",
                    )
                values[name] = UNSET
            else:
                values[name] = param.type.parse(value, inner)
        for name, param in self.params.items():
            if param.required and name not in values:
                inner = f"{path}[{name}]" if path else name
                raise invalid(f"Missing required param: {inner}.", param=inner, code="parameter_missing")
        return values

    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = {
            "type": "object",
            "properties": {name: _param_schema(param) for name, param in self.params.items()},
            "additionalProperties": False,
        }
        names = [name for name, param in self.params.items() if param.required]
        if names:
            schema["required"] = names
        return schema


def _param_schema(param: Param) -> dict[str, Any]:
    schema: dict[str, Any] = param.type.schema()
    if param.clearable:
        schema = {"anyOf": [schema, {"type": "string", "const": ""}]}
    if param.note:
        schema["description"] = param.note
    return schema


def _safe_name(name: str) -> str:
    """A parameter's name fit for an error: card-like digit runs and odd characters never come back."""
    return re.sub(r"\d{7,}", "#", re.sub(r"[^A-Za-z0-9_\[\]\-.]", "?", name))[:200]


@dataclass(frozen=True, slots=True)
class Metadata:
    """Up to 50 pairs of the merchant's own; an empty value deletes its key."""

    def parse(self, raw: Any, path: str) -> dict[str, str]:
        if not isinstance(raw, dict):
            raise invalid(f"Invalid object: {path} must be sent as {path}[key].", param=path)
        if len(raw) > 50:
            raise invalid(f"{path} can hold at most 50 keys.", param=path)
        for key, value in raw.items():
            if not isinstance(value, str):
                raise invalid(f"{path} values must be plain strings.", param=path)
            if not 1 <= len(key) <= 40:
                raise invalid(f"{path} keys must be 1 to 40 characters long.", param=path)
            if len(value) > 500:
                raise invalid(f"{path} values must be at most 500 characters long.", param=path)
            if holds_card(key) or holds_card(value):
                raise _misplaced_card(path)
        return dict(raw)

    def schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "additionalProperties": {"type": "string", "maxLength": 500},
            "propertyNames": {"pattern": r"^[^\[\]&=\x00]{1,40}$"},
            "maxProperties": 50,
        }


@dataclass(frozen=True, slots=True)
class Range:
    """A number, or bounds: ``name[gt|gte|lt|lte]``. Read as a mapping with those keys, or ``{"eq": n}``."""

    def parse(self, raw: Any, path: str) -> dict[str, int]:
        if isinstance(raw, str):
            return {"eq": Timestamp().parse(raw, path)}
        bounds = Object({bound: optional(Timestamp()) for bound in ("gt", "gte", "lt", "lte")})
        return bounds.parse(raw, path)

    def schema(self) -> dict[str, Any]:
        bounds = Object({bound: optional(Timestamp()) for bound in ("gt", "gte", "lt", "lte")})
        return {"anyOf": [Timestamp().schema(), bounds.schema()]}


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A parameter that the dialect has and Lockgate does not: refused in so many words, never ignored."""

    why: str = ""

    def parse(self, raw: Any, path: str) -> Any:
        raise invalid(
            f"The parameter {path} is not supported. {self.why}".strip(), param=path, code="parameter_unsupported"
        )

    def schema(self) -> dict[str, Any]:
        return {"not": {}, "description": f"Not supported. {self.why}".strip()}


@dataclass(frozen=True, slots=True)
class Only:
    """A parameter of which Lockgate supports certain values only; others are refused in so many words."""

    inner: Type
    accept: Callable[[Any], bool]
    why: str

    def parse(self, raw: Any, path: str) -> Any:
        value = self.inner.parse(raw, path)
        if not self.accept(value):
            raise invalid(
                f"This value of {path} is not supported. {self.why}", param=path, code="parameter_unsupported"
            )
        return value

    def schema(self) -> dict[str, Any]:
        return {**self.inner.schema(), "description": self.why}


_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")


def read_fields(body: bytes) -> list[tuple[str, str]]:
    """The fields of an ``application/x-www-form-urlencoded`` body or query, in order.

    Refuses invalid percent escapes, bytes that are not UTF-8, and NUL.
    """
    if not body:
        return []
    fields = []
    for pair in body.split(b"&"):
        if not pair:
            continue
        if len(fields) >= MAX_FIELDS:
            raise invalid(f"More than {MAX_FIELDS} parameters were sent.")
        key, _, value = pair.partition(b"=")
        fields.append((_decode(key), _decode(value)))
    return fields


def _decode(raw: bytes) -> str:
    if b"%" in raw:
        if re.search(rb"%(?![0-9A-Fa-f]{2})", raw):
            raise invalid("The request has an invalid percent escape.")
        raw = unquote_to_bytes(raw.replace(b"+", b" "))
    elif b"+" in raw:
        raw = raw.replace(b"+", b" ")
    try:
        text = raw.decode("utf-8", "strict")
    except UnicodeDecodeError as error:
        raise invalid("The request is not valid UTF-8.") from error
    if "\x00" in text:
        raise invalid("The request holds a NUL character.")
    return text


def nest(fields: list[tuple[str, str]]) -> Tree:
    """Fields with bracketed names as a tree; refuses a name given twice, too deep a nest, and malformed brackets."""
    root: Tree = {}
    for key, value in fields:
        match = _KEY.match(key) if len(key) <= MAX_KEY_LENGTH else None
        if match is None:
            raise invalid("A parameter's name is malformed.")
        path = [match[1], *match[2][1:-1].split("][")] if match[2] else [match[1]]
        if len(path) > MAX_DEPTH:
            raise invalid(f"Parameters can be nested at most {MAX_DEPTH} deep.", param=_safe_name(path[0]))
        _place(root, path, value, key)
    return root


def _place(root: Tree, path: list[str], value: str, name: str) -> None:
    node: Any = root
    for place, step in enumerate(path[:-1]):
        if step == "" and place:
            node = _element(node.setdefault("", []), path[place + 1 :], name)
            continue
        child = node.setdefault(step, {})
        if not isinstance(child, dict):
            raise invalid("A parameter was sent both as a value and as an object.", param=_safe_name(name))
        node = child
    last = path[-1]
    if last == "" and len(path) > 1:
        values = node.setdefault("", [])
        if values and not isinstance(values[-1], str):
            raise invalid("An array was sent with both values and objects.", param=_safe_name(name))
        values.append(value)
    elif last in node:
        raise _twice(_safe_name(name))
    else:
        node[last] = value


def _element(elements: list[Any], below: list[str], name: str) -> Tree:
    """The object of an array without indexes that a field belongs to: the last, until a name in it comes again."""
    last = elements[-1] if elements else None
    if isinstance(last, str):
        raise invalid("An array was sent with both values and objects.", param=_safe_name(name))
    if last is None or _has(last, below):
        elements.append({})
    return elements[-1]


def _has(node: Any, path: list[str]) -> bool:
    """Whether something stands at ``path`` already; at the end of an inner array there is always room."""
    for step in path:
        if step == "" or not isinstance(node, dict) or step not in node:
            return False
        node = node[step]
    return True


def _twice(name: str) -> Refusal:
    return invalid("A parameter was sent more than once.", param=name)


@dataclass(frozen=True, slots=True)
class Listing:
    """The parameters of every cursor list, plus a resource's own filters."""

    filters: Mapping[str, Param] = field(default_factory=dict)

    def object(self) -> Object:
        return Object(
            {
                "limit": optional(Integer(1, 100)),
                "starting_after": optional(Text(255)),
                "ending_before": optional(Text(255)),
                **self.filters,
            }
        )
