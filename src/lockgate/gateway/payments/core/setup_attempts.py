"""Setup attempts, without IO: one for each try to save a payment method, and what became of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate.gateway.payments.core import challenge
from lockgate.gateway.payments.core.records import dumps
from lockgate.gateway.payments.core.shapes import LAST_ERROR
from lockgate.gateway.processors.contract import Result
from lockgate.gateway.storage.records import SetupAttemptRow
from lockgate.gateway.storage.rows import PaymentMethodRow, SetupIntentRow
from lockgate.kernel.shapes import BOOLEAN, INTEGER, STRING, Field, Shape, const, list_of, one_of

STATUSES = ("processing", "requires_action", "requires_confirmation", "succeeded", "failed", "abandoned")
_CHECKS = ("address_line1_check", "address_postal_code_check", "cvc_check")
_SHOWN = ("brand", "country", "exp_month", "exp_year", "funding", "last4")
_NULLABLE_STRING = {"type": ["string", "null"]}


def _closed(**properties: object) -> dict[str, object]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


_CARD = _closed(
    brand=_NULLABLE_STRING,
    checks=_closed(**dict.fromkeys(_CHECKS, _NULLABLE_STRING)),
    country=_NULLABLE_STRING,
    exp_month={"type": ["integer", "null"]},
    exp_year={"type": ["integer", "null"]},
    fingerprint=_NULLABLE_STRING,
    funding=_NULLABLE_STRING,
    last4=_NULLABLE_STRING,
    network=_NULLABLE_STRING,
    three_d_secure={"type": ["object", "null"], "additionalProperties": _NULLABLE_STRING},
    wallet={"type": "null"},
)

SETUP_ATTEMPT = Shape(
    "setup_attempt",
    {
        "id": Field(STRING),
        "object": Field(const("setup_attempt"), default="setup_attempt"),
        "application": Field(STRING, nullable=True),
        "attach_to_self": Field(BOOLEAN, nullable=True),
        "created": Field(INTEGER),
        "customer": Field(STRING, nullable=True, expands="customer"),
        "customer_account": Field(STRING, nullable=True),
        "flow_directions": Field(list_of(STRING), nullable=True),
        "livemode": Field(BOOLEAN),
        "on_behalf_of": Field(STRING, nullable=True),
        "payment_method": Field(STRING, expands="payment_method"),
        "payment_method_details": Field(_closed(card=_CARD, type=const("card"))),
        # Whole because it holds the payment method with its billing details.
        "setup_error": Field(LAST_ERROR, nullable=True, personal=True),
        "setup_intent": Field(STRING, expands="setup_intent"),
        "status": Field(one_of(*STATUSES)),
        "usage": Field(one_of("off_session", "on_session")),
    },
)


@dataclass(frozen=True, slots=True)
class Tried:
    """A setup attempt in the hand: its row, with its JSON and its personal fields already read."""

    row: SetupAttemptRow
    data: Mapping[str, Any]
    personal: Mapping[str, Any] = field(default_factory=dict, repr=False)


def begun(
    intent: SetupIntentRow, *, id_: str, attempt: str, method: PaymentMethodRow, usage: str, now: int
) -> Tried:
    """A try that is about to be sent, as the order ``attempt``."""
    row = SetupAttemptRow(
        account=intent.account,
        livemode=intent.livemode,
        id=id_,
        version=1,
        created=now,
        setup_intent=intent.id,
        status="processing",
        customer=intent.customer,
        payment_method=method.id,
        attempt=attempt,
        subject=intent.subject,
        data="",
        personal=None,
    )
    card = json.loads(method.data)["card"]
    shown = {name: card.get(name) for name in _SHOWN}
    details = {
        **shown,
        "checks": {name: (card.get("checks") or {}).get(name) for name in _CHECKS},
        "fingerprint": method.fingerprint,
        "network": card.get("network") or card["brand"],
        "three_d_secure": None,
        "wallet": None,
    }
    return Tried(row, {"card": details, "usage": usage})


def after(
    tried: Tried, status: str, *, result: Result | None = None, error: Mapping[str, Any] | None = None
) -> Tried:
    """The next version: how the try stands, with what the processor checked and why it refused."""
    card = dict(tried.data["card"])
    if result is not None:
        known = {name: check for name, check in result.checks.items() if check is not None}
        card |= {"checks": {**card["checks"], **known}, "three_d_secure": challenge.record(result.three_d_secure)}
    row = tried.row._replace(version=tried.row.version + 1, status=status)
    return Tried(row, {**tried.data, "card": card}, {"setup_error": dict(error)} if error else tried.personal)


def written(tried: Tried) -> SetupAttemptRow:
    """The row with its JSON; its personal fields are still to be sealed."""
    return tried.row._replace(data=dumps(tried.data))


def shown(tried: Tried) -> dict[str, Any]:
    """The whole object."""
    row = tried.row
    return SETUP_ATTEMPT.render(
        {
            "id": row.id,
            "created": row.created,
            "customer": row.customer,
            "livemode": row.livemode,
            "payment_method": row.payment_method,
            "payment_method_details": {"card": tried.data["card"], "type": "card"},
            "setup_error": tried.personal.get("setup_error"),
            "setup_intent": row.setup_intent,
            "status": row.status,
            "usage": tried.data["usage"],
        }
    )
