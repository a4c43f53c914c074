"""The webhooks that Lockgate sends: one for every type of event, with the object that it carries."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.web.openapi import examples, values
from lockgate.gateway.webhooks.core.shapes import EVENT
from lockgate.gateway.webhooks.core.types import EVENT_TYPES
from lockgate.kernel.shapes import Shape

# Where a type does not begin with the name of the kind that it carries.
_CARRIED = {
    "charge.dispute": "dispute",
    "charge.refund": "refund",
    "lockgate.webhook_endpoint": "webhook_endpoint",
}
_HEADERS = {
    "Stripe-Signature": "t=<seconds>,v1=<hex HMAC-SHA-256 of '<t>.<body>' under the text of the secret>",
    "webhook-id": "the event's id; a repeated delivery has the same",
    "webhook-timestamp": "seconds",
    "webhook-signature": "v1,<base64 HMAC-SHA-256 of '<id>.<timestamp>.<body>' under the secret's decoded bytes>",
}


def carried(type_: str) -> str:
    """The kind of object that an event of this type carries."""
    subject = type_.rpartition(".")[0]
    return _CARRIED.get(subject, subject)


def webhooks(shapes: Mapping[str, Shape]) -> dict[str, Any]:
    """The webhooks object."""
    return {type_: {"post": _delivery(type_, shapes.get(carried(type_)))} for type_ in EVENT_TYPES}


def example(type_: str, shape: Shape) -> dict[str, Any]:
    """An event of this type."""
    return {
        **examples.of_shape(EVENT),
        "type": type_,
        "data": {"object": examples.of_shape(shape)},
        "request": {"id": "req_0NMWSYfKVwOvp10YwtBpk9", "idempotency_key": "order-6735"},
        "id": values.id_of("event"),
    }


def _delivery(type_: str, shape: Shape | None) -> dict[str, Any]:
    """A type without a shape is answered by no operation; the tests of the contract find it."""
    event = EVENT.json_schema()
    data = dict(event["properties"]["data"])
    if shape is not None:
        inside = {**data["properties"], "object": {"$ref": f"#/components/schemas/{shape.kind}"}}
        data["properties"] = inside
    schema = {
        **event, "properties": {**event["properties"], "data": data, "type": {"type": "string", "const": type_}}
    }
    content: dict[str, Any] = {"schema": schema}
    if shape is not None:
        content["example"] = example(type_, shape)
    return {
        "operationId": f"webhook.{type_}",
        "summary": f"{type_}: its data.object is a {carried(type_)}",
        "tags": ["events"],
        "security": [],
        "parameters": [
            {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": text}
            for name, text in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {
            "200": {"description": "Taken. Any status from 200 to 299 is; anything else is tried again for days."}
        },
    }
