"""The schemas of all objects, and of the forms in which operations answer them."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.web.errors import ERROR_SCHEMA
from lockgate.kernel.operations import Operation


def answer(operation: Operation, deletable: set[str]) -> dict[str, Any]:
    """The schema of this operation's success."""
    kind = operation.returns.kind
    if operation.form == "deleted":
        return {"$ref": f"#/components/schemas/deleted_{kind}"}
    if operation.form == "list":
        return _page("list", kind)
    if operation.form == "search":
        return _page("search_result", kind)
    options = [{"$ref": f"#/components/schemas/{kind}"}]
    if operation.publishable:
        options.append({"$ref": f"#/components/schemas/{kind}_public"})
    if operation.method == "GET" and kind in deletable:
        options.append({"$ref": f"#/components/schemas/deleted_{kind}"})
    return options[0] if len(options) == 1 else {"anyOf": options}


def _page(form: str, kind: str) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "object": {"type": "string", "const": form},
        "url": {"type": "string"},
        "has_more": {"type": "boolean"},
        "data": {"type": "array", "items": {"$ref": f"#/components/schemas/{kind}"}},
    }
    required = list(properties)
    if form == "search_result":
        properties["next_page"] = {"type": ["string", "null"]}
        required.append("next_page")
        properties["total_count"] = {"type": "integer", "description": "Only if expanded."}
    return {"type": "object", "required": required, "additionalProperties": False, "properties": properties}


def all_of(operations: Sequence[Operation], deletable: set[str]) -> dict[str, Any]:
    """Every object by its kind, whole, public and deleted, and the error envelope."""
    schemas: dict[str, Any] = {}
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
    schemas = {
        name: {
            **schema,
            "properties": {field: _or_deleted(inner, deletable) for field, inner in schema["properties"].items()},
        }
        if "properties" in schema
        else schema
        for name, schema in schemas.items()
    }
    return {"error": ERROR_SCHEMA, **schemas, **{f"deleted_{kind}": _deleted(kind) for kind in sorted(deletable)}}


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
