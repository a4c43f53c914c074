"""What a balance and a balance transaction look like in the API."""

from collections.abc import Mapping
from typing import Any

from lockgate.kernel.shapes import BOOLEAN, INTEGER, OBJECT, STRING, Field, Shape, const, list_of, one_of

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
        "type": Field(one_of("charge", "refund")),
    },
)
