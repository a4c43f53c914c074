"""The parameters of payouts, strictly; what is not supported is refused by name."""

from typing import Any

from lockgate.gateway.settlement.core.shapes import PAYOUT_STATUSES
from lockgate.kernel.params import (
    Choice,
    Integer,
    Listing,
    Metadata,
    Object,
    Only,
    Range,
    Text,
    Unsupported,
    clearable,
    optional,
    required,
)

MOST = 999_999_999_999
_ONE_BANK = "Money goes to the bank account that the processor knows for this merchant."


def _standard(value: Any) -> bool:
    return value == "standard"


def _card(value: Any) -> bool:
    return value == "card"


CREATE = Object(
    {
        "amount": required(Integer(1, MOST)),
        "currency": required(Text(3, minimum=3)),
        "description": clearable(Text(5000)),
        "destination": optional(Unsupported(_ONE_BANK)),
        "metadata": clearable(Metadata()),
        "method": optional(
            Only(Choice("standard", "instant"), _standard, "Instant payouts are not offered.")
        ),
        "payout_method": optional(Unsupported(_ONE_BANK)),
        "source_type": optional(
            Only(Choice("card", "bank_account", "fpx"), _card, "The whole balance comes from card payments.")
        ),
        "statement_descriptor": clearable(Text(22, pattern=r"[^<>\"'\\*]+")),
    }
)
UPDATE = Object({"metadata": clearable(Metadata())})
CANCEL = Object({})
REVERSE = Object({"metadata": clearable(Metadata())})
LIST = Listing(
    {
        "arrival_date": optional(Range()),
        "created": optional(Range()),
        "destination": optional(Unsupported(_ONE_BANK)),
        "status": optional(Choice(*PAYOUT_STATUSES)),
    }
).object()
