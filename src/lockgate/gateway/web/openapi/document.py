"""The OpenAPI 3.1 document, made from the same declarations that routes, permissions and parameters are read from."""

import json
from collections.abc import Sequence
from typing import Any

from lockgate.gateway.web.openapi import events, examples, operation, responses, schemas
from lockgate.kernel.operations import Operation

TITLE = "Lockgate merchant API"
DESCRIPTION = (
    "Accepts requests from Stripe API clients; not affiliated with Stripe. Parameters are sent as form fields, nested "
    "ones in brackets (`card[exp_month]=8`, `expand[0]=customer`). Every answer is JSON, errors too. What is not "
    "documented here is refused, never ignored: `x-refused` lists by name what the dialect knows and Lockgate does not."
)
_KEYS = (
    "Send the key as a bearer token, or as the user name of Basic authentication without a password. A browser may "
    "send its publishable key as the field `key` instead, where `x-publishable` is true."
)


def document(operations: Sequence[Operation]) -> bytes:
    """The document's bytes."""
    return json.dumps(whole(operations), separators=(",", ":")).encode()


def whole(operations: Sequence[Operation]) -> dict[str, Any]:
    """The document."""
    shapes = examples.kinds(operations)
    deletable = {one.returns.kind for one in operations if one.form == "deleted"}
    paths: dict[str, dict[str, Any]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = operation.described(one, operations, shapes, deletable)
    return {
        "openapi": "3.1.0",
        "info": {"title": TITLE, "version": "1", "description": DESCRIPTION},
        "security": [{"bearer": []}, {"basic": []}],
        "tags": [{"name": name} for name in dict.fromkeys(one.resource for one in operations)],
        "paths": paths,
        "webhooks": events.webhooks(shapes),
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": _KEYS},
                "basic": {"type": "http", "scheme": "basic", "description": _KEYS},
                "publishable": {
                    "type": "apiKey", "in": "query", "name": "key",
                    "description": "A publishable key, from a browser; with POST it is a field of the body.",
                },
            },
            "schemas": schemas.all_of(operations, deletable),
            "examples": {kind: {"value": value} for kind, value in examples.objects(shapes).items()},
            "headers": responses.HEADERS,
            "responses": responses.refusals(),
        },
    }
