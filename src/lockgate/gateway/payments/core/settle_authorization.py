"""What a processor's answer to an authorisation does: pure, the same at once and after recovery."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers.core import mandates
from lockgate.gateway.customers.core.attach import attached, keepable, used
from lockgate.gateway.ledger import transfers
from lockgate.gateway.payments.core import challenge, charges, settle
from lockgate.gateway.payments.core import decline as declines
from lockgate.gateway.payments.core.decline import Decline
from lockgate.gateway.payments.core.records import Charge, Intent, Method, dumps
from lockgate.gateway.payments.core.settle import Booking, Clock, News, Settled
from lockgate.gateway.processors.contract import Outcome, Result
from lockgate.gateway.storage.rows import AttemptRow, BalanceTransactionRow, PaymentMethodRow

AUTHORIZATION_LIFE_S = 7 * 24 * 3600
CVC_GONE = "cvc_gone"


def authorization(
    intent: Intent,
    attempt: AttemptRow,
    result: Result,
    *,
    method: Method,
    shown_method: Mapping[str, Any],
    pending: Charge | None,
    clock: Clock,
    booking: Booking,
) -> Settled:
    """The end, or the next step, of an attempt to authorise or to complete an authorisation.

    ``shown_method`` is the payment method as the API shows it, for ``last_payment_error``. ``pending`` is the charge
    that the attempt made when its answer did not come.
    """
    detail = json.loads(attempt.data)
    if result.outcome is Outcome.FAILED and result.reason == CVC_GONE:
        result = Result(Outcome.DECLINED, decline_code=CVC_GONE)
    if result.outcome is Outcome.FAILED and attempt.state != "open":
        # The merchant was told that it is processing: she must be told that it failed.
        result = Result(Outcome.DECLINED, decline_code=declines.REVERSED, reason=result.reason)
    # Nobody is there to act: the challenge is as good as a decline.
    absent = detail.get("off_session") or detail.get("error_on_action")
    way = None
    if result.outcome is Outcome.ACTION_REQUIRED and not absent:
        way = challenge.way(
            script=detail.get("script", False),
            return_url=detail.get("return_url"),
            automatic=intent.data.get("automatic_payment_methods"),
        )
    if result.outcome is Outcome.ACTION_REQUIRED and (absent or (pending is not None and way is None)):
        result = Result(
            Outcome.DECLINED,
            processor_reference=result.processor_reference,
            decline_code=declines.NOT_HANDLED if detail.get("error_on_action") else "authentication_required",
            three_d_secure=result.three_d_secure,
        )
    if result.outcome is Outcome.ACTION_REQUIRED and way is None:
        return _without_return_url(intent, attempt, result, detail=detail, clock=clock)
    after = settle.attempted(attempt, result, clock=clock)
    match result.outcome:
        case Outcome.APPROVED:
            return _approved(
                intent, after, result, detail=detail, method=method, pending=pending, clock=clock, booking=booking
            )
        case Outcome.DECLINED:
            return _declined(
                intent, after, result,
                refused=settle.refusal(result), detail=detail, method=method, pending=pending,
                shown_method=shown_method,
            )
        case Outcome.ACTION_REQUIRED:
            assert way is not None, "a challenge without a way was refused above"
            return _action_required(intent, after, result, detail=detail, way=way, pending=pending)
        case Outcome.FAILED:
            return Settled(_as_before(intent, detail, clock=clock), after, not_sent=True)
        case _:
            return _processing(intent, after, result, detail=detail, method=method, pending=pending)


def blocked(
    intent: Intent,
    attempt: AttemptRow,
    *,
    method: Method,
    shown_method: Mapping[str, Any],
    verdict: Mapping[str, Any],
    clock: Clock,
) -> Settled:
    """The end of an attempt that its verdict stopped: nothing goes out, so that one commit writes it, open to closed.

    ``intent`` and ``attempt`` are as they would have been written before the order went out.
    """
    result = Result(Outcome.DECLINED)
    settled = _declined(
        intent,
        settle.attempted(attempt, result, clock=clock),
        result,
        refused=declines.blocked(verdict),
        detail=json.loads(attempt.data),
        method=method,
        pending=None,
        shown_method=shown_method,
    )
    ended = settled.intent
    spent = settled.method or (method.row if method.fresh else None)
    if spent is not None and method.fresh:
        spent = spent._replace(version=method.row.version)
    return settled._replace(
        intent=Intent(ended.row._replace(version=intent.row.version), ended.data, ended.personal, ended.unsealed),
        attempt=settled.attempt._replace(version=attempt.version),
        method=spent,
    )


def _processing(
    intent: Intent,
    attempt: AttemptRow,
    result: Result,
    *,
    detail: Mapping[str, Any],
    method: Method,
    pending: Charge | None,
) -> Settled:
    """No answer yet: the charge is pending, and says so once."""
    charge, events = pending, ()
    if charge is None:
        charge = charges.charge(
            intent, attempt, result, method=method, status="pending", captured=0, failure=None, expires_at=None
        )
        events = (News("charge.pending", "charge"), News("payment_intent.processing", "intent"))
    waiting = intent.after("processing", attempt=attempt.id, latest_charge=charge.row.id, data={"next_action": None})
    return Settled(waiting, attempt, charge, events=_born(detail) + events)


def _approved(
    intent: Intent,
    attempt: AttemptRow,
    result: Result,
    *,
    detail: Mapping[str, Any],
    method: Method,
    pending: Charge | None,
    clock: Clock,
    booking: Booking,
) -> Settled:
    takes = detail.get("capture", False)
    expires_at = None if takes else min(clock.now + AUTHORIZATION_LIFE_S, result.expires_at or 1 << 62)
    saved = _saved(intent, method, result, detail=detail)
    mandate = None
    if saved is not None and detail.get("gives_mandate") and intent.personal.get("acceptance"):
        mandate = mandates.given_with(
            method.row, id_=detail["gives_mandate"], intent=intent.row.id, subject=intent.row.subject, now=clock.now
        )
    charge = charges.charge(
        intent,
        attempt,
        result,
        method=method,
        status="succeeded",
        captured=intent.row.amount if takes else 0,
        failure=None,
        expires_at=expires_at,
        pending=pending,
        mandate=mandate.id if mandate else detail.get("mandate"),
    )
    looked_at = {"review": charge.data["review"]} if "review" in charge.data else {}
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
            data={"next_action": None, **looked_at},
            personal={"last_payment_error": None, "acceptance": None},
        )
        events = (News("charge.succeeded", "charge"), News("payment_intent.succeeded", "intent"))
    else:
        moved, transactions = tuple(transfers.authorized(charge.row, now=clock.now)), ()
        done = intent.after(
            "requires_capture",
            attempt=None,
            latest_charge=charge.row.id,
            amount_capturable=intent.row.amount,
            expires_at=expires_at,
            data={"next_action": None, **looked_at},
            personal={"last_payment_error": None, "acceptance": None},
        )
        events = (News("charge.succeeded", "charge"), News("payment_intent.amount_capturable_updated", "intent"))
    if saved is not None and saved.customer != method.row.customer:
        events = (*events, News("payment_method.attached", "method"))
    if saved is None and method.row.customer is None:
        saved = used(method.row)
    return Settled(done, attempt, charge, saved, mandate, moved, transactions, _born(detail) + events)


def _declined(
    intent: Intent,
    attempt: AttemptRow,
    result: Result,
    *,
    detail: Mapping[str, Any],
    method: Method,
    refused: Decline,
    pending: Charge | None,
    shown_method: Mapping[str, Any],
) -> Settled:
    charge = None
    # Where the cardholder failed to prove who she is, nobody was asked for money: there is no charge.
    if refused.charged or pending is not None:
        charge = charges.charge(
            intent,
            attempt,
            result,
            method=method,
            status="failed",
            captured=0,
            failure=refused,
            expires_at=None,
            pending=pending,
        )
    error = refused.error(charge=charge.row.id if charge else None)
    columns: dict[str, Any] = {"latest_charge": charge.row.id} if charge else {}
    failed = intent.after(
        "requires_payment_method",
        attempt=None,
        payment_method=None,
        data={"next_action": None},
        personal={"last_payment_error": {**error, "payment_method": shown_method}, "acceptance": None},
        **columns,
    )
    events = (News("payment_intent.payment_failed", "intent"),)
    if charge:
        events = (News("charge.failed", "charge"), *events)
    spent = used(method.row) if refused.charged and method.row.customer is None else None
    return Settled(failed, attempt, charge, spent, events=_born(detail) + events, declined=refused)


def _action_required(
    intent: Intent, attempt: AttemptRow, result: Result, *, detail: Mapping[str, Any], way: str, pending: Charge | None
) -> Settled:
    """The intent keeps the attempt that the challenge belongs to: only its way back may complete it.

    A charge that was pending has come to nothing: the one that follows the challenge will be another.
    """
    waits_for = detail.get("authorize", attempt.id)
    action = challenge.next_action(way, url=result.redirect_url, return_url=detail.get("return_url"))
    waiting = intent.after("requires_action", attempt=waits_for, data={"next_action": action})
    events = () if attempt.action == "complete" else (News("payment_intent.requires_action", "intent"),)
    if pending is None:
        return Settled(waiting, attempt, events=_born(detail) + events)
    why = declines.decline("authentication_required")
    ended = pending.after("failed", data={"failure_code": why.code, "failure_message": why.message})
    return Settled(waiting, attempt, ended, events=(News("charge.failed", "charge"), *events))


def _without_return_url(
    intent: Intent, attempt: AttemptRow, result: Result, *, detail: Mapping[str, Any], clock: Clock
) -> Settled:
    """A challenge that nobody could come back from: nothing has moved, and the intent is as it was."""
    refused = Result(Outcome.DECLINED, processor_reference=result.processor_reference)
    after = settle.attempted(attempt, refused, clock=clock)
    return Settled(_as_before(intent, detail, clock=clock), after, fault="return_url")


def _as_before(intent: Intent, detail: Mapping[str, Any], *, clock: Clock) -> Intent:
    if detail.get("born"):
        # Its creation failed and was never announced: nobody may find it usable.
        return intent.after(
            "canceled",
            attempt=None,
            data={"canceled_at": clock.now, "cancellation_reason": "automatic"},
            personal={"acceptance": None},
        )
    return intent.after(
        detail["before"], attempt=detail.get("before_attempt"), payment_method=detail.get("before_method"),
        data={"next_action": detail.get("next_action")}, personal={"acceptance": None},
    )


def _born(detail: Mapping[str, Any]) -> tuple[News, ...]:
    """An intent that was created with this attempt is announced with its first outcome, once."""
    return (News("payment_intent.created", "created"),) if detail.get("born") and not detail.get("announced") else ()


def _with_transaction(charge: Charge, transaction: BalanceTransactionRow) -> Charge:
    row = charge.row._replace(balance_transaction=transaction.id)
    return Charge(row, charge.data, charge.personal, charge.unsealed)


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
        "card": {**method.data["card"], "checks": {name: result.checks.get(name) for name in charges.CHECKS}},
        "consent": {
            "network_transaction_id": result.network_transaction_id,
            "off_session": usage == "off_session",
            "three_d_secure": bool(result.three_d_secure),
        },
    }
    if row.customer is None:
        data["used"] = True  # what is nobody's is used once; attached, it may be used again
    return row._replace(version=method.row.version + 1, data=dumps(data))
