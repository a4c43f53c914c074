"""Raises an authorisation to a new total before anything of it is captured; a decline leaves it as it was."""

import json

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import conclude, find, held, judge, keep
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.conclude import Begun
from lockgate.gateway.payments.core import amounts, build, settle_capture
from lockgate.gateway.payments.core.records import Charge, Intent
from lockgate.gateway.payments.core.settle import Clock, Settled
from lockgate.gateway.payments.held import Opening
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.send import send
from lockgate.gateway.processors.contract import Increment, Result
from lockgate.gateway.risk.core.verdict import Assessment
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.idempotency import claimed
from lockgate.gateway.storage.rows import AttemptRow, Commit
from lockgate.kernel import clock
from lockgate.kernel.errors import invalid
from lockgate.kernel.operations import Answer, Call

ALLOWED = "incremented: requires_capture"
MAX_INCREMENTS = 10
_AUDIT = "payment_intent.increment_authorization"


async def increment(ports: Ports, call: Call) -> Answer:
    """The operation."""
    cause = causes.of_call(call)
    for _ in range(conclude.TRIES):
        row = await find.payment_intent(ports.pool, call.principal, call.path["intent"])
        before = await keep.open_intent(row, ports.box)
        if row.status == "processing" or (row.status == "requires_capture" and row.attempt is not None):
            raise build.busy()
        if row.status != "requires_capture":
            raise await conclude.unexpected(ports, call, before, verb="increment", allowed=ALLOWED)
        charge = await held.charge_of(ports, cause, before)
        total = await _checked(ports, call, cause, before, charge)
        try:
            opened, stopped = await _judged(ports, call, cause, before, charge, total=total)
        except Moved:
            continue
        if stopped is not None:
            return stopped
        result = await _order(ports, cause, opened.charge, opened.attempt)
        answer = await finish(
            ports, cause, opened.intent, opened.charge, attempt=opened.attempt, result=result, call=call
        )
        assert answer is not None, "a request gets an answer"
        return answer
    raise build.busy()


async def _judged(
    ports: Ports, call: Call, cause: Cause, before: Intent, charge: Charge, *, total: int
) -> tuple[Opening, Answer | None]:
    """The order with its verdict, committed; with the answer where the verdict stops it. Only what is added counts.

    The cardholder is not there to be challenged. The whole is held already: a review opens when it is raised.
    """
    data, _ = build.changes(call.params, before.data)
    opened = await held.opening(
        ports, cause, before,
        charge=charge,
        action="increment",
        amount=total,
        status=None,
        reserve=0,
        detail={"intent_changes": data or None, "charge_changes": build.descriptors(data, before.data) or None},
        audit=_AUDIT,
        call=call,
    )
    assert before.row.payment_method is not None, "what is authorised was paid with something"
    found = await find.means(
        ports.pool, cause.principal,
        method=before.row.payment_method, customer=before.row.customer, intent_id=before.row.id,
    )
    assert found.method is not None, "payment methods are never deleted"
    subject = await judge.about(
        ports, call, opened.attempt,
        amount=total - before.row.amount,
        method=await keep.open_method(found.method, ports.box, found=found),
        personal=before.personal,
        metadata=before.data.get("metadata"),
        off_session=True,
        tries=found.tries,
    )

    async def write(assessment: Assessment) -> tuple[Opening, Answer | None]:
        commit = Commit()
        assessment.into(commit)
        if assessment.blocked:
            begun = Begun(commit, assessment, was=before.row.status)
            return opened, await _stopped(ports, call, cause, opened, begun=begun)
        commit.add(opened.commit)
        detail = json.loads(opened.attempt.data)
        attempt = build.judged(opened.attempt, detail, assessment, now_ms=clock.now_ms())
        commit.attempts = [attempt]
        commit.claims += claimed(call, attempt=attempt.id)
        await ports.committer.commit(commit)
        return opened._replace(attempt=attempt), None

    return await judge.judged(ports, call, subject, write)


async def _stopped(ports: Ports, call: Call, cause: Cause, opened: Opening, *, begun: Begun) -> Answer:
    """The verdict is to block it: no order goes out, and the authorisation stays as it was."""
    settled = settle_capture.blocked(
        opened.intent, opened.charge, opened.attempt,
        verdict=begun.assessment.outcome,
        clock=Clock(cause.now, clock.now_ms()),
    )
    answer = await conclude.write(
        ports, cause, settled, action=_AUDIT, was=opened.intent, read=opened.charge, call=call, begun=begun
    )
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
    """Conclude an attempt to raise an authorisation."""

    def settle(intent: Intent, charge: Charge, attempt: AttemptRow) -> Settled:
        return settle_capture.increment(
            intent, charge, attempt, result=result, clock=Clock(cause.now, clock.now_ms())
        )

    return await held.finish(ports, cause, intent, charge, attempt=attempt, settle=settle, audit=_AUDIT, call=call)


async def settled(ports: Ports, attempt: AttemptRow, result: Result, *, cause: Cause) -> None:
    """Conclude an attempt to raise an authorisation that recovery has found out about."""
    intent, charge = await held.read(ports, cause, attempt)
    await finish(ports, cause, intent, charge, attempt=attempt, result=result, call=None)


async def _checked(ports: Ports, call: Call, cause: Cause, before: Intent, charge: Charge) -> int:
    """The new total, if this authorisation can be raised to it."""
    if charge.data["payment_method_details"]["card"]["incremental_authorization"]["status"] != "available":
        raise invalid(
            "This PaymentIntent's authorization cannot be incremented: ask for it with "
            "payment_method_options[card][request_incremental_authorization]=if_available and capture_method=manual.",
            code="payment_intent_invalid_parameter",
        )
    if charge.row.amount_captured:
        raise invalid("This PaymentIntent was captured in part: its authorization can no longer be incremented.")
    total = amounts.incremented(call.params["amount"], before.row.amount, before.row.currency)
    if await find.orders(ports.pool, cause.principal, before.row.id, action="increment") >= MAX_INCREMENTS:
        raise invalid(f"An authorization can be incremented at most {MAX_INCREMENTS} times, declines included.")
    return total


async def _order(ports: Ports, cause: Cause, charge: Charge, attempt: AttemptRow) -> Result:
    request = Increment(
        step=attempt.id,
        send_before_ms=attempt.send_before_ms,
        timeout_ms=build.TIMEOUT_MS,
        settings=ports.settings[attempt.processor],
        now=cause.now,
        processor_reference=held.reference_of(charge),
        amount=attempt.amount,
        currency=attempt.currency,
    )
    steps = ports.processors[attempt.processor].increment(request)
    return await send(ports, account=attempt.account, livemode=attempt.livemode, steps=steps)
