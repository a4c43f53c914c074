"""Cancels a payment intent; an authorisation that was already given is voided at the processor first."""

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import conclude, find, keep, release, render, shim
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import build, counted
from lockgate.gateway.payments.core.records import Intent
from lockgate.gateway.payments.core.shapes import PAYMENT_INTENT
from lockgate.gateway.payments.core.transitions import CANCELABLE
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import claimed_and_answered
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Call

ALLOWED = "canceled: requires_payment_method, requires_capture, requires_confirmation, requires_action, processing"


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
            raise await conclude.unexpected(ports, call, before, verb="cancel", allowed=ALLOWED)
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
            intent, charge, attempt = await release.begin(
                ports, cause, before, reason=reason, expired=False, call=call
            )
        except Moved:
            continue
        result = await release.order(ports, cause, charge, attempt)
        answer = await release.finish(
            ports, cause, intent, charge, attempt=attempt, result=result, call=call
        )
        assert answer is not None, "a request gets an answer"
        return answer
    raise build.busy()


async def _at_once(ports: Ports, call: Call, cause: Cause, before: Intent, *, reason: str | None) -> Answer:
    """Nothing is authorised: a challenge that is still open can never be completed after this commit."""
    intent = before.after(
        "canceled",
        attempt=None,
        data={"canceled_at": cause.now, "cancellation_reason": reason, "next_action": None},
    )
    shown = render.shown_intent(intent, ports.client_secrets)
    commit = Commit(
        payment_intents=[await keep.intent_row(intent, ports.box)], risk_outcomes=counted.abandoned(before.row)
    )
    happening = Happening("payment_intent.canceled", PAYMENT_INTENT, render.without_secret(shown), intent.row.subject)
    happenings = await shim.for_events(ports, cause, [happening], ())
    await announce(commit, cause.origin, happenings, ports.box)
    commit.audits.append(
        cause.audit(
            "payment_intent.cancel", intent.row.id, was=before.row.status, status=intent.row.status, reason=reason
        )
    )
    seen = render.for_principal(shown, call.principal)
    answer = await call.answer(await shim.for_version(ports, call, seen))
    commit.claims += claimed_and_answered(call, answer, await call.sealed(answer) if call.claim else None)
    await ports.committer.commit(commit)
    ports.poke()
    return answer
