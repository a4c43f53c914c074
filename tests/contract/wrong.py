"""Valid and wrong values for every type of parameter: what a form would hold, and which parameter is then named."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from lockgate.gateway.web.openapi import values
from lockgate.gateway.web.openapi.examples import supported
from lockgate.kernel.params import Array, Boolean, Choice, Metadata, Object, Only, Param, Range, Text, Type, Unsupported

MARK = "zq7x"  # in every wrong value: it must not come back
DEEPEST = 6
Fields = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One supported parameter that holds a value, by its bracket name."""

    name: str
    param: Param
    required: bool
    """Whether it must be sent as soon as its siblings are."""


@dataclass(frozen=True, slots=True)
class Wrong:
    """Fields that must be refused with 400, and the parameters of which one must be named."""

    what: str
    fields: Fields
    names: frozenset[str]
    code: str | None = None


def leaves(params: Object, prefix: str = "") -> Iterator[Leaf]:
    """Every supported parameter that holds a value itself."""
    for name, param in supported(params).items():
        path = f"{prefix}[{name}]" if prefix else name
        inner = _object(param.type)
        if inner is not None and supported(inner):
            array = isinstance(_bare(param.type), Array)
            yield from leaves(inner, f"{path}[0]" if array else path)
        elif inner is None or not isinstance(_bare(param.type), Object):
            yield Leaf(path, param, param.required)


def required_of(params: Object, prefix: str = "") -> Iterator[Leaf]:
    """The parameters that must be sent whatever else is."""
    for name, param in supported(params).items():
        if not param.required:
            continue
        path = f"{prefix}[{name}]" if prefix else name
        inner = _object(param.type)
        if inner is not None and supported(inner):
            yield from required_of(inner, f"{path}[0]" if isinstance(_bare(param.type), Array) else path)
        elif inner is None:
            yield Leaf(path, param, True)


def fields_of(name: str, type_: Type, value: Any = None) -> Fields:
    """A valid value as form fields."""
    value = valid(type_, name) if value is None else value
    if isinstance(value, dict):
        return [(f"{name}[{key}]", _text(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        return [(f"{name}[{place}]", _text(inner)) for place, inner in enumerate(value)]
    return [(name, _text(value))]


def valid(type_: Type, name: str) -> Any:
    """A value that the type takes."""
    last = name.replace("[0]", "").rpartition("[")[2].rstrip("]")
    if isinstance(type_, Only):
        for candidate in (*values.NAMED.get(last, ()), *type_.inner.schema().get("enum", ()), True, False, ["card"]):
            if values.allows(type_.inner.schema(), candidate) and type_.accept(candidate):
                return candidate
    if isinstance(type_, Metadata):
        return {"order": "6735"}
    if isinstance(type_, Range):
        return {"gte": 1}
    if isinstance(type_, Boolean):
        return True
    return values.of_schema(type_.schema(), last)


def wrongs(params: Object, prefix: str = "") -> Iterator[Wrong]:
    """Every parameter wrong in every way that its declaration excludes."""
    sibling = f"{prefix}[qq_unknown]" if prefix else "qq_unknown"
    yield Wrong(f"{sibling} unknown", [(sibling, "1")], frozenset({sibling}), "parameter_unknown")
    for name, param in params.params.items():
        path = f"{prefix}[{name}]" if prefix else name
        if isinstance(param.type, Unsupported):
            yield Wrong(f"{path} refused", [(path, "1")], frozenset({path}), "parameter_unsupported")
            continue
        if not param.clearable:
            yield Wrong(f"{path} empty", [(path, "")], frozenset({path}), "parameter_invalid_empty")
        yield from _wrong_values(_bare(param.type), path)


def _wrong_values(type_: Type, path: str) -> Iterator[Wrong]:
    named = frozenset({path})
    if isinstance(type_, Object):
        yield Wrong(f"{path} not an object", [(path, MARK)], named)
        yield from wrongs(type_, path)
    elif isinstance(type_, Array):
        yield Wrong(f"{path} not an array", [(path, MARK)], named)
        item = fields_of("", type_.item) if not isinstance(type_.item, Object) else [("[qq]", "1")]
        many = [(f"{path}[{place}]{key}", text) for place in range(type_.maximum + 1) for key, text in item]
        if len(many) <= 999:
            yield Wrong(f"{path} too long", many, named)
        yield from _wrong_values(_bare(type_.item), f"{path}[0]")
    elif isinstance(type_, Metadata):
        yield Wrong(f"{path} not an object", [(path, MARK)], named)
        yield Wrong(f"{path} with a long value", [(f"{path}[a]", MARK * 126)], named)
        yield Wrong(f"{path} with a long key", [(f"{path}[{MARK * 11}]", "1")], named)
        yield Wrong(f"{path} too many", [(f"{path}[k{place}]", "1") for place in range(51)], named)
        yield Wrong(f"{path} nested", [(f"{path}[a][b]", MARK)], named)
    elif isinstance(type_, Range):
        yield Wrong(f"{path} not a time", [(path, MARK)], named)
        yield Wrong(f"{path} with a wrong bound", [(f"{path}[gt]", MARK)], frozenset({f"{path}[gt]"}))
        yield Wrong(f"{path} with an unknown bound", [(f"{path}[qq]", "1")], frozenset({f"{path}[qq]"}))
    elif type_.schema().get("type") == "object":  # of another operation's parameters: its own words read them
        yield Wrong(f"{path} not an object", [(path, MARK)], named)
    else:
        yield from _wrong_scalars(type_, path)


def _wrong_scalars(type_: Type, path: str) -> Iterator[Wrong]:
    named = frozenset({path})
    schema = type_.schema()
    if path.count("[") + 2 <= DEEPEST:
        yield Wrong(f"{path} nested", [(f"{path}[a]", MARK)], named)
    text = fields_of(path, type_)
    yield Wrong(f"{path} twice", [*text, *text], named)
    if isinstance(type_, Choice) or "enum" in schema or schema.get("type") == "boolean":
        yield Wrong(f"{path} not of its words", [(path, MARK)], named)
    elif schema.get("type") == "integer":
        yield Wrong(f"{path} no number", [(path, MARK)], named)
        yield Wrong(f"{path} with a point", [(path, "1.5")], named)
        yield Wrong(f"{path} too small", [(path, str(schema["minimum"] - 1))], named)
        yield Wrong(f"{path} too large", [(path, str(schema["maximum"] + 1))], named)
    elif isinstance(type_, Text):
        long = MARK * (type_.maximum // len(MARK) + 1)
        if len(long) < 30_000:
            yield Wrong(f"{path} too long", [(path, long)], named)
        if type_.pattern is not None and not values.allows(schema, f"{MARK} \x02"):
            yield Wrong(f"{path} of another form", [(path, f"{MARK} \x02")], named)


def _bare(type_: Type) -> Type:
    return type_.inner if isinstance(type_, Only) else type_


def _object(type_: Type) -> Object | None:
    type_ = _bare(type_)
    if isinstance(type_, Array):
        type_ = _bare(type_.item)
    return type_ if isinstance(type_, Object) else None


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
