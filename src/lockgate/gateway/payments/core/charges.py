"""The charge that an answer to an authorisation makes: what was paid with, what came of it, and what can be taken."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers.core import sources
from lockgate.gateway.payments.core import challenge
from lockgate.gateway.payments.core import decline as declines
from lockgate.gateway.payments.core.decline import Decline
from lockgate.gateway.payments.core.records import Charge, Intent, Method
from lockgate.gateway.payments.core.settle import on_statement
from lockgate.gateway.processors.contract import Outcome, Result
from lockgate.gateway.risk.core import reviews
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
    pending: Charge | None = None,
    mandate: str | None = None,
) -> Charge:
    """The charge that ``attempt`` made, under the id that it carried from the start; ``pending`` is it so far."""
    assert attempt.charge is not None, "an attempt to authorise knows its charge's id from the start"
    row, detail = intent.row, json.loads(attempt.data)
    verdict = detail.get("verdict", {})
    came_of_it: dict[str, Any] = {
        "outcome": _outcome(status, failure, result.risk_level, verdict),
        "payment_method_details": {
            "type": "card",
            "card": _card(intent, method, result, expires_at=expires_at, mandate=mandate),
        },
    }
    if failure:
        came_of_it |= {"failure_code": failure.code, "failure_message": failure.message}
    elif status == "succeeded" and (detail.get("review") or result.risk_level == declines.ELEVATED):
        came_of_it["review"] = reviews.id_of(attempt.charge)
    if pending is not None:
        return pending.after(
            status,
            data=came_of_it,
            amount_captured=captured,
            processor_reference=result.processor_reference or pending.row.processor_reference,
        )
    data: dict[str, Any] = {
        "calculated_statement_descriptor": on_statement(intent.data),
        "metadata": intent.data.get("metadata", {}),
        **came_of_it,
    }
    if intent.is_hidden:
        data["source"] = sources.card(method.row)
    if "session" in detail:
        data["radar_options"] = {"session": detail["session"]}
    for name in ("description", "statement_descriptor", "statement_descriptor_suffix"):
        if intent.data.get(name) is not None:
            data[name] = intent.data[name]
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
            intent=None if intent.is_hidden else row.id,
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


def _outcome(
    status: str, failure: Decline | None, risk_level: str | None, verdict: Mapping[str, Any]
) -> dict[str, Any] | None:
    if status == "pending":
        return None
    if failure is None:
        return declines.approved_outcome(risk_level, verdict)
    return declines.with_risk(failure.outcome(), verdict)


def _card(
    intent: Intent, method: Method, result: Result, *, expires_at: int | None, mandate: str | None
) -> dict[str, Any]:
    card, amount = method.data["card"], intent.row.amount
    approved = result.outcome is Outcome.APPROVED
    return {
        "amount_authorized": amount if approved else None,
        "authorization_code": None,
        "brand": card["brand"],
        "capture_before": expires_at,
        "checks": {name: result.checks.get(name) for name in CHECKS},
        "country": card.get("country"),
        "description": None,
        "electronic_commerce_indicator": None,
        "exp_month": card["exp_month"],
        "exp_year": card["exp_year"],
        "extended_authorization": {"status": "disabled"},
        "fingerprint": method.row.fingerprint,
        "funding": card.get("funding"),
        "iin": None,
        "incremental_authorization": {"status": _available(intent, approved, "request_incremental_authorization")},
        "installments": None,
        "issuer": None,
        "last4": card["last4"],
        "mandate": mandate,
        "moto": None,
        "multicapture": {"status": _available(intent, approved, "request_multicapture")},
        "network": card.get("network") or card["brand"],
        "network_token": {"used": False},
        "network_transaction_id": result.network_transaction_id,
        "overcapture": {"maximum_amount_capturable": amount, "status": "unavailable"},
        "regulated_status": None,
        "setup_credential_usage": None,
        "stored_credential_usage": None,
        "three_d_secure": challenge.record(result.three_d_secure),
        "transaction_link_id": None,
        "wallet": None,
    }


def _available(intent: Intent, approved: bool, request: str) -> str:
    """Whether an authorisation that waits for its capture may be raised, or captured in parts: if it was asked for."""
    asked = intent.data.get("payment_method_options", {}).get("card", {}).get(request) == "if_available"
    manual = intent.data.get("capture_method") == "manual"
    return "available" if approved and asked and manual else "unavailable"
