"""Takes the money of an authorisation, all or part of it; what is not taken is released."""


from lockgate.gateway.ledger import transfers
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import conclude, find, keep
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import amounts, build, settle, settle_capture
from lockgate.gateway.payments.core.records import Charge, Intent
from lockgate.gateway.payments.core.transitions import INDEFINITE
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.send import send
from lockgate.gateway.processors.contract import Capture, Result
from lockgate.gateway.storage.commit import CommitUnknown, Moved
from lockgate.gateway.storage.idempotency import claimed
from lockgate.gateway.storage.rows import AttemptRow, Commit
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call

ALLOWED = "captured: requires_capture"


async def capture(ports: Ports, call: Call) -> Answer:
    """The operation."""
    cause = causes.of_call(call)
    for _ in range(conclude.TRIES):
        row = await find.payment_intent(ports.pool, call.principal, call.path["intent"])
        before = await keep.open_intent(row, ports.box)
        if row.status == "processing" or (row.status == "requires_capture" and row.attempt is not None):
            raise build.busy()
        if row.status != "requires_capture":
            raise conclude.unexpected(ports, call.principal, before, verb="capture", allowed=ALLOWED)
        amount = amounts.capturable(call.params.get("amount_to_capture"), row.amount_capturable)
        charge = await charge_of(ports, cause, before)
        try:
            intent, charge, attempt = await _begin(ports, call, cause, before, charge=charge, amount=amount)
        except Moved:
            continue
        result = await _take(ports, charge, attempt)
        answer = await finish(ports, cause, intent, charge, attempt=attempt, result=result, call=call)
        assert answer is not None, "a request gets an answer"
        return answer
    raise build.busy()


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
    """Conclude an attempt to capture; whoever else concludes it meanwhile wins, once."""
    settings = ports.settings[attempt.processor]
    booking = settle.Booking(
        ports.processors[attempt.processor].fee(settings, attempt.amount, attempt.currency),
        transfers.available_on(settings, now=cause.now, at_once=result.funds_available_at_once),
    )
    for _ in range(conclude.TRIES):
        settled = settle_capture.capture(
            intent, charge, attempt,
            result=result, clock=settle.Clock(cause.now, clock.now_ms()), booking=booking,
        )
        try:
            return await conclude.write(
                ports, cause, settled, action="payment_intent.capture", read=charge, call=call
            )
        except (Moved, CommitUnknown):
            again = await find.attempt(ports.pool, cause.principal, attempt.id)
            assert again is not None, "attempts are never deleted"
            intent = await _intent_of(ports, cause, again)
            if again.state not in INDEFINITE:
                return await conclude.current(ports, call, intent) if call is not None else None
            attempt, charge = again, await charge_of(ports, cause, intent)
    return await conclude.show(ports, call, intent) if call is not None else None


async def settled(ports: Ports, attempt: AttemptRow, result: Result, *, cause: Cause) -> None:
    """Conclude an attempt to capture that recovery has found out about."""
    intent = await _intent_of(ports, cause, attempt)
    charge = await charge_of(ports, cause, intent)
    await finish(ports, cause, intent, charge, attempt=attempt, result=result, call=None)


async def charge_of(ports: Ports, cause: Cause, intent: Intent) -> Charge:
    """The charge that holds the authorisation of ``intent``."""
    assert intent.row.latest_charge is not None, "an authorised intent has a charge"
    row = await find.charge(ports.pool, cause.principal, intent.row.latest_charge)
    return await keep.open_charge(row, ports.box)


async def _begin(
    ports: Ports, call: Call, cause: Cause, before: Intent, *, charge: Charge, amount: int
) -> tuple[Intent, Charge, AttemptRow]:
    attempt_id = new_id("pa")
    data, _ = build.changes(call.params, before.data)
    on_charge = {name: value for name, value in data.items() if name.startswith("statement_descriptor")}
    if on_charge:
        on_charge["calculated_statement_descriptor"] = settle.on_statement({**before.data, **on_charge})
    intent = before.after("processing", attempt=attempt_id)
    reserved = build.reserved(charge, amount)
    attempt = build.attempt(
        intent, "capture",
        id_=attempt_id,
        charge=charge.row.id,
        processor=charge.row.processor,
        amount=amount,
        now=call.now,
        now_ms=clock.now_ms(),
        reference=charge.row.processor_reference,
        detail={
            "claim": [call.claim.key, call.claim.owner] if call.claim else None,
            "intent_changes": data or None,
            "charge_changes": on_charge or None,
        },
    )
    commit = Commit(claims=claimed(call, attempt=attempt_id), attempts=[attempt])
    commit.payment_intents.append(await keep.intent_row(intent, ports.box))
    commit.charges.append(await keep.charge_row(reserved, ports.box))
    commit.audits.append(
        cause.audit("payment_intent.capture", intent.row.id, outcome="begun", attempt=attempt_id, amount=amount)
    )
    await ports.committer.commit(commit)
    return intent, reserved, attempt


async def _take(ports: Ports, charge: Charge, attempt: AttemptRow) -> Result:
    assert charge.row.processor_reference is not None, "an authorised charge has its processor's reference"
    request = Capture(
        step=attempt.id,
        send_before_ms=attempt.send_before_ms,
        timeout_ms=build.TIMEOUT_MS,
        settings=ports.settings[attempt.processor],
        processor_reference=charge.row.processor_reference,
        amount=attempt.amount,
        currency=attempt.currency,
        final=True,
    )
    steps = ports.processors[attempt.processor].capture(request)
    return await send(ports, account=attempt.account, livemode=attempt.livemode, steps=steps)


async def _intent_of(ports: Ports, cause: Cause, attempt: AttemptRow) -> Intent:
    assert attempt.intent is not None, "an attempt to capture has an intent"
    return await keep.open_intent(await find.payment_intent(ports.pool, cause.principal, attempt.intent), ports.box)
