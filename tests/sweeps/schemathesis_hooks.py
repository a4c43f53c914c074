"""What schemathesis must be told of this API: how nested values stand in a form, and ids of objects that exist."""

import json
import os
import zlib
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote_plus

import schemathesis

FORM = "application/x-www-form-urlencoded"
# Collection -> id, of a merchant who owns one of each: half of all ids in paths and parameters are these.
OBJECTS: dict[str, str] = json.loads(os.environ.get("SWEEP_OBJECTS", "{}"))
NAMES = {
    "customer": "customers", "payment_method": "payment_methods", "default_payment_method": "payment_methods",
    "payment_intent": "payment_intents", "intent": "payment_intents", "charge": "charges", "event": "events",
    "webhook_endpoint": "webhook_endpoints", "dispute": "disputes", "payout": "payouts", "session": "sessions",
    "review": "reviews", "warning": "early_fraud_warnings", "mandate": "mandates", "token": "tokens",
    "value_list": "value_lists", "item": "value_list_items", "setup_intent": "setup_intents", "key": "ephemeral_keys",
    "default_source": "payment_methods", "risk_rule": "rules", "engine": "engines", "decision": "decisions",
}


def fields(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Nested values as the dialect writes them: ``a[b]=`` and ``a[0]=``."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from fields(inner, f"{name}[{key}]" if name else str(key))
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            yield from fields(inner, f"{name}[{index}]")
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    elif value is None:
        yield name, ""
    else:
        yield name, str(value)


def encode(value: Any) -> bytes:
    pairs = fields(value)
    return "&".join(f"{_quoted(key)}={_quoted(text)}" for key, text in pairs).encode()


def _quoted(text: str) -> str:
    return quote_plus(text.encode("utf-8", "surrogatepass"), safe="[]")


@schemathesis.serializer(FORM)
def form(_context: schemathesis.SerializationContext, value: Any) -> Any:
    return value if isinstance(value, bytes) else encode(value)


@schemathesis.hook
def map_query(_context: schemathesis.HookContext, query: Any) -> Any:
    """Nested query parameters, spelled out."""
    return dict(fields(query)) if isinstance(query, Mapping) else query


@schemathesis.hook
def map_path_parameters(context: schemathesis.HookContext, path_parameters: Any) -> Any:
    """Half of the ids in paths are real, so that what lies behind a found object is tried as well."""
    if not isinstance(path_parameters, Mapping) or context.operation is None:
        return path_parameters
    return {
        name: _real(name, context.operation.path, value) if isinstance(value, str) else value
        for name, value in path_parameters.items()
    }


@schemathesis.hook
def map_body(_context: schemathesis.HookContext, body: Any) -> Any:
    """Half of the ids in bodies are real, and most cards are ready-made ones."""
    if not isinstance(body, dict):
        return body
    return {
        name: _real(name, "", value) if isinstance(value, str) and name in NAMES and value else value
        for name, value in body.items()
    }


@schemathesis.hook
def after_call(_context: schemathesis.HookContext, case: Any, response: Any) -> None:
    """What was made is used from then on, in paths and in parameters that name its kind."""
    if case.method.upper() == "POST" and response.status_code == 200 and "{" not in case.operation.path:
        made = response.json().get("id")
        if isinstance(made, str):
            OBJECTS[case.operation.path.split("/")[-1]] = made


def _real(name: str, path: str, value: str) -> str:
    if zlib.crc32(value.encode("utf-8", "surrogatepass")) % 2:
        return value
    fixed = [part for part in path.split("/") if part and not part.startswith("{")]
    collection = NAMES.get(name) or (fixed[1] if len(fixed) > 1 else "")
    return OBJECTS.get(collection, value)
