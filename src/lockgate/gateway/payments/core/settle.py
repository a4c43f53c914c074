"""What a processor's answer does to an intent, its charge and the books: pure, the same at once and after recovery."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from lockgate.gateway.customers.core.attach import attached, keepable
from lockgate.gateway.ledger import transfers
from lockgate.gateway.payments.core import decline as declines
from lockgate.gateway.payments.core.decline import Decline
from lockgate.gateway.payments.core.records import Charge, Intent, Method, dumps
from lockgate.gateway.payments.core.transitions import ATTEMPT, move
from lockgate.gateway.processors.contract import Outcome, Result
from lockgate.gateway.storage.rows import (
    AttemptRow,
    BalanceTransactionRow,
    ChargeRow,
    PaymentMethodRow,
    TransferRow,
)

AUTHORIZATION_LIFE_S = 7 * 24 * 3600
FIRST_CHECK_MS = 15_000
CVC_GONE = "cvc_gone"
_CHECKS = ("address_line1_check", "address_postal_code_check", "cvc_check")

STATE_OF = {
    Outcome.APPROVED: "approved",
    Outcome.DECLINED: "declined",
    Outcome.ACTION_REQUIRED: "action_required",
    Outcome.PENDING: "pending",
    Outcome.UNKNOWN: "unknown",
    Outcome.NOT_FOUND: "unknown",
    Outcome.FAILED: "failed",
}


class Clock(NamedTuple):
    """The time of a change: business seconds, and milliseconds for the next inquiry."""

    now: int
    now_ms: int


class Booking(NamedTuple):
    """What the books need to know about a capture."""

    fee: int
    available_on: int


class Settled(NamedTuple):
    """Everything that the last commit writes, and what the caller is told.

    ``events`` are types with what they show: ``intent``, ``charge`` or ``method``. ``declined`` is the refusal to
    answer with; ``not_sent`` says that nothing happened and the request may be tried again; ``fault`` is a parameter
    that turned out to be needed.
    """

    intent: Intent
    attempt: AttemptRow
    charge: Charge | None = None
    method: PaymentMethodRow | None = None
    transfers: tuple[TransferRow, ...] = ()
    transactions: tuple[BalanceTransactionRow, ...] = ()
    events: tuple[tuple[str, str], ...] = ()
    declined: Decline | None = None
    not_sent: bool = False
    fault: str | None = None


def authorization(
    intent: Intent,
    attempt: AttemptRow,
    result: Result,
    *,
    method: Method,
    shown_method: Mapping[str, Any],
    clock: Clock,
    booking: Booking,
) -> Settled:
    """The end, or the next step, of an attempt to authorise or to complete an authorisation.

    ``shown_method`` is the payment method as the API shows it, for ``last_payment_error``.
    """
    detail = json.loads(attempt.data)
    if result.outcome is Outcome.FAILED and result.reason == CVC_GONE:
        result = Result(Outcome.DECLINED, decline_code=CVC_GONE)
    if result.outcome is Outcome.FAILED and attempt.state != "open":
        # The merchant was told that it is processing: she must be told that it failed.
        result = Result(Outcome.DECLINED, decline_code=declines.REVERSED, reason=result.reason)
    # Nobody is there to act: the challenge is as good as a decline.
    if result.outcome is Outcome.ACTION_REQUIRED and (detail.get("off_session") or detail.get("error_on_action")):
        result = Result(
            Outcome.DECLINED,
            processor_reference=result.processor_reference,
            decline_code="authentication_required",
            three_d_secure=result.three_d_secure,
        )
    if result.outcome is Outcome.ACTION_REQUIRED and not detail.get("return_url"):
        return _without_return_url(intent, attempt, result, detail=detail, clock=clock)
    after = _attempt(attempt, result, clock=clock)
    match result.outcome:
        case Outcome.APPROVED:
            return _approved(intent, after, result, detail=detail, method=method, clock=clock, booking=booking)
        case Outcome.DECLINED:
            return _declined(intent, after, result, detail=detail, method=method, shown_method=shown_method)
        case Outcome.ACTION_REQUIRED:
            return _action_required(intent, after, result, detail=detail)
        case Outcome.FAILED:
            return Settled(_as_before(intent, detail, clock=clock), after, not_sent=True)
        case _:
            events = () if attempt.state != "open" else (("payment_intent.processing", "intent"),)
            waiting = intent.after("processing", attempt=attempt.id, data={"next_action": None})
            return Settled(waiting, after, events=_born(detail) + events)


def capture(
    intent: Intent, charge: Charge, attempt: AttemptRow, *, result: Result, clock: Clock, booking: Booking
) -> Settled:
    """The end of an attempt to capture; in doubt, the amount stays reserved."""
    after = _attempt(attempt, result, clock=clock)
    amount = attempt.amount
    if result.outcome is Outcome.APPROVED:
        booked = transfers.captured(
            charge.row,
            amount,
            fee=booking.fee,
            now=clock.now,
            available_on=booking.available_on,
            held=True,
            description=intent.data.get("description"),
        )
        rest = transfers.released(charge.row, charge.row.amount - amount, now=clock.now)
        detail = json.loads(attempt.data)
        taken = charge.after(
            amount_captured=amount,
            capture_in_doubt=0,
            balance_transaction=booked.transaction.id,
            data=detail.get("charge_changes"),
        )
        done = intent.after(
            "succeeded",
            attempt=None,
            amount_received=amount,
            amount_capturable=0,
            expires_at=None,
            data=detail.get("intent_changes"),
        )
        return Settled(
            done,
            after,
            taken,
            transfers=(*booked.transfers, *rest),
            transactions=(booked.transaction,),
            events=(("charge.captured", "charge"), ("payment_intent.succeeded", "intent")),
        )
    if result.outcome in (Outcome.DECLINED, Outcome.FAILED):
        back = intent.after("requires_capture", attempt=None)
        freed = charge.after(capture_in_doubt=0)
        refused = _decline(result) if result.outcome is Outcome.DECLINED else None
        told = () if attempt.state == "open" else (("payment_intent.amount_capturable_updated", "intent"),)
        return Settled(back, after, freed, events=told, declined=refused, not_sent=refused is None)
    events = () if attempt.state != "open" else (("payment_intent.processing", "intent"),)
    return Settled(intent.after("processing"), after, events=events)


def void(intent: Intent, charge: Charge, attempt: AttemptRow, *, result: Result, clock: Clock) -> Settled:
    """The end of an attempt to release an authorisation, because of a cancel or because it expired."""
    detail = json.loads(attempt.data)
    after = _attempt(attempt, result, clock=clock)
    expired = detail.get("expired", False)
    gone = result.outcome is Outcome.DECLINED and (result.decline_code == declines.REVERSED or expired)
    if result.outcome is Outcome.APPROVED or gone:
        canceled = intent.after(
            "canceled",
            attempt=None,
            amount_capturable=0,
            expires_at=None,
            data={
                "canceled_at": clock.now,
                "cancellation_reason": detail.get("cancellation_reason"),
                "next_action": None,
            },
        )
        released = transfers.released(charge.row, charge.row.amount, now=clock.now)
        events = (("payment_intent.canceled", "intent"),)
        if expired:
            events = (("charge.expired", "charge"), *events)
        return Settled(canceled, after, charge, transfers=tuple(released), events=events)
    if result.outcome in (Outcome.DECLINED, Outcome.FAILED):
        columns: dict[str, Any] = {"attempt": None}
        if expired:
            columns["expires_at"] = clock.now + 3600  # not now, but it will be tried again
        refused = _decline(result) if result.outcome is Outcome.DECLINED else None
        return Settled(intent.after(**columns), after, declined=refused, not_sent=refused is None)
    return Settled(intent.after(), after)


def memory(intent: Intent) -> dict[str, Any]:
    """What an attempt keeps of the intent before it, so that an order that was never sent leaves no trace."""
    return {
        "before": intent.row.status,
        "before_attempt": intent.row.attempt,
        "before_method": intent.row.payment_method,
        "next_action": intent.data.get("next_action"),
    }


def _approved(
    intent: Intent,
    attempt: AttemptRow,
    result: Result,
    *,
    detail: Mapping[str, Any],
    method: Method,
    clock: Clock,
    booking: Booking,
) -> Settled:
    takes = detail.get("capture", False)
    expires_at = None if takes else min(clock.now + AUTHORIZATION_LIFE_S, result.expires_at or 1 << 62)
    charge = _charge(
        intent,
        attempt,
        result,
        method=method,
        status="succeeded",
        captured=intent.row.amount if takes else 0,
        failure=None,
        expires_at=expires_at,
    )
    if takes:
        booked = transfers.captured(
            charge.row,
            charge.row.amount,
            fee=booking.fee,
            now=clock.now,
            available_on=booking.available_on,
            held=False,
            description=intent.data.get("description"),
        )
        charge = _with_transaction(charge, booked.transaction)
        moved, transactions = tuple(booked.transfers), (booked.transaction,)
        done = intent.after(
            "succeeded",
            attempt=None,
            latest_charge=charge.row.id,
            amount_received=intent.row.amount,
            amount_capturable=0,
            expires_at=None,
            data={"next_action": None},
            personal={"last_payment_error": None},
        )
        events = (("payment_intent.succeeded", "intent"), ("charge.succeeded", "charge"))
    else:
        moved, transactions = tuple(transfers.authorized(charge.row, now=clock.now)), ()
        done = intent.after(
            "requires_capture",
            attempt=None,
            latest_charge=charge.row.id,
            amount_capturable=intent.row.amount,
            expires_at=expires_at,
            data={"next_action": None},
            personal={"last_payment_error": None},
        )
        events = (("payment_intent.amount_capturable_updated", "intent"), ("charge.succeeded", "charge"))
    saved = _saved(intent, method, result, detail=detail)
    if saved is not None and saved.customer != method.row.customer:
        events = (*events, ("payment_method.attached", "method"))
    return Settled(done, attempt, charge, saved, moved, transactions, _born(detail) + events)


def _declined(
    intent: Intent,
    attempt: AttemptRow,
    result: Result,
    *,
    detail: Mapping[str, Any],
    method: Method,
    shown_method: Mapping[str, Any],
) -> Settled:
    refused = _decline(result)
    charge = None
    # Where the cardholder failed to prove who she is, nobody was asked for money: there is no charge.
    if refused.code != "payment_intent_authentication_failure":
        charge = _charge(
            intent, attempt, result, method=method, status="failed", captured=0, failure=refused, expires_at=None
        )
    error = refused.error(charge=charge.row.id if charge else None)
    columns: dict[str, Any] = {"latest_charge": charge.row.id} if charge else {}
    failed = intent.after(
        "requires_payment_method",
        attempt=None,
        payment_method=None,
        data={"next_action": None},
        personal={"last_payment_error": {**error, "payment_method": shown_method}},
        **columns,
    )
    events = (("payment_intent.payment_failed", "intent"),)
    if charge:
        events = (("charge.failed", "charge"), *events)
    return Settled(failed, attempt, charge, events=_born(detail) + events, declined=refused)


def _action_required(intent: Intent, attempt: AttemptRow, result: Result, *, detail: Mapping[str, Any]) -> Settled:
    """The intent keeps the attempt that the challenge belongs to: only its way back may complete it."""
    waits_for = detail.get("authorize", attempt.id)
    action = {
        "type": "redirect_to_url",
        "redirect_to_url": {"url": result.redirect_url, "return_url": detail["return_url"]},
    }
    waiting = intent.after("requires_action", attempt=waits_for, data={"next_action": action})
    events = () if attempt.action == "complete" else (("payment_intent.requires_action", "intent"),)
    return Settled(waiting, attempt, events=_born(detail) + events)


def _without_return_url(
    intent: Intent, attempt: AttemptRow, result: Result, *, detail: Mapping[str, Any], clock: Clock
) -> Settled:
    """A challenge that nobody could come back from: nothing has moved, and the intent is as it was."""
    after = _attempt(attempt, Result(Outcome.DECLINED, processor_reference=result.processor_reference), clock=clock)
    return Settled(_as_before(intent, detail, clock=clock), after, fault="return_url")


def _as_before(intent: Intent, detail: Mapping[str, Any], *, clock: Clock) -> Intent:
    if detail.get("born"):
        # Its creation failed and was never announced: nobody may find it usable.
        return intent.after(
            "canceled", attempt=None, data={"canceled_at": clock.now, "cancellation_reason": "automatic"}
        )
    return intent.after(
        detail["before"], attempt=detail.get("before_attempt"), payment_method=detail.get("before_method"),
        data={"next_action": detail.get("next_action")},
    )


def _born(detail: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """An intent that was created with this attempt is announced with its first outcome, once."""
    return (("payment_intent.created", "created"),) if detail.get("born") and not detail.get("announced") else ()


def _attempt(attempt: AttemptRow, result: Result, *, clock: Clock) -> AttemptRow:
    state = STATE_OF[result.outcome]
    indefinite = state in ("unknown", "pending")
    detail = json.loads(attempt.data)
    if result.reason:
        detail["reason"] = result.reason
    if result.continuation:
        detail["continuation"] = dict(result.continuation)
    if result.outcome is not Outcome.FAILED:
        detail["announced"] = True
    return attempt._replace(
        version=attempt.version + 1,
        state=move(ATTEMPT, attempt.state, state),
        processor_reference=result.processor_reference or attempt.processor_reference,
        next_check_ms=clock.now_ms + FIRST_CHECK_MS if indefinite else None,
        data=dumps(detail),
    )


def _decline(result: Result) -> Decline:
    return declines.decline(
        result.decline_code, network_decline_code=result.network_decline_code, advice_code=result.advice_code
    )


def _charge(
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


def _with_transaction(charge: Charge, transaction: BalanceTransactionRow) -> Charge:
    row = charge.row._replace(balance_transaction=transaction.id)
    return Charge(row, charge.data, charge.personal, charge.unsealed)


def _card(method: Method, result: Result, *, amount: int, expires_at: int | None) -> dict[str, Any]:
    card = method.data["card"]
    return {
        "amount_authorized": amount if result.outcome is Outcome.APPROVED else None,
        "authorization_code": None,
        "brand": card["brand"],
        "capture_before": expires_at,
        "checks": {name: result.checks.get(name) for name in _CHECKS},
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


def _saved(intent: Intent, method: Method, result: Result, *, detail: Mapping[str, Any]) -> PaymentMethodRow | None:
    """The payment method with the cardholder's consent, and its customer, when the intent says it is to be kept."""
    usage = intent.data.get("setup_future_usage")
    row = method.row
    if usage is None or not detail.get("setup") or not keepable(row, intent.row.customer):
        return None
    if intent.row.customer is not None:
        row = attached(row, intent.row.customer)
    data = {
        **method.data,
        "card": {**method.data["card"], "checks": {name: result.checks.get(name) for name in _CHECKS}},
        "consent": {
            "network_transaction_id": result.network_transaction_id,
            "off_session": usage == "off_session",
            "three_d_secure": bool(result.three_d_secure),
        },
    }
    return row._replace(version=method.row.version + 1, data=dumps(data))


def on_statement(data: Mapping[str, Any]) -> str | None:
    """What the cardholder reads on the statement, as far as the merchant said it."""
    return data.get("statement_descriptor") or data.get("statement_descriptor_suffix")
