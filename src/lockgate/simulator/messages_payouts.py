"""What merchants may send about payouts: parsed strictly into closed messages, or refused by field."""

import re
from dataclasses import dataclass
from typing import Any

from lockgate.simulator.parsing import CURRENCY, MAX_TIME, REFERENCE, closed, digest, integer, matching

_DESCRIPTOR = re.compile(r"[ -~]{1,64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Money for the merchant's bank, there on ``arrival_date`` (epoch seconds)."""

    reference: str
    amount: int
    currency: str
    arrival_date: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """Stop a payout (``amount`` None), or take ``amount`` of it back. ``payout`` is its id here."""

    reference: str
    payout: str
    amount: int | None
    digest: str


def payout(body: dict[str, Any]) -> Transfer:
    """Parse POST /payouts."""
    closed(body, required=("reference", "amount", "currency", "arrival_date"), optional=("statement_descriptor",))
    if body.get("statement_descriptor") is not None:
        matching(body, "statement_descriptor", _DESCRIPTOR)
    return Transfer(
        reference=matching(body, "reference", REFERENCE),
        amount=integer(body, "amount", low=1),
        currency=matching(body, "currency", CURRENCY),
        arrival_date=integer(body, "arrival_date", low=0, high=MAX_TIME),
        digest=digest("payout", body),
    )


def cancellation(body: dict[str, Any]) -> Recall:
    """Parse POST /payouts/cancel."""
    closed(body, required=("reference", "payout"))
    return _recall("payout_cancellation", body, amount=None)


def reversal(body: dict[str, Any]) -> Recall:
    """Parse POST /payouts/reverse."""
    closed(body, required=("reference", "payout", "amount"))
    return _recall("payout_reversal", body, amount=integer(body, "amount", low=1))


def _recall(kind: str, body: dict[str, Any], *, amount: int | None) -> Recall:
    return Recall(
        reference=matching(body, "reference", REFERENCE),
        payout=matching(body, "payout", REFERENCE),
        amount=amount,
        digest=digest(kind, body),
    )
