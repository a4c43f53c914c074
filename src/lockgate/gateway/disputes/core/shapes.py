"""What a dispute and an early fraud warning look like in the API."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.disputes.core import evidence
from lockgate.gateway.disputes.core.transitions import DISPUTE as STATES
from lockgate.kernel.shapes import BOOLEAN, INTEGER, METADATA, STRING, Field, Shape, const, list_of, one_of

REASONS = (
    "bank_cannot_process",
    "check_returned",
    "credit_not_processed",
    "customer_initiated",
    "debit_not_authorized",
    "duplicate",
    "fraudulent",
    "general",
    "incorrect_account_details",
    "insufficient_funds",
    "noncompliant",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
)
FRAUD_TYPES = (
    "card_never_received",
    "fraudulent_card_application",
    "made_with_counterfeit_card",
    "made_with_lost_card",
    "made_with_stolen_card",
    "misc",
    "unauthorized_use_of_card",
)
_NULL = {"type": "null"}
_NULLABLE_STRING = {"type": ["string", "null"]}
_NOTHING = {"type": "object", "additionalProperties": False}


def _closed(**properties: Any) -> Mapping[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


DISPUTE = Shape(
    "dispute",
    {
        "id": Field(STRING),
        "object": Field(const("dispute"), default="dispute"),
        "amount": Field(INTEGER),
        "balance_transactions": Field(list_of({"$ref": "#/components/schemas/balance_transaction"}), default=[]),
        "charge": Field(STRING, expands="charge"),
        "created": Field(INTEGER),
        "currency": Field(STRING),
        "enhanced_eligibility_types": Field(list_of(STRING), default=[]),
        "evidence": Field(
            _closed(
                **dict.fromkeys(evidence.FIELDS, _NULLABLE_STRING), appeal=_NULL, enhanced_evidence=_NOTHING
            ),
            default=evidence.shown({}),
            personal=True,
        ),
        "evidence_details": Field(
            _closed(
                due_by={"type": ["integer", "null"]},
                enhanced_eligibility=_NOTHING,
                has_evidence=BOOLEAN,
                past_due=BOOLEAN,
                submission_count=INTEGER,
                submission_method=one_of("manual", "not_submitted"),
            )
        ),
        "intended_submission_method": Field(STRING, nullable=True),
        "is_charge_refundable": Field(BOOLEAN),
        "livemode": Field(BOOLEAN),
        "metadata": Field(METADATA, default={}),
        "network_reason_code": Field(STRING, nullable=True),
        "payment_intent": Field(STRING, nullable=True, expands="payment_intent"),
        "payment_method_details": Field(
            _closed(
                card=_closed(
                    brand=STRING,
                    case_type=one_of("chargeback", "inquiry"),
                    network=STRING,
                    network_reason_code=_NULLABLE_STRING,
                ),
                type=const("card"),
            ),
            nullable=True,
        ),
        "reason": Field(one_of(*REASONS)),
        "status": Field(one_of(*STATES)),
    },
)

EARLY_FRAUD_WARNING = Shape(
    "radar.early_fraud_warning",
    {
        "id": Field(STRING),
        "object": Field(const("radar.early_fraud_warning"), default="radar.early_fraud_warning"),
        "actionable": Field(BOOLEAN),
        "charge": Field(STRING, expands="charge"),
        "created": Field(INTEGER),
        "fraud_type": Field(one_of(*FRAUD_TYPES)),
        "livemode": Field(BOOLEAN),
        "payment_intent": Field(STRING, nullable=True, expands="payment_intent"),
    },
)
