"""Example values: one for every schema, the same each time, valid by the schema, and believable by the field's name."""

import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from lockgate.kernel.ids import BODY_LENGTH, base62

CREATED = 1_767_225_600  # the first second of 2026
# How the ids of a kind begin; a field of that name, or ending in it, holds such an id.
PREFIXES = {
    "account": "acct", "balance_transaction": "txn", "charge": "ch", "checkout.session": "cs_test", "customer": "cus",
    "dispute": "dp", "early_fraud_warning": "issfr", "ephemeral_key": "ephkey", "event": "evt", "item": "rsli",
    "latest_attempt": "setatt", "latest_charge": "ch", "mandate": "mandate", "payment_intent": "pi",
    "payment_method": "pm", "payout": "po", "radar.early_fraud_warning": "issfr", "radar.value_list": "rsl",
    "radar.value_list_item": "rsli", "refund": "re", "review": "prv", "session": "cs_test", "setup_attempt": "setatt",
    "setup_intent": "seti", "token": "tok", "value_list": "rsl", "warning": "issfr", "webhook_delivery": "whd",
    "webhook_endpoint": "we",
}  # fmt: skip
_ADDRESS = {"line1": "12 Mill Lane", "city": "Bristol", "postal_code": "BS1 4DJ", "country": "GB"}
# What fields of these names hold in examples, if their schema allows it. The first that it allows is taken.
NAMED: Mapping[str, tuple[Any, ...]] = {
    "address": (_ADDRESS,),
    "alias": ("blocked_countries",),
    "amount": (2000,), "amount_captured": (2000,), "amount_received": (2000,), "amount_to_capture": (2000,),
    "amount_total": (2000,), "amount_subtotal": (2000,), "unit_amount": (2000,), "net": (1914,), "fee": (86,),
    "accepted_at": (CREATED,), "active": (True,), "api_version": ("2026-09-30.dahlia",),
    "arrival_date": (CREATED + 172_800,),
    "authorization_code": ("417231",), "bank_name": ("Example Bank",), "brand": ("visa",), "billing_reason": (None,),
    "business_name": ("Loom & Thread Ltd",), "cancel_url": ("https://shop.example/cart",), "captured": (True,),
    "card": ({"token": "tok_visa"},),
    "city": ("Bristol",), "client_reference_id": ("order-6735",), "country": ("GB",), "created_by": ("sk_test",),
    "currency": ("usd",), "customer_email": ("ada@example.com",), "cvc": ("314",), "default_currency": ("usd",),
    "description": ("Two linen shirts",), "display_name": ("Example Bank",), "due_by": (CREATED + 604_800,),
    "email": ("ada@example.com",), "enabled_events": (["payment_intent.succeeded", "charge.refunded"],),
    "exp_month": (8,), "exp_year": (2030,), "fingerprint": ("Wq3kNfXm0TzL9bYh",), "funding": ("credit",),
    "http_status": (200,), "individual_name": ("Ada Hill",), "ip_address": ("203.0.113.7",), "item_type": ("string",),
    "last4": ("4242",), "limit": (3,), "line1": ("12 Mill Lane",), "mode": ("payment",), "name": ("Ada Hill",),
    "network": ("visa",), "number": ("4242424242424242",), "offset_s": (86_400,), "ok": (True,), "paid": (True,),
    "phone": ("+44 117 496 0123",), "postal_code": ("BS1 4DJ",), "preferred_locales": (["en-GB"],), "quantity": (1,),
    "query": ("metadata['order']:'6735'",), "reason": ("requested_by_customer",), "receipt_email": ("ada@example.com",),
    "return_url": ("https://shop.example/return",), "risk_level": ("normal",), "seller_message": ("Payment complete.",),
    "shipping": ({"name": "Ada Hill", "address": _ADDRESS},),
    "statement_descriptor": ("LOOM AND THREAD",), "statement_descriptor_suffix": ("ORDER 6735",),
    "status": (
        "succeeded", "complete", "needs_response", "paid", "active", "enabled", "available", "delivered",
    ),
    "success_url": ("https://shop.example/thanks",), "token": ("tok_visa",), "tracking_number": ("LX203847561GB",),
    "type": ("card", "charge", "authorized", "online", "payment_intent.succeeded"),
    "url": ("https://shop.example/hooks",), "user_agent": ("Mozilla/5.0",), "value": ("4242",),
    "payment_method_types": (["card"],), "data": ({"object": {}},), "metadata": ({"order": "6735"},),
    "network_transaction_id": ("736201485923641",), "reporting_category": ("charge",),
    "networks": (["203.0.113.0/24"],), "path": ("/v1/refunds",), "permissions": ({"charges": "read"},),
    "redirect_uris": (["https://app.example/back"],), "roles": (["developer"],), "rule": ("access_review_due",),
    "scope": ("account", "charges=read"),
    "agent": ("7f3a09c2",), "gaps": ("17_22_28_41_150",), "holds": ("13_16_18_19_22",), "languages": ("en-GB,en",),
    "math": ("b897dbc3",), "platform": ("Linux x86_64",), "screen": ("1920x1080x24",), "timezone": ("Europe/London",),
    "strokes": ("40_620_510_902_310_640_990_1800_380_140_900_31_2_8_16_17_40_12_301_91",),
    "window": ("1500x1000x1500x900",),
}  # fmt: skip
# What a string may be when its name says nothing: the first that its pattern and lengths allow.
_PLAIN = (
    "example", "usd", "US", "ada@example.com", "https://shop.example/", "0", "2026-01-01", "000000", "example" * 5,
)  # fmt: skip
# Nullable fields that examples show with a value: what most readers look for.
TELLING = frozenset(
    "balance_transaction card charge customer description latest_charge payment_intent payment_method outcome request "
    "payment_method_details shipping amount_total amount_subtotal currency url api_version".split()
)


def id_of(kind: str) -> str:
    """The one id that every example of this kind has."""
    body = int.from_bytes(sha256(kind.encode()).digest()[:10])
    return f"{PREFIXES.get(kind, kind)}_{base62((CREATED * 1000 << 80) | body, BODY_LENGTH)}"


def of_schema(schema: Mapping[str, Any], name: str = "") -> Any:
    """A value that ``schema`` allows, for a field called ``name``."""
    for wanted in _by_name(name):
        if allows(schema, wanted):
            return wanted
    if "anyOf" in schema:
        return of_schema(next((option for option in schema["anyOf"] if "$ref" not in option), {"type": "null"}), name)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else schema["enum"][0]
    kinds = _kinds(schema)
    return _plain(schema, name, kind="null" if "null" in kinds else kinds[0] if kinds else "string")


def _plain(schema: Mapping[str, Any], name: str, *, kind: str) -> Any:
    if kind == "null":
        return None
    if kind == "object":
        return _object(schema)
    if kind == "array":
        items = schema.get("items", {})
        return [] if "$ref" in items else [of_schema(items, name)]
    if kind == "boolean":
        return False
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 0), min(1, schema.get("maximum", 1)))
    return _string(schema, name)


def allows(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether ``value`` is valid by the few words of JSON Schema that this API's declarations use."""
    if "anyOf" in schema:
        return any(allows(option, value) for option in schema["anyOf"])
    if "not" in schema or "$ref" in schema:
        return False
    if "const" in schema or "enum" in schema:
        return value in schema.get("enum", [schema.get("const")])
    kinds = _kinds(schema)
    right = not kinds or any(_is_a(value, kind) for kind in kinds)
    return right and _within(schema, value)


def _within(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether ``value``, of the right type, keeps the schema's bounds."""
    if isinstance(value, str):
        pattern = schema.get("pattern")
        lengths = schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        return lengths and (pattern is None or re.search(pattern, value) is not None)
    if isinstance(value, int) and not isinstance(value, bool):
        return schema.get("minimum", value) <= value <= schema.get("maximum", value)
    if isinstance(value, list):
        return all(allows(schema.get("items", {}), item) for item in value)
    return not isinstance(value, dict) or _allows_members(schema, value)


def _allows_members(schema: Mapping[str, Any], value: Mapping[str, Any]) -> bool:
    properties, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    if not set(schema.get("required", ())) <= value.keys():
        return False
    for name, inner in value.items():
        if name in properties:
            if not allows(properties[name], inner):
                return False
        elif others is False or (isinstance(others, Mapping) and not allows(others, inner)):
            return False
    return True


def _by_name(name: str) -> Iterable[Any]:
    yield from NAMED.get(name, ())
    if name in PREFIXES:
        yield id_of(name)
    for ending in ("_payment_method", "_transaction", "_charge", "_intent"):
        if name.endswith(ending):
            yield id_of("balance_transaction" if ending == "_transaction" else ending.lstrip("_"))
    if name in ("starting_after", "ending_before"):
        return
    if name.endswith(("created", "_at", "_on", "_date", "before")) or name == "date":
        yield CREATED


def _kinds(schema: Mapping[str, Any]) -> list[str]:
    kind = schema.get("type", [])
    return [kind] if isinstance(kind, str) else list(kind)


def _is_a(value: Any, kind: str) -> bool:
    if kind in ("integer", "number"):
        return isinstance(value, int) and not isinstance(value, bool)
    types = {"string": str, "boolean": bool, "object": dict, "array": list, "null": type(None)}
    return isinstance(value, types[kind])


def _object(schema: Mapping[str, Any]) -> dict[str, Any]:
    properties = schema.get("properties", {})
    wanted = [name for name in properties if name in schema.get("required", ())]
    return {name: of_schema(properties[name], name) for name in wanted}


def _string(schema: Mapping[str, Any], name: str) -> str:
    """The tests of the contract find a form for which nothing is known here: a start must not fail for an example."""
    known = (*_PLAIN, "x" * schema.get("minLength", 0))
    return next((text for text in known if allows(schema, text)), name)
