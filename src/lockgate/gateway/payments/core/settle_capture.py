"""What a processor's answer to a capture or a release does: pure, the same at once and after recovery."""

import json
from typing import Any

from lockgate.gateway.ledger import transfers
from lockgate.gateway.payments.core import decline as declines
from lockgate.gateway.payments.core import settle
from lockgate.gateway.payments.core.records import Charge, Intent
from lockgate.gateway.payments.core.settle import Booking, Clock, Settled
from lockgate.gateway.processors.contract import Outcome, Result
from lockgate.gateway.storage.rows import AttemptRow


def capture(
    intent: Intent, charge: Charge, attempt: AttemptRow, *, result: Result, clock: Clock, booking: Booking
) -> Settled:
    """The end of an attempt to capture; in doubt, the amount stays reserved."""
    after = settle.attempted(attempt, result, clock=clock)
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
        refused = settle.refusal(result) if result.outcome is Outcome.DECLINED else None
        told = () if attempt.state == "open" else (("payment_intent.amount_capturable_updated", "intent"),)
        return Settled(back, after, freed, events=told, declined=refused, not_sent=refused is None)
    events = () if attempt.state != "open" else (("payment_intent.processing", "intent"),)
    return Settled(intent.after("processing"), after, events=events)


def void(intent: Intent, charge: Charge, attempt: AttemptRow, *, result: Result, clock: Clock) -> Settled:
    """The end of an attempt to release an authorisation, because of a cancel or because it expired."""
    detail = json.loads(attempt.data)
    after = settle.attempted(attempt, result, clock=clock)
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
        refused = settle.refusal(result) if result.outcome is Outcome.DECLINED else None
        return Settled(intent.after(**columns), after, declined=refused, not_sent=refused is None)
    return Settled(intent.after(), after)
