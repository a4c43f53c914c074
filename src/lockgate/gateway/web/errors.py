"""The dialect's error envelope: where a refusal becomes a status and JSON, and a fault a 500 that tells nothing."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.rules.core.shapes import FAULT
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.log import mask

_STATUS: Mapping[Kind, tuple[int, str]] = {
    Kind.INVALID: (400, "invalid_request_error"),
    Kind.UNAUTHENTICATED: (401, "invalid_request_error"),
    Kind.FORBIDDEN: (403, "invalid_request_error"),
    Kind.NOT_FOUND: (404, "invalid_request_error"),
    Kind.METHOD: (405, "invalid_request_error"),
    Kind.CONFLICT: (409, "invalid_request_error"),
    Kind.CARD: (402, "card_error"),
    Kind.IDEMPOTENCY: (400, "idempotency_error"),
    Kind.TOO_LARGE: (413, "invalid_request_error"),
    Kind.MEDIA_TYPE: (415, "invalid_request_error"),
    Kind.RATE_LIMITED: (429, "invalid_request_error"),
    Kind.UNAVAILABLE: (503, "api_error"),
    Kind.INTERNAL: (500, "api_error"),
}
# What a thief would like to learn about a card: for the merchant's server only.
_TELLING = frozenset({"lost_card", "stolen_card", "pickup_card", "fraudulent", "restricted_card", "security_violation"})
_SERVER_ONLY = ("network_decline_code", "advice_code")

ERROR_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["type", "message"],
            "additionalProperties": False,
            "properties": {
                "type": {"type": "string", "enum": sorted({word for _, word in _STATUS.values()})},
                "message": {"type": "string"},
                "code": {"type": "string"},
                "param": {"type": "string"},
                "decline_code": {"type": "string"},
                "network_decline_code": {"type": "string"},
                "advice_code": {"type": "string"},
                "charge": {"type": "string"},
                "payment_intent": {"type": "object"},
                "setup_intent": {"type": "object"},
                "payment_method": {"type": "object"},
                "puzzle": {
                    "type": "object",
                    "required": ["algorithm", "bits", "expires_at", "parts", "token"],
                    "additionalProperties": False,
                    "properties": {
                        "algorithm": {"type": "string", "enum": ["sha-256"]},
                        "bits": {"type": "integer"},
                        "expires_at": {"type": "integer"},
                        "parts": {"type": "integer"},
                        "token": {"type": "string"},
                    },
                },
                "risk_rule_error": FAULT,
            },
        }
    },
}


def status_of(refusal: Refusal) -> int:
    """The HTTP status. A lock that is not had in time is the dialect's 429 without a rate's name."""
    if refusal.kind is Kind.CONFLICT and refusal.code == "lock_timeout":
        return 429
    return _STATUS[refusal.kind][0]


def error_fields(refusal: Refusal, *, embed: Mapping[str, Any], sees_secrets: bool) -> dict[str, Any]:
    """The inside of the envelope. ``embed`` is the refusal's own, already made fit for who asks."""
    fields: dict[str, Any] = {"type": _STATUS[refusal.kind][1], "message": mask(refusal.message)}
    for name in ("code", "param", "decline_code", "network_decline_code", "advice_code", "charge", "puzzle"):
        value = getattr(refusal, name)
        if value is not None:
            fields[name] = value
    fields.update(embed)
    return fields if sees_secrets else soften(fields)


def soften(fields: Mapping[str, Any]) -> dict[str, Any]:
    """An error as a shopper may see it: why the issuer declined stays with the merchant's server."""
    softened = {name: value for name, value in fields.items() if name not in _SERVER_ONLY}
    if softened.get("decline_code") in _TELLING:
        softened["decline_code"] = "generic_decline"
        softened["message"] = "Your card was declined."
    return softened


def body_of(fields: Mapping[str, Any]) -> bytes:
    """The envelope's bytes."""
    return json.dumps({"error": fields}, separators=(",", ":"), ensure_ascii=False).encode()


def plain_body(message: str, *, type_: str = "invalid_request_error") -> bytes:
    """An envelope with a message alone: for what goes wrong before there is a request."""
    return body_of({"type": type_, "message": message})


def unexpected() -> Refusal:
    """What is answered when something broke: nothing of what it held."""
    return Refusal(
        Kind.INTERNAL, "Something went wrong on our side. Retry with the same idempotency key: nothing happens twice."
    )
