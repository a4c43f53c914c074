"""The OpenAPI 3.1 document, made from the same declarations that routes, permissions and parameters are read from."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.web.errors import ERROR_SCHEMA
from lockgate.kernel.operations import Operation
from lockgate.kernel.params import Object, Unsupported

_EVERY_OPERATION = {
    400: "The request cannot be right as it stands; `param` names the parameter.",
    401: "No valid API key.",
    403: "The key may not do this.",
    404: "No such object for this key.",
    405: "The path exists, the method does not.",
    408: "The request did not arrive in time.",
    409: "Another request holds the idempotency key or the object; try again.",
    411: "A body came without a Content-Length.",
    413: "The body is too large.",
    414: "The request's target is too long.",
    415: "The body is not application/x-www-form-urlencoded.",
    429: "Too fast: wait as Retry-After says.",
    431: "The headers are too large.",
    500: "Something broke on our side; a repeated request with the same idempotency key is safe.",
    503: "Certainly without effect; try again.",
}
_STATUSES = {**_EVERY_OPERATION, 402: "The card was declined."}
_EXPAND = {
    "type": "array",
    "items": {"type": "string", "maxLength": 200, "pattern": "^[a-z0-9_.]+$"},
    "maxItems": 20,
    "description": "Properties to expand, at most four deep.",
}


def document(operations: Sequence[Operation]) -> bytes:
    """The document's bytes."""
    paths: dict[str, dict[str, Any]] = {}
    deletable = {operation.returns.kind for operation in operations if operation.form == "deleted"}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, deletable)
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Lockgate merchant API",
                "version": "1",
                "description": "Accepts requests from Stripe API clients; not affiliated with Stripe.",
            },
            "security": [{"bearer": []}, {"basic": []}],
            "paths": paths,
            "components": {
                "securitySchemes": {
                    "bearer": {"type": "http", "scheme": "bearer"},
                    "basic": {"type": "http", "scheme": "basic"},
                },
                "schemas": _schemas(operations, deletable),
                "responses": {str(status): _error(text) for status, text in _STATUSES.items()},
            },
        },
        separators=(",", ":"),
    ).encode()


def _operation(operation: Operation, deletable: set[str]) -> dict[str, Any]:
    statuses = [*_EVERY_OPERATION, 402] if operation.declines else list(_EVERY_OPERATION)
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.resource],
        "x-permission": f"{operation.resource}={operation.access}",
        "parameters": [
            {
                "name": name,
                "in": "path",
                "required": True,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[A-Za-z0-9_-]+$"},
            }
            for name in _path_names(operation.path)
        ],
        "responses": {
            "200": {
                "description": "Done.",
                "headers": {"Request-Id": {"schema": {"type": "string"}}},
                "content": {"application/json": {"schema": _success(operation, deletable)}},
            },
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in sorted(statuses)},
        },
    }
    properties = _properties(operation)
    if operation.method == "POST":
        described["parameters"].append(
            {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 255,
                                                                  "pattern": "^[ -~]+$"}}
        )
        schema = {**_without_unsupported(operation.params), "properties": properties}
        described["requestBody"] = {
            "required": bool(schema.get("required")),
            "content": {
                "application/x-www-form-urlencoded": {
                    "schema": schema,
                    "encoding": {
                        name: {"style": "deepObject", "explode": True}
                        for name, inner in properties.items()
                        if _is_nested(inner)
                    },
                }
            },
        }
    else:
        needed = operation.params.schema().get("required", [])
        described["parameters"] += [
            {
                "name": name,
                "in": "query",
                "required": name in needed,
                "schema": schema,
                **({"style": "deepObject", "explode": True} if _is_nested(schema) else {}),
            }
            for name, schema in properties.items()
        ]
    return described


def _path_names(path: str) -> list[str]:
    return [part[1:-1] for part in path.split("/") if part.startswith("{")]


def _properties(operation: Operation) -> dict[str, Any]:
    """What may be sent: without what is always refused, with what every operation that answers an object takes."""
    properties = _without_unsupported(operation.params)["properties"]
    return properties if operation.form == "deleted" else {**properties, "expand": _EXPAND}


def _without_unsupported(params: Object) -> dict[str, Any]:
    kept = {name: param for name, param in params.params.items() if not isinstance(param.type, Unsupported)}
    return Object(kept).schema()


def _is_nested(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") in ("object", "array") or any(_is_nested(option) for option in schema.get("anyOf", ()))


def _success(operation: Operation, deletable: set[str]) -> dict[str, Any]:
    kind = operation.returns.kind
    if operation.form == "deleted":
        return {"$ref": f"#/components/schemas/deleted_{kind}"}
    if operation.form == "list":
        return {
            "type": "object",
            "required": ["object", "url", "has_more", "data"],
            "additionalProperties": False,
            "properties": {
                "object": {"type": "string", "const": "list"},
                "url": {"type": "string"},
                "has_more": {"type": "boolean"},
                "data": {"type": "array", "items": {"$ref": f"#/components/schemas/{kind}"}},
            },
        }
    options = [{"$ref": f"#/components/schemas/{kind}"}]
    if operation.publishable:
        options.append({"$ref": f"#/components/schemas/{kind}_public"})
    if operation.method == "GET" and kind in deletable:
        options.append({"$ref": f"#/components/schemas/deleted_{kind}"})
    return options[0] if len(options) == 1 else {"anyOf": options}


def _schemas(operations: Sequence[Operation], deletable: set[str]) -> dict[str, Any]:
    schemas: dict[str, Any] = {"error": ERROR_SCHEMA, **{f"deleted_{kind}": _deleted(kind) for kind in deletable}}
    for operation in operations:
        shape = operation.returns
        whole = shape.json_schema()
        schemas[shape.kind] = whole
        public = [name for name, field in shape.fields.items() if field.public]
        if operation.publishable:
            schemas[f"{shape.kind}_public"] = {
                **whole, "required": public, "properties": {name: whole["properties"][name] for name in public}
            }
    for kind in _expanded_kinds(operations) - schemas.keys():
        schemas[kind] = {"type": "object", "required": ["id", "object"]}
    for name, schema in schemas.items():
        if "properties" in schema and not name.startswith(("error", "deleted_")):
            schema["properties"] = {
                field: _or_deleted(inner, deletable) for field, inner in schema["properties"].items()
            }
    return schemas


def _expanded_kinds(operations: Sequence[Operation]) -> set[str]:
    return {field.expands for operation in operations for field in operation.returns.fields.values() if field.expands}


def _or_deleted(schema: Mapping[str, Any], deletable: set[str]) -> dict[str, Any]:
    """An id may be expanded to what is left of a deleted object."""
    options = []
    for option in schema.get("anyOf", ()):
        options.append(option)
        kind = str(option.get("$ref", "")).rpartition("/")[2]
        if kind in deletable:
            options.append({"$ref": f"#/components/schemas/deleted_{kind}"})
    return {**schema, "anyOf": options} if options else dict(schema)


def _deleted(kind: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["id", "object", "deleted"],
        "additionalProperties": False,
        "properties": {
            "id": {"type": "string"},
            "object": {"type": "string", "const": kind},
            "deleted": {"type": "boolean", "const": True},
        },
    }


def _error(description: str) -> dict[str, Any]:
    return {
        "description": description,
        "headers": {"Request-Id": {"schema": {"type": "string"}}},
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/error"}}},
    }
