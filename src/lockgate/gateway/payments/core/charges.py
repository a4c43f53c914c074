"""The charge that an answer to an authorisation makes: what was paid with, what came of it, and what can be taken."""

from typing import Any

from lockgate.gateway.payments.core import decline as declines
from lockgate.gateway.payments.core.decline import Decline
from lockgate.gateway.payments.core.records import Charge, Intent, Method
from lockgate.gateway.payments.core.settle import on_statement
from lockgate.gateway.processors.contract import Outcome, Result
from lockgate.gateway.storage.rows import AttemptRow, ChargeRow

CHECKS = ("address_line1_check", "address_postal_code_check", "cvc_check")


def charge(
    intent: Intent,
    attempt: AttemptRow,
    result: Result,
    *,
    method: Method,
    status: str,
    captured: int,
    failure: Decline | None,
    expires_at: int | None,
) -> Charge:
    """The charge that ``attempt`` made, under the id that it carried from the start."""
    assert attempt.charge is not None, "an attempt to authorise knows its charge's id from the start"
    row = intent.row
    data: dict[str, Any] = {
        "calculated_statement_descriptor": on_statement(intent.data),
        "metadata": intent.data.get("metadata", {}),
        "outcome": failure.outcome() if failure else declines.approved_outcome(),
        "payment_method_details": {
            "type": "card",
            "card": _card(method, result, amount=row.amount, expires_at=expires_at),
        },
    }
    for name in ("description", "statement_descriptor", "statement_descriptor_suffix"):
        if intent.data.get(name) is not None:
            data[name] = intent.data[name]
    if failure:
        data |= {"failure_code": failure.code, "failure_message": failure.message}
    personal = {name: intent.personal[name] for name in ("receipt_email", "shipping") if name in intent.personal}
    if any(method.billing_details.get(name) for name in ("email", "name", "phone", "tax_id")) or any(
        method.address.values()
    ):
        personal["billing_details"] = method.billing_details
    return Charge(
        ChargeRow(
            account=row.account,
            livemode=row.livemode,
            id=attempt.charge,
            version=1,
            created=attempt.created,
            status=status,
            intent=row.id,
            amount=row.amount,
            amount_captured=captured,
            amount_refunded=0,
            capture_in_doubt=0,
            refund_in_doubt=0,
            currency=row.currency,
            customer=row.customer,
            payment_method=method.row.id,
            balance_transaction=None,
            processor=attempt.processor,
            processor_reference=result.processor_reference,
            subject=row.subject,
            data="",
            personal=None,
        ),
        data,
        personal,
        bool(personal),
    )


def _card(method: Method, result: Result, *, amount: int, expires_at: int | None) -> dict[str, Any]:
    card = method.data["card"]
    return {
        "amount_authorized": amount if result.outcome is Outcome.APPROVED else None,
        "authorization_code": None,
        "brand": card["brand"],
        "capture_before": expires_at,
        "checks": {name: result.checks.get(name) for name in CHECKS},
        "country": card.get("country"),
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "fingerprint": method.row.fingerprint,
        "funding": card.get("funding"),
        "installments": None,
        "last4": card["last4"],
        "mandate": None,
        "network": card.get("network") or card["brand"],
        "network_transaction_id": result.network_transaction_id,
        "three_d_secure": dict(result.three_d_secure) if result.three_d_secure else None,
        "wallet": None,
    }
