"""Takes the money of an authorisation, all or part of it, at once or in several captures; the rest is released."""

from typing import Any

from lockgate.gateway.ledger import transfers
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import conclude, find, held, keep, release
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import amounts, build, settle_capture
from lockgate.gateway.payments.core.records import Charge, Intent
from lockgate.gateway.payments.core.settle import Booking, Clock, Settled
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.send import send
from lockgate.gateway.processors.contract import Capture, Result
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.rows import AttemptRow
from lockgate.kernel import clock
from lockgate.kernel.errors import invalid
from lockgate.kernel.operations import Answer, Call

ALLOWED = "captured: requires_capture"
MAX_CAPTURES = 50
AUDIT = "payment_intent.capture"


async def capture(ports: Ports, call: Call) -> Answer:
    """The operation."""
    cause = causes.of_call(call)
    for _ in range(conclude.TRIES):
        row = await find.payment_intent(ports.pool, call.principal, call.path["intent"])
        before = await keep.open_intent(row, ports.box)
        if row.status == "processing" or (row.status == "requires_capture" and row.attempt is not None):
            raise build.busy()
        if row.status != "requires_capture":
            raise await conclude.unexpected(ports, call, before, verb="capture", allowed=ALLOWED)
        try:
            return await take(ports, call, cause, before, amount=call.params.get("amount_to_capture"))
        except Moved:
            continue
    raise build.busy()


async def take(ports: Ports, call: Call, cause: Cause, before: Intent, *, amount: int | None) -> Answer:
    """Capture ``amount`` of what ``before`` holds; raises Moved early only."""
    charge = await held.charge_of(ports, cause, before)
    final = call.params.get("final_capture", True)
    if not final:
        await _check_several(ports, cause, before, charge)
    if amount == 0 and final and charge.row.amount_captured:
        return await _let_go(ports, call, cause, before)
    wanted = amounts.capturable(amount, before.row.amount_capturable)
    intent, charge, attempt = await held.begin(
        ports,
        cause,
        before,
        charge=charge,
        action="capture",
        amount=wanted,
        status="processing",
        reserve=wanted,
        detail={"more": not final, **_changes(call, before)},
        audit=AUDIT,
        call=call,
    )
    result = await order(ports, cause, charge, attempt, final=final)
    answer = await finish(ports, cause, intent, charge, attempt=attempt, result=result, call=call)
    assert answer is not None, "a request gets an answer"
    return answer


async def finish(
    ports: Ports,
    cause: Cause,
    intent: Intent,
    charge: Charge,
    *,
    attempt: AttemptRow,
    result: Result,
    call: Call | None,
) -> Answer | None:
    """Conclude an attempt to capture."""
    settings = ports.settings[attempt.processor]
    booking = Booking(
        ports.processors[attempt.processor].fee(settings, attempt.amount, attempt.currency),
        transfers.available_on(settings, now=cause.now, at_once=result.funds_available_at_once),
    )

    def settle(intent: Intent, charge: Charge, attempt: AttemptRow) -> Settled:
        return settle_capture.capture(
            intent, charge, attempt, result=result, clock=Clock(cause.now, clock.now_ms()), booking=booking
        )

    return await held.finish(ports, cause, intent, charge, attempt=attempt, settle=settle, audit=AUDIT, call=call)


async def settled(ports: Ports, attempt: AttemptRow, result: Result, *, cause: Cause) -> None:
    """Conclude an attempt to capture that recovery has found out about."""
    intent, charge = await held.read(ports, cause, attempt)
    await finish(ports, cause, intent, charge, attempt=attempt, result=result, call=None)


async def _check_several(ports: Ports, cause: Cause, before: Intent, charge: Charge) -> None:
    """Refuse to keep the rest of an authorisation that can be captured once, or was captured too often."""
    if charge.data["payment_method_details"]["card"]["multicapture"]["status"] != "available":
        raise invalid(
            "final_capture=false needs multicapture, which is not available for this PaymentIntent: ask for it with "
            "payment_method_options[card][request_multicapture]=if_available and capture_method=manual.",
            param="final_capture",
        )
    if await find.orders(ports.pool, cause.principal, before.row.id, action="capture") >= MAX_CAPTURES - 1:
        raise invalid(
            f"A PaymentIntent can be captured at most {MAX_CAPTURES} times: this capture must be the final one.",
            param="final_capture",
        )


async def _let_go(ports: Ports, call: Call, cause: Cause, before: Intent) -> Answer:
    """Nothing more is taken: the rest is released, and what was captured stands."""
    intent, charge, attempt = await release.begin(
        ports, cause, before, reason=None, expired=False, call=call, changes=_changes(call, before), audit=AUDIT
    )
    result = await release.order(ports, cause, charge, attempt)
    answer = await release.finish(
        ports, cause, intent, charge, attempt=attempt, result=result, call=call, audit=AUDIT
    )
    assert answer is not None, "a request gets an answer"
    return answer


def _changes(call: Call, before: Intent) -> dict[str, Any]:
    """What the request changes on the intent and on its charge once the money is taken."""
    data, _ = build.changes(call.params, before.data)
    return {"intent_changes": data or None, "charge_changes": build.descriptors(data, before.data) or None}


async def order(ports: Ports, cause: Cause, charge: Charge, attempt: AttemptRow, *, final: bool) -> Result:
    """Send the capture."""
    request = Capture(
        step=attempt.id,
        send_before_ms=attempt.send_before_ms,
        timeout_ms=build.TIMEOUT_MS,
        settings=ports.settings[attempt.processor],
        now=cause.now,
        processor_reference=held.reference_of(charge),
        amount=attempt.amount,
        currency=attempt.currency,
        final=final,
    )
    steps = ports.processors[attempt.processor].capture(request)
    return await send(ports, account=attempt.account, livemode=attempt.livemode, steps=steps)
