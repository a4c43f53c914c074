"""Cancels a payment intent; an authorisation that was already given is voided at the processor first."""

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import conclude, find, keep, render, shim
from lockgate.gateway.payments.capture import charge_of
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import build, settle, settle_capture
from lockgate.gateway.payments.core.records import Charge, Intent
from lockgate.gateway.payments.core.shapes import PAYMENT_INTENT
from lockgate.gateway.payments.core.transitions import CANCELABLE, INDEFINITE
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.send import send
from lockgate.gateway.processors.contract import Result, Void
from lockgate.gateway.storage.commit import CommitUnknown, Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import claimed, claimed_and_answered
from lockgate.gateway.storage.rows import AttemptRow, Commit
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call

ALLOWED = "canceled: requires_payment_method, requires_confirmation, requires_action, requires_capture"


async def cancel(ports: Ports, call: Call) -> Answer:
    """The operation."""
    cause = causes.of_call(call)
    reason = call.params.get("cancellation_reason")
    for _ in range(conclude.TRIES):
        row = await find.payment_intent(ports.pool, call.principal, call.path["intent"])
        before = await keep.open_intent(row, ports.box)
        if row.status == "processing" or (row.status == "requires_capture" and row.attempt is not None):
            raise build.busy()
        if row.status not in CANCELABLE:
            raise conclude.unexpected(ports, call.principal, before, verb="cancel", allowed=ALLOWED)
        if row.status == "requires_capture" and not call.principal.sees_secrets:
            # The goods may be on their way: what is held belongs to the merchant, to take or to give back.
            raise Refusal(
                Kind.FORBIDDEN,
                "An authorised PaymentIntent can only be canceled with a secret key.",
                code="secret_key_required",
            )
        try:
            if row.status != "requires_capture":
                return await _at_once(ports, call, cause, before, reason=reason)
            intent, charge, attempt = await begin(ports, cause, before, reason=reason, expired=False, call=call)
        except Moved:
            continue
        answer = await finish(
            ports, cause, intent, charge, attempt=attempt, result=await release(ports, charge, attempt), call=call
        )
        assert answer is not None, "a request gets an answer"
        return answer
    raise build.busy()


async def begin(
    ports: Ports, cause: Cause, before: Intent, *, reason: str | None, expired: bool, call: Call | None
) -> tuple[Intent, Charge, AttemptRow]:
    """Commit that an authorisation is about to be voided: from now on nobody else may capture or cancel it."""
    charge = await charge_of(ports, cause, before)
    attempt_id = new_id("pa")
    intent = before.after(attempt=attempt_id)
    attempt = build.attempt(
        intent,
        "void",
        id_=attempt_id,
        charge=charge.row.id,
        processor=charge.row.processor,
        amount=before.row.amount_capturable,
        now=cause.now,
        now_ms=clock.now_ms(),
        reference=charge.row.processor_reference,
        detail={
            "cancellation_reason": reason,
            "expired": expired,
            "claim": [call.claim.key, call.claim.owner] if call is not None and call.claim else None,
        },
    )
    commit = Commit(attempts=[attempt], claims=claimed(call, attempt=attempt_id) if call is not None else [])
    commit.payment_intents.append(await keep.intent_row(intent, ports.box))
    commit.audits.append(
        cause.audit("payment_intent.cancel", intent.row.id, outcome="begun", attempt=attempt_id, reason=reason)
    )
    await ports.committer.commit(commit)
    return intent, charge, attempt


async def release(ports: Ports, charge: Charge, attempt: AttemptRow) -> Result:
    """Send the void."""
    assert charge.row.processor_reference is not None, "an authorised charge has its processor's reference"
    request = Void(
        step=attempt.id,
        send_before_ms=attempt.send_before_ms,
        timeout_ms=build.TIMEOUT_MS,
        settings=ports.settings[attempt.processor],
        processor_reference=charge.row.processor_reference,
    )
    steps = ports.processors[attempt.processor].void(request)
    return await send(ports, account=attempt.account, livemode=attempt.livemode, steps=steps)


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
    """Conclude an attempt to void; whoever else concludes it meanwhile wins, once."""
    for _ in range(conclude.TRIES):
        settled = settle_capture.void(
            intent, charge, attempt, result=result, clock=settle.Clock(cause.now, clock.now_ms())
        )
        try:
            return await conclude.write(ports, cause, settled, action="payment_intent.cancel", read=charge, call=call)
        except (Moved, CommitUnknown):
            again = await find.attempt(ports.pool, cause.principal, attempt.id)
            assert again is not None, "attempts are never deleted"
            row = await find.payment_intent(ports.pool, cause.principal, intent.row.id)
            intent = await keep.open_intent(row, ports.box)
            if again.state not in INDEFINITE:
                return await conclude.current(ports, call, intent) if call is not None else None
            attempt, charge = again, await charge_of(ports, cause, intent)
    return await conclude.show(ports, call, intent) if call is not None else None


async def settled(ports: Ports, attempt: AttemptRow, result: Result, *, cause: Cause) -> None:
    """Conclude an attempt to void that recovery has found out about."""
    assert attempt.intent is not None, "an attempt to void has an intent"
    row = await find.payment_intent(ports.pool, cause.principal, attempt.intent)
    intent = await keep.open_intent(row, ports.box)
    charge = await charge_of(ports, cause, intent)
    await finish(ports, cause, intent, charge, attempt=attempt, result=result, call=None)


async def _at_once(ports: Ports, call: Call, cause: Cause, before: Intent, *, reason: str | None) -> Answer:
    """Nothing is authorised: a challenge that is still open can never be completed after this commit."""
    intent = before.after(
        "canceled",
        attempt=None,
        data={"canceled_at": cause.now, "cancellation_reason": reason, "next_action": None},
    )
    shown = render.shown_intent(intent, ports.client_secrets)
    commit = Commit(payment_intents=[await keep.intent_row(intent, ports.box)])
    happening = Happening("payment_intent.canceled", PAYMENT_INTENT, render.without_secret(shown), intent.row.subject)
    await announce(commit, cause.origin, [happening], ports.box)
    commit.audits.append(cause.audit("payment_intent.cancel", intent.row.id, status="canceled", reason=reason))
    seen = render.for_principal(shown, call.principal)
    answer = await call.answer(await shim.for_version(ports, call, seen))
    commit.claims += claimed_and_answered(call, answer, await call.sealed(answer) if call.claim else None)
    await ports.committer.commit(commit)
    ports.poke()
    return answer
