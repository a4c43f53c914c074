"""Refunds, without IO: how much may be given back, what a processor's answer makes of it, and what one looks like.

The money is reserved on the charge (``refund_in_doubt``) before anything is sent, by a change of the charge's row that
only one of many parallel refunds can win. So what is refunded and what may yet turn out to be never exceed what was
captured. The refund's own row appears with the processor's answer: one that certainly was not sent leaves none.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from lockgate.gateway.payments.core import amounts
from lockgate.gateway.payments.core.transitions import ATTEMPT, move
from lockgate.gateway.processors.contract import REFUND_FAILED, Outcome, Result
from lockgate.gateway.storage.rows import AttemptRow, ChargeRow, RefundRow
from lockgate.kernel.errors import Refusal, invalid
from lockgate.kernel.params import (
    Choice,
    Integer,
    Listing,
    Metadata,
    Object,
    Range,
    Text,
    Unsupported,
    clearable,
    optional,
)
from lockgate.kernel.shapes import INTEGER, METADATA, OBJECT, STRING, Field, Shape, const, one_of

_NO_CONNECT = "Connected accounts are not offered."

CREATE = Object(
    {
        "amount": optional(Integer(1)),
        "charge": optional(Text(255)),
        "currency": optional(Unsupported("A refund is in its charge's currency.")),
        "customer": optional(Unsupported("There are no customer balances to refund from.")),
        "instructions_email": optional(Unsupported("Card refunds need no instructions.")),
        "metadata": clearable(Metadata()),
        "origin": optional(Unsupported("There are no customer balances to refund from.")),
        "payment_intent": optional(Text(255)),
        "reason": optional(Choice("duplicate", "fraudulent", "requested_by_customer")),
        "refund_application_fee": optional(Unsupported(_NO_CONNECT)),
        "reverse_transfer": optional(Unsupported(_NO_CONNECT)),
    }
)
UPDATE = Object({"metadata": clearable(Metadata())})
LIST = Listing(
    {"charge": optional(Text(255)), "created": optional(Range()), "payment_intent": optional(Text(255))}
).object()

FAILURE_REASONS = (
    "charge_for_pending_refund_disputed", "declined", "expired_or_canceled_card", "insufficient_funds",
    "lost_or_stolen_card", "merchant_request", "unknown",
)  # fmt: skip

REFUND = Shape(
    "refund",
    {
        "id": Field(STRING),
        "object": Field(const("refund"), default="refund"),
        "amount": Field(INTEGER),
        "balance_transaction": Field(STRING, nullable=True, expands="balance_transaction"),
        "charge": Field(STRING, nullable=True, expands="charge"),
        "created": Field(INTEGER),
        "currency": Field(STRING),
        "customer": Field(STRING, nullable=True, expands="customer"),
        "customer_account": Field(STRING, nullable=True),
        "description": Field(STRING, nullable=True),
        "destination_details": Field(OBJECT, nullable=True),
        "failure_balance_transaction": Field(STRING, nullable=True, expands="balance_transaction"),
        "failure_reason": Field(
            one_of(*FAILURE_REASONS),
            nullable=True,
        ),
        "instructions_email": Field(STRING, nullable=True),
        "metadata": Field(METADATA, default={}),
        "next_action": Field(OBJECT, nullable=True),
        "payment_intent": Field(STRING, nullable=True, expands="payment_intent"),
        "payment_method": Field(STRING, nullable=True, expands="payment_method"),
        "pending_reason": Field(one_of("charge_pending", "insufficient_funds", "processing"), nullable=True),
        "presentment_details": Field(OBJECT, nullable=True),
        "reason": Field(one_of("duplicate", "fraudulent", "requested_by_customer"), nullable=True),
        "receipt_number": Field(STRING, nullable=True),
        "source_transfer_reversal": Field(STRING, nullable=True, hollow=True),
        "status": Field(one_of("pending", "requires_action", "succeeded", "failed", "canceled"), nullable=True),
        "transfer_reversal": Field(STRING, nullable=True, hollow=True),
    },
)

_FAILURE_REASONS = {
    "lost_card": "lost_or_stolen_card",
    "stolen_card": "lost_or_stolen_card",
    "expired_card": "expired_or_canceled_card",
    "insufficient_funds": "insufficient_funds",
}


class Concluded(NamedTuple):
    """What an answer makes of a refund. ``refund`` is None when there was never one to show: nothing was sent."""

    attempt: AttemptRow
    charge: ChargeRow
    refund: RefundRow | None
    definite: bool


def reserve(charge: ChargeRow, amount: int | None) -> tuple[ChargeRow, int]:
    """The charge with the money to give back set apart, and how much that is: all that is left without ``amount``."""
    if charge.status != "succeeded" or not charge.amount_captured:
        raise invalid(
            "The charge was not captured, so there is nothing to refund; cancel its PaymentIntent to release it.",
            param="charge",
            code="charge_not_refundable",
        )
    if json.loads(charge.data).get("disputed"):
        raise invalid(f"Charge {charge.id} has been charged back; cannot issue a refund.", code="charge_disputed")
    left = charge.amount_captured - charge.amount_refunded - charge.refund_in_doubt
    if charge.amount_refunded == charge.amount_captured:
        raise _already(charge)
    wanted = left if amount is None else amount
    if wanted > left or not left:
        raise _too_much(charge, wanted, left)
    reserved = charge._replace(version=charge.version + 1, refund_in_doubt=charge.refund_in_doubt + wanted)
    return reserved, wanted


def conclude(
    attempt: AttemptRow, charge: ChargeRow, refund: RefundRow | None, *, result: Result, next_check_ms: int
) -> Concluded:
    """The rows after ``result``, before the books: a refund that succeeded still lacks its balance transaction.

    ``refund`` is the row as it stands, None while only the attempt knows of it. ``next_check_ms`` is when to inquire
    if the answer is not definite.
    """
    outcome = result.outcome
    status = _STATUS.get(outcome)
    settled = attempt._replace(
        version=attempt.version + 1,
        state=move(ATTEMPT, attempt.state, _STATE.get(outcome, "unknown")),
        processor_reference=result.processor_reference or attempt.processor_reference,
        next_check_ms=None if status else next_check_ms,
    )
    if status is None:
        return Concluded(settled, charge, _row(attempt, refund, "pending", result=result), definite=False)
    given_back = attempt.amount if status == "succeeded" else 0
    after = charge._replace(
        version=charge.version + 1,
        refund_in_doubt=charge.refund_in_doubt - attempt.amount,
        amount_refunded=charge.amount_refunded + given_back,
    )
    if outcome is Outcome.FAILED and refund is None:
        return Concluded(settled, after, None, definite=True)
    return Concluded(settled, after, _row(attempt, refund, status, result=result), definite=True)


_STATUS = {Outcome.APPROVED: "succeeded", Outcome.DECLINED: "failed", Outcome.FAILED: "failed"}
_STATE = {
    Outcome.APPROVED: "approved",
    Outcome.DECLINED: "declined",
    Outcome.FAILED: "failed",
    Outcome.PENDING: "pending",
}


def fee_share(fee: int, *, captured: int, amount: int, returned: int) -> int:
    """The part of a capture's fee that a processor returns with ``amount``; ``returned`` came back before.

    Many parts never exceed the whole, whatever more was captured between them, for a fee that is not in proportion.
    """
    return min(fee * amount // captured, fee - returned)


def failed(refund: RefundRow, *, reason: str | None, transaction: str) -> RefundRow:
    """``refund``, which had succeeded, after it came back; ``transaction`` is what that put into the books."""
    data = {
        **json.loads(refund.data), "failure_reason": known_reason(reason), "failure_balance_transaction": transaction
    }
    return refund._replace(version=refund.version + 1, status="failed", data=_json(data))


def known_reason(reason: str | None) -> str:
    """The dialect's word for why a refund failed, as far as the processor said one."""
    return reason if reason in FAILURE_REASONS else "unknown"


def not_cancelable(refund: RefundRow) -> Refusal:
    """Only a refund that waits for the customer can be canceled, and refunds to cards never wait for her."""
    return invalid(
        f"You cannot cancel this Refund because it has a status of {refund.status}. "
        "Only a Refund with one of the following statuses may be canceled: requires_action."
    )


def changed(refund: RefundRow, metadata: Mapping[str, str] | None) -> RefundRow:
    """``refund`` with its metadata changed: an empty value deletes its key, None clears all."""
    data = json.loads(refund.data)
    merged = {**data["metadata"], **metadata} if metadata else {}
    data["metadata"] = {key: value for key, value in merged.items() if value}
    if len(data["metadata"]) > 50:
        raise invalid("metadata can hold at most 50 keys.", param="metadata")
    return refund._replace(version=refund.version + 1, data=_json(data))


def render(row: RefundRow) -> dict[str, Any]:
    """The refund as the API shows it."""
    data = json.loads(row.data)
    return REFUND.render(
        {
            "id": row.id,
            "amount": row.amount,
            "balance_transaction": row.balance_transaction,
            "charge": row.charge,
            "created": row.created,
            "currency": row.currency,
            "customer": data["customer"],
            "destination_details": _destination(data["reference"], row.status),
            "failure_balance_transaction": data.get("failure_balance_transaction"),
            "failure_reason": data["failure_reason"],
            "metadata": data["metadata"],
            "payment_intent": row.intent,
            "payment_method": data["payment_method"],
            "pending_reason": "processing" if row.status == "pending" else None,
            "reason": data["reason"],
            "status": row.status,
        }
    )


def _row(attempt: AttemptRow, refund: RefundRow | None, status: str, *, result: Result) -> RefundRow:
    assert attempt.refund is not None, "a refund's attempt names its refund"
    assert attempt.charge is not None, "a refund's attempt names its charge"
    data = json.loads(refund.data) if refund else {**json.loads(attempt.data)["refund"], "failure_reason": None}
    data["reference"] = result.processor_reference or data.get("reference")
    if status == "failed":
        data["failure_reason"] = _failure_reason(result)
    return RefundRow(
        account=attempt.account,
        livemode=attempt.livemode,
        id=attempt.refund,
        version=refund.version + 1 if refund else 1,
        created=attempt.created,
        status=status,
        charge=attempt.charge,
        intent=attempt.intent,
        amount=attempt.amount,
        currency=attempt.currency,
        balance_transaction=None,
        data=_json(data),
    )


def _failure_reason(result: Result) -> str:
    if result.decline_code == REFUND_FAILED:
        return known_reason(result.reason)
    if result.outcome is Outcome.FAILED:
        return "unknown"
    return _FAILURE_REASONS.get(result.decline_code or "", "declined")


def _destination(reference: str | None, status: str) -> dict[str, Any] | None:
    """The bank's reference for a refund that it accepted."""
    if status != "succeeded":
        return None
    card = {"type": "refund", "reference_type": "acquirer_reference_number", "reference_status": "unavailable"}
    if reference:
        card |= {"reference": reference, "reference_status": "available"}
    return {"type": "card", "card": card}


def _already(charge: ChargeRow) -> Refusal:
    return invalid(f"Charge {charge.id} has already been refunded.", code="charge_already_refunded")


def _too_much(charge: ChargeRow, wanted: int, left: int) -> Refusal:
    asked, there = amounts.shown(wanted, charge.currency), amounts.shown(left, charge.currency)
    doubt = ". Another refund is still waiting for the processor's answer." if charge.refund_in_doubt else ""
    what = "charge amount" if left == charge.amount else "unrefunded amount on charge"
    return invalid(f"Refund amount ({asked}) is greater than {what} ({there}){doubt}", param="amount")


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))
