"""Parameters and fields in words: what the readable page, docs/dialect.md and the recorded contract say of each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.kernel.params import Array, Metadata, Object, Only, Param, Range, Type, Unsupported
from lockgate.kernel.shapes import Field, Shape

LATEST = 253_402_300_799  # what a timestamp may be at most


@dataclass(frozen=True, slots=True)
class Row:
    """One parameter by its bracket name. ``refused`` is the reason if it is known and always refused."""

    name: str
    says: str
    required: bool = False
    clearable: bool = False
    note: str = ""
    limited: str | None = None
    refused: str | None = None


def rows(params: Object, prefix: str = "") -> Iterator[Row]:
    """Every parameter, nested ones after the one that holds them."""
    for name, param in params.params.items():
        yield from _row(param, f"{prefix}[{name}]" if prefix else name)


def _row(param: Param, path: str) -> Iterator[Row]:
    type_, limited = param.type, None
    if isinstance(type_, Unsupported):
        yield Row(path, "refused", refused=type_.why)
        return
    if isinstance(type_, Only):
        type_, limited = type_.inner, type_.why
    yield Row(path, of_type(type_), param.required, param.clearable, param.note, limited)
    if isinstance(type_, Object):
        yield from rows(type_, path)
    elif isinstance(type_, Array) and isinstance(type_.item, Object):
        yield from rows(type_.item, f"{path}[0]")


def of_type(type_: Type) -> str:
    """A parameter's type."""
    if isinstance(type_, Metadata):
        return "up to 50 pairs of keys and values"
    if isinstance(type_, Range):
        return "timestamp, or bounds by [gt], [gte], [lt], [lte]"
    if isinstance(type_, Array):
        inner = "objects" if isinstance(type_.item, Object) else of_type(type_.item)
        return f"array of at most {type_.maximum}: {inner}"
    return of_schema(type_.schema())


def field_rows(shape: Shape) -> list[tuple[str, str]]:
    """Every field of a shape with its type in words, those of inner objects after the one that holds them."""
    found: dict[str, list[str]] = {}
    for name, field in shape.fields.items():
        found[name] = [of_field(field)]
        for path, says in _inner_fields(field.schema, name):
            known = found.setdefault(path, [])
            known += [] if says in known else [says]
    return [(name, " or ".join(says)) for name, says in found.items()]


def _inner_fields(schema: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    options = [schema, *schema.get("anyOf", ())]
    for option in options + [option["items"] for option in options if isinstance(option.get("items"), Mapping)]:
        for name, inner in option.get("properties", {}).items():
            yield f"{prefix}.{name}", of_schema(inner)
            yield from _inner_fields(inner, f"{prefix}.{name}")


def of_field(field: Field) -> str:
    """A field's type, and whether it may be null or expanded."""
    words = [of_schema(field.schema)] if field.schema else []
    words += [f"expandable to {field.expands}"] if field.expands else []
    return ", ".join(words) + (" or null" if field.nullable else "")


def of_schema(schema: Mapping[str, Any]) -> str:
    """A schema, in as few words as tell all of it that a caller must know."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "const" in schema:
        return "empty" if schema["const"] == "" else f"always {_shown(schema['const'])}"
    if "enum" in schema:
        return f"one of {', '.join(_shown(value) for value in schema['enum'])}"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(of_schema(option) for option in schema["anyOf"]))
    kind = schema.get("type", "anything")
    if not isinstance(kind, str):
        return " or ".join(of_schema({**schema, "type": one}) for one in kind)
    return _of_kind(schema, kind)


def _of_kind(schema: Mapping[str, Any], kind: str) -> str:
    if kind == "integer" and "maximum" in schema:
        bounds = schema.get("minimum", 0), schema["maximum"]
        return "timestamp" if bounds == (0, LATEST) else f"integer from {bounds[0]} to {bounds[1]}"
    if kind == "string" and "maxLength" in schema:
        least, most = schema.get("minLength", 0), schema["maxLength"]
        length = str(most) if least == most else f"at most {most}" if least <= 1 else f"{least} to {most}"
        pattern = f" of the form {_bare(schema['pattern'])}" if "pattern" in schema else ""
        return f"text of {length} characters{pattern}"
    if kind == "array":
        return f"array of {of_schema(schema.get('items', {}))}"
    if kind == "object" and "properties" in schema:
        return "object" if schema["properties"] else "empty object"
    if kind == "object" and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object of {of_schema(schema['additionalProperties'])} by key"
    return "text" if kind == "string" else kind


def _bare(pattern: str) -> str:
    return pattern.removeprefix("^(?:").removesuffix(")$")


def _shown(value: Any) -> str:
    return "null" if value is None else str(value)
