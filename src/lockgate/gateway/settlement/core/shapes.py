"""What a balance, a balance transaction and a payout look like in the API."""

from collections.abc import Mapping
from typing import Any

from lockgate.kernel.shapes import BOOLEAN, INTEGER, METADATA, OBJECT, STRING, Field, Shape, const, list_of, one_of

_FUNDS: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "amount": INTEGER,
        "currency": STRING,
        "source_types": {"type": "object", "additionalProperties": INTEGER},
    },
    "required": ["amount", "currency", "source_types"],
    "additionalProperties": False,
}
_FEE: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "amount": INTEGER,
        "application": {"type": "null"},
        "currency": STRING,
        "description": {"type": ["string", "null"]},
        "type": STRING,
    },
    "required": ["amount", "application", "currency", "description", "type"],
    "additionalProperties": False,
}

TRANSACTION_TYPES = (
    "adjustment", "charge", "payout", "payout_cancel", "payout_failure", "refund", "refund_failure",
)  # fmt: skip

BALANCE = Shape(
    "balance",
    {
        "object": Field(const("balance"), default="balance"),
        "available": Field(list_of(_FUNDS)),
        "connect_reserved": Field(list_of(_FUNDS), nullable=True),
        "instant_available": Field(list_of(_FUNDS), nullable=True),
        "issuing": Field(OBJECT, nullable=True),
        "livemode": Field(BOOLEAN),
        "pending": Field(list_of(_FUNDS)),
        "refund_and_dispute_prefunding": Field(OBJECT, nullable=True),
    },
)

BALANCE_TRANSACTION = Shape(
    "balance_transaction",
    {
        "id": Field(STRING),
        "object": Field(const("balance_transaction"), default="balance_transaction"),
        "amount": Field(INTEGER),
        "available_on": Field(INTEGER),
        "balance_type": Field(const("payments"), default="payments"),
        "created": Field(INTEGER),
        "currency": Field(STRING),
        "description": Field(STRING, nullable=True),
        "exchange_rate": Field({"type": "number"}, nullable=True),
        "fee": Field(INTEGER),
        "fee_details": Field(list_of(_FEE)),
        "net": Field(INTEGER),
        "reporting_category": Field(STRING),
        "source": Field(STRING, nullable=True, expands="balance_transaction_source"),
        "status": Field(one_of("available", "pending")),
        "type": Field(one_of(*TRANSACTION_TYPES)),
    },
)

PAYOUT_STATUSES = ("pending", "in_transit", "paid", "failed", "canceled")
_TRACE: Mapping[str, Any] = {
    "type": "object",
    "properties": {"status": STRING, "value": {"type": ["string", "null"]}},
    "required": ["status", "value"],
    "additionalProperties": False,
}

PAYOUT = Shape(
    "payout",
    {
        "id": Field(STRING),
        "object": Field(const("payout"), default="payout"),
        "amount": Field(INTEGER),
        "application_fee": Field(STRING, nullable=True, hollow=True),
        "application_fee_amount": Field(INTEGER, nullable=True),
        "arrival_date": Field(INTEGER),
        "automatic": Field(BOOLEAN),
        "balance_transaction": Field(STRING, nullable=True, expands="balance_transaction"),
        "created": Field(INTEGER),
        "currency": Field(STRING),
        "description": Field(STRING, nullable=True),
        "destination": Field(STRING, nullable=True, expands="external_account"),
        "failure_balance_transaction": Field(STRING, nullable=True, expands="balance_transaction"),
        "failure_code": Field(STRING, nullable=True),
        "failure_message": Field(STRING, nullable=True),
        "livemode": Field(BOOLEAN),
        "metadata": Field(METADATA, default={}),
        "method": Field(one_of("standard"), default="standard"),
        "original_payout": Field(STRING, nullable=True, expands="payout"),
        "payout_method": Field(STRING, nullable=True),
        "reconciliation_status": Field(one_of("completed", "not_applicable")),
        "reversed_by": Field(STRING, nullable=True, expands="payout"),
        "source_type": Field(one_of("card"), default="card"),
        "statement_descriptor": Field(STRING, nullable=True),
        "status": Field(one_of(*PAYOUT_STATUSES)),
        "trace_id": Field(_TRACE, nullable=True),
        "type": Field(one_of("bank_account"), default="bank_account"),
    },
)
