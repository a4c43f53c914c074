"""One operation as OpenAPI describes it: parameters, body, answers, links to what can be done with the answer."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lockgate.gateway.web.openapi import examples, responses, schemas, values
from lockgate.kernel.operations import Operation
from lockgate.kernel.params import Array, Object, Only, Type, Unsupported
from lockgate.kernel.shapes import Shape

FORM = "application/x-www-form-urlencoded"
_EXPAND = {
    "type": "array",
    "items": {"type": "string", "maxLength": 200, "pattern": "^[a-z0-9_.]+$"},
    "maxItems": 20,
    "description": "Properties to expand, at most four deep.",
}
_ID = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[A-Za-z0-9_-]+$"}
_KEY = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}
_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key", "in": "header", "schema": _KEY, "example": "order-6735",
    "description": "Under one key the request takes effect once; a repetition gets the first answer again.",
}


def described(
    operation: Operation, operations: Sequence[Operation], shapes: Mapping[str, Shape], deletable: set[str]
) -> dict[str, Any]:
    """The operation object."""
    refused = dict(refusals(operation.params))
    found: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary.rstrip("."),
        "description": description(operation),
        "tags": [operation.resource],
        "x-permissions": {"resource": operation.resource, "access": operation.access},
        "x-audit": operation.audit,
        "x-publishable": operation.publishable,
        **({"x-refused": refused} if refused else {}),
        "parameters": [*_path(operation), *(_query(operation) if operation.method != "POST" else [_IDEMPOTENCY_KEY])],
        "responses": {
            "200": {
                "description": "Done.",
                "headers": responses.success_headers(operation),
                "content": {
                    "application/json": {
                        "schema": schemas.answer(operation, deletable),
                        "examples": {"example": _answer_example(operation, shapes)},
                    }
                },
                **_links(operation, operations),
            },
            **responses.references(operation),
        },
    }
    if operation.publishable:
        found["security"] = [{"bearer": []}, {"basic": []}]
        if operation.method == "GET":
            found["security"].append({"publishable": []})
    if operation.method == "POST":
        found["requestBody"] = _body(operation)
    return found


def description(operation: Operation) -> str:
    """What the declaration says beyond the summary, in sentences."""
    said = [f"Needs the permission `{operation.resource}={operation.access}`."]
    if operation.publishable:
        said.append(
            "A publishable key may do this with the object's `client_secret`, and is answered the public fields only."
            if operation.client_secret
            else "A publishable key may do this, and is answered the public fields only."
        )
    if operation.declines:
        said.append("The card may be declined (402).")
    if operation.form == "list":
        said.append("Newest first; pages by `starting_after` and `ending_before`.")
    expandable = [name for name, field in operation.returns.fields.items() if field.expands]
    if expandable and operation.form != "deleted":
        prefix = "" if operation.form == "object" else "data."
        said.append(f"Can be expanded: {', '.join(f'`{prefix}{name}`' for name in expandable)}.")
    return " ".join(said)


def refusals(params: Object, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every parameter that is known and refused, by its bracket name, with the reason."""
    for name, param in params.params.items():
        path = f"{prefix}[{name}]" if prefix else name
        if isinstance(param.type, Unsupported):
            yield path, param.type.why
            continue
        yield from _inner_refusals(param.type, path)


def _inner_refusals(type_: Type, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(type_, Only):
        type_ = type_.inner
    if isinstance(type_, Object):
        yield from refusals(type_, path)
    elif isinstance(type_, Array):
        yield from _inner_refusals(type_.item, f"{path}[0]")


def properties(operation: Operation) -> dict[str, Any]:
    """What may be sent: without what is always refused, with what every operation that answers an object takes."""
    own = Object(examples.supported(operation.params)).schema()["properties"]
    return own if operation.form == "deleted" else {**own, "expand": _EXPAND}


def _path(operation: Operation) -> list[dict[str, Any]]:
    return [
        {
            "name": part[1:-1], "in": "path", "required": True, "schema": _ID,
            "description": f"The id of the {_words(examples.path_kind(operation, place))}.",
            "example": values.id_of(examples.path_kind(operation, place)),
        }
        for place, part in enumerate(operation.path.split("/"))
        if part.startswith("{")
    ]


def _words(kind: str) -> str:
    return kind.replace("_", " ").replace(".", " ")


def _query(operation: Operation) -> list[dict[str, Any]]:
    needed = operation.params.schema().get("required", [])
    shown = examples.request(operation)
    found = []
    for name, schema in properties(operation).items():
        described: dict[str, Any] = {"name": name, "in": "query", "required": name in needed, "schema": schema}
        if "description" in schema:
            described["description"] = schema["description"]
        if _is_nested(schema):
            described |= {"style": "deepObject", "explode": True}
        if name in shown:
            described["example"] = shown[name]
        found.append(described)
    return found


def _body(operation: Operation) -> dict[str, Any]:
    inner = properties(operation)
    schema = {**Object(examples.supported(operation.params)).schema(), "properties": inner}
    example = examples.request(operation)
    return {
        "required": bool(schema.get("required")),
        "content": {
            FORM: {
                "schema": schema,
                "encoding": {
                    name: {"style": "deepObject", "explode": True} for name, s in inner.items() if _is_nested(s)
                },
                **({"example": example} if example else {}),
            }
        },
    }


def _is_nested(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") in ("object", "array") or any(_is_nested(option) for option in schema.get("anyOf", ()))


def _answer_example(operation: Operation, shapes: Mapping[str, Shape]) -> dict[str, Any]:
    if operation.form == "object":
        return {"$ref": f"#/components/examples/{operation.returns.kind}"}
    return {"value": examples.answer(operation, shapes)}


def _links(operation: Operation, operations: Sequence[Operation]) -> dict[str, Any]:
    """What can be done with the object of this answer: the operations whose path begins with this one's."""
    if "{" in operation.path or operation.form not in ("object", "list") or "id" not in operation.returns.fields:
        return {}
    place = "$response.body#/id" if operation.form == "object" else "$response.body#/data/0/id"
    links = {}
    for other in operations:
        rest = other.path.removeprefix(f"{operation.path}/")
        if rest != other.path and rest.startswith("{") and rest.count("{") == 1:
            links[other.name] = {"operationId": other.name, "parameters": {rest[1 : rest.index("}")]: place}}
    return {"links": links} if links else {}
