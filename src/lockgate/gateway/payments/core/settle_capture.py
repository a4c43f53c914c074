"""What a processor's answer to a capture, an increment or a release does: pure, the same at once and after recovery."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.ledger import transfers
from lockgate.gateway.payments.core import decline as declines
from lockgate.gateway.payments.core import settle
from lockgate.gateway.payments.core.records import Charge, Intent
from lockgate.gateway.payments.core.settle import Booking, Clock, News, Settled
from lockgate.gateway.processors.contract import Outcome, Result
from lockgate.gateway.risk.core import reviews
from lockgate.gateway.storage.rows import AttemptRow

_CAPTURABLE = News("payment_intent.amount_capturable_updated", "intent", tells_before=True)
_CAPTURED = News("charge.captured", "charge", tells_before=True)
_UPDATED = News("charge.updated", "charge", tells_before=True)
_SUCCEEDED = News("payment_intent.succeeded", "intent")


def capture(
    intent: Intent, charge: Charge, attempt: AttemptRow, *, result: Result, clock: Clock, booking: Booking
) -> Settled:
    """The end of an attempt to capture; in doubt, the amount stays reserved."""
    after = settle.attempted(attempt, result, clock=clock)
    if result.outcome is Outcome.APPROVED:
        return _captured(intent, charge, after, clock=clock, booking=booking)
    if result.outcome in (Outcome.DECLINED, Outcome.FAILED):
        back = intent.after("requires_capture", attempt=None)
        freed = charge.after(capture_in_doubt=0)
        refused = settle.refusal(result) if result.outcome is Outcome.DECLINED else None
        told = () if attempt.state == "open" else (News("payment_intent.amount_capturable_updated", "intent"),)
        return Settled(back, after, freed, events=told, declined=refused, not_sent=refused is None)
    events = () if attempt.state != "open" else (News("payment_intent.processing", "intent"),)
    return Settled(intent.after("processing"), after, charge, events=events)


def increment(intent: Intent, charge: Charge, attempt: AttemptRow, *, result: Result, clock: Clock) -> Settled:
    """The end of an attempt to raise an authorisation to the attempt's amount; until it is known nothing changes."""
    after = settle.attempted(attempt, result, clock=clock)
    if result.outcome is Outcome.APPROVED:
        detail = json.loads(attempt.data)
        total = attempt.amount
        held = transfers.incremented(charge.row, total - charge.row.amount, step=attempt.id, now=clock.now)
        looked_at = {}
        if detail.get("review") and "review" not in charge.data:
            looked_at = {"review": reviews.id_of(charge.row.id)}
        raised = intent.after(
            attempt=None, amount=total, amount_capturable=total, data={**detail.get("intent_changes", {}), **looked_at}
        )
        card = charge.data["payment_method_details"]["card"]
        card = {
            **card,
            "amount_authorized": total,
            "overcapture": {**card["overcapture"], "maximum_amount_capturable": total},
        }
        details = {**charge.data["payment_method_details"], "card": card}
        changes = {"payment_method_details": details, **detail.get("charge_changes", {}), **looked_at}
        return Settled(
            raised, after, charge.after(data=changes, amount=total),
            transfers=tuple(held),
            events=(_UPDATED, _CAPTURABLE),
        )
    if result.outcome in (Outcome.DECLINED, Outcome.FAILED):
        refused = settle.refusal(result) if result.outcome is Outcome.DECLINED else None
        return Settled(
            intent.after(attempt=None), after, charge, declined=refused, not_sent=refused is None
        )
    return Settled(intent.after(), after, charge)


def blocked(
    intent: Intent, charge: Charge, attempt: AttemptRow, *, verdict: Mapping[str, Any], clock: Clock
) -> Settled:
    """The end of an attempt to raise that its verdict stopped: one commit writes it, open to closed.

    ``intent`` and ``attempt`` are as they would have been written before the order went out.
    """
    after = settle.attempted(attempt, Result(Outcome.DECLINED), clock=clock)
    back = intent.after(attempt=None)
    return Settled(
        Intent(back.row._replace(version=intent.row.version), back.data, back.personal, back.unsealed),
        after._replace(version=attempt.version, processor_reference=None),  # no order was given about what it names
        charge,
        declined=declines.blocked(verdict),
    )


def void(intent: Intent, charge: Charge, attempt: AttemptRow, *, result: Result, clock: Clock) -> Settled:
    """The end of an attempt to release what is held and not captured: by a cancel, by the last capture, by expiry."""
    detail = json.loads(attempt.data)
    after = settle.attempted(attempt, result, clock=clock)
    expired = detail.get("expired", False)
    gone = result.outcome is Outcome.DECLINED and (result.decline_code == declines.REVERSED or expired)
    if result.outcome is Outcome.APPROVED or gone:
        rest = transfers.released(charge.row, charge.row.amount - charge.row.amount_captured, now=clock.now)
        if charge.row.amount_captured:
            done = intent.after(
                "succeeded", attempt=None, amount_capturable=0, expires_at=None, data=detail.get("intent_changes")
            )
            closed = charge.after(data={"captured": True, **detail.get("charge_changes", {})})
            return Settled(
                done, after, closed, transfers=tuple(rest), events=(_CAPTURED, _CAPTURABLE, _SUCCEEDED)
            )
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
        events = (News("payment_intent.canceled", "intent"),)
        if expired:
            events = (News("charge.expired", "charge"), *events)
        return Settled(canceled, after, charge, transfers=tuple(rest), events=events)
    if result.outcome in (Outcome.DECLINED, Outcome.FAILED):
        columns: dict[str, Any] = {"attempt": None}
        if expired:
            columns["expires_at"] = clock.now + 3600  # not now, but it will be tried again
        refused = settle.refusal(result) if result.outcome is Outcome.DECLINED else None
        return Settled(intent.after(**columns), after, charge, declined=refused, not_sent=refused is None)
    return Settled(intent.after(), after, charge)


def _captured(intent: Intent, charge: Charge, attempt: AttemptRow, *, clock: Clock, booking: Booking) -> Settled:
    """Money was taken. As long as more may follow, the charge is not called captured and the rest stays held."""
    detail = json.loads(attempt.data)
    before, authorized = charge.row.amount_captured, charge.row.amount
    taken = before + attempt.amount
    left = authorized - taken if detail.get("more") else 0
    booked = transfers.captured(
        charge.row,
        attempt.amount,
        fee=booking.fee,
        now=clock.now,
        available_on=booking.available_on,
        held=True,
        step=attempt.id,
        description=intent.data.get("description"),
    )
    rest = [] if left else transfers.released(charge.row, authorized - taken, now=clock.now)
    several = bool(before or left)
    charge = charge.after(
        amount_captured=taken,
        capture_in_doubt=0,
        balance_transaction=charge.row.balance_transaction or booked.transaction.id,
        data={**({"captured": not left} if several else {}), **detail.get("charge_changes", {})},
    )
    intent = intent.after(
        "requires_capture" if left else "succeeded",
        attempt=None,
        amount_received=taken,
        amount_capturable=left,
        expires_at=intent.row.expires_at if left else None,
        data=detail.get("intent_changes"),
    )
    events: tuple[News, ...] = (_CAPTURED, _SUCCEEDED)
    if several:
        events = (_UPDATED, *(() if left else (_CAPTURED,)), _CAPTURABLE, *(() if left else (_SUCCEEDED,)))
    return Settled(
        intent,
        attempt,
        charge,
        transfers=(*booked.transfers, *rest),
        transactions=(booked.transaction,),
        events=events,
    )
