"""Examples of requests and answers, made from the declarations of parameters and fields."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from lockgate.gateway.web.openapi import values
from lockgate.kernel.operations import Operation
from lockgate.kernel.params import Object, Only, Param, Unsupported
from lockgate.kernel.principal import ADMINISTRATIVE
from lockgate.kernel.shapes import Shape

# What a reader wants to see in an example although it may be left out; the rest stands in the table of parameters.
SHOWN = frozenset(
    "amount amount_to_capture card charge currency customer description email evidence limit line_items "
    "metadata name payment_method price_data product_data quantity reason submit success_url token "
    "uncategorized_text unit_amount".split()
)


def path_of(operation: Operation) -> str:
    """The operation's path with an example's id in each place."""
    parts = operation.path.split("/")
    for place, part in enumerate(parts):
        if part.startswith("{"):
            parts[place] = values.id_of(path_kind(operation, place))
    return "/".join(parts)


def path_kind(operation: Operation, place: int) -> str:
    """What the id at this place of the path names: the word in braces, or the collection's where that says nothing."""
    parts = operation.path.split("/")
    word = parts[place].strip("{}")
    if word in values.PREFIXES:
        return word
    singular = parts[place - 1].removesuffix("s")
    return singular if singular in values.PREFIXES else operation.returns.kind


def request(operation: Operation) -> dict[str, Any]:
    """Parameters that a first request of this kind might have."""
    return _members(operation.params)


def supported(params: Object) -> dict[str, Param]:
    """The parameters that are not always refused."""
    return {name: param for name, param in params.params.items() if not isinstance(param.type, Unsupported)}


def _members(params: Object) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    known = supported(params)
    for name, param in known.items():
        if param.required or name in SHOWN:
            inner = param.type.inner if isinstance(param.type, Only) else param.type
            members = _members(inner) if isinstance(inner, Object) else {}
            shown[name] = members or _value(inner.schema(), name, param)
    return {name: value for name, value in shown.items() if value not in ({}, None) or known[name].required}


def _value(schema: Mapping[str, Any], name: str, param: Param) -> Any:
    if isinstance(param.type, Only):
        for candidate in (*values.NAMED.get(name, ()), True, False):
            if values.allows(schema, candidate) and param.type.accept(candidate):
                return candidate
    return values.of_schema(schema, name)


def fields(request_: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """An example's parameters as they stand in a form: ``a[b]=``, ``a[0]=``."""
    for name, value in request_.items():
        key = f"{prefix}[{name}]" if prefix else str(name)
        if isinstance(value, Mapping):
            yield from fields(value, key)
        elif isinstance(value, list):
            yield from fields({str(index): item for index, item in enumerate(value)}, key)
        else:
            yield key, str(value).lower() if isinstance(value, bool) else str(value)


def curl(operation: Operation) -> str:
    """The example's request as a command line, as a merchant's server or as somebody who has signed in."""
    pairs = list(fields(request(operation)))
    target = f"https://gateway.example{path_of(operation)}"
    if operation.method == "GET":
        query = "&".join(f"{quote(name, safe='[]')}={quote(value)}" for name, value in pairs)
        lines = [f'curl -g "{target}?{query}"' if query else f"curl {target}"]
        pairs = []
    else:
        method = "" if pairs else f"-X {operation.method} "
        lines = [f"curl {method}{target}"]
    administers = operation.resource in ADMINISTRATIVE
    lines.append('-H "Authorization: Bearer $ACCESS_TOKEN"' if administers else '-u "$SECRET_KEY:"')
    if operation.method == "POST":
        lines.append('-H "Idempotency-Key: order-6735"')
    lines += [f"-d {_quoted(name)}={_quoted(value)}" for name, value in pairs]
    return " \\\n  ".join(lines)


def _quoted(text: str) -> str:
    plain = text.replace("_", "").replace(".", "").replace("-", "").replace("@", "").isalnum()
    return text if plain else "'" + text.replace("'", "'\\''") + "'"


def objects(shapes: Mapping[str, Shape]) -> dict[str, dict[str, Any]]:
    """One example of every kind."""
    return {kind: of_shape(shape) for kind, shape in shapes.items()}


def of_shape(shape: Shape) -> dict[str, Any]:
    """An object of this kind as a request would be answered."""
    return {name: _field(shape, name) for name in shape.fields}


def _field(shape: Shape, name: str) -> Any:
    declared = shape.fields[name]
    if name == "id":
        return values.id_of(shape.kind)
    if name == "client_secret" and declared.schema.get("type") == "string":
        return f"{values.id_of(shape.kind)}_secret_example"
    if declared.nullable and name not in values.TELLING:
        return declared.default
    if declared.expands:
        return values.id_of(name if name in values.PREFIXES else declared.expands)
    found = values.of_schema(declared.schema, name) if name in values.NAMED or declared.default is None else None
    return declared.default if found is None else found


def answer(operation: Operation, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """What the example's request is answered with."""
    kind = operation.returns.kind
    if operation.form == "deleted":
        return {"id": values.id_of(kind), "object": kind, "deleted": True}
    shown = of_shape(shapes[kind])
    if operation.form == "object":
        return shown
    page: dict[str, Any] = {"object": "list", "url": path_of(operation), "has_more": False, "data": [shown]}
    return page if operation.form == "list" else {**page, "object": "search_result", "next_page": None}


def kinds(operations: Sequence[Operation]) -> dict[str, Shape]:
    """Every kind of object that is answered."""
    return {operation.returns.kind: operation.returns for operation in operations}
