"""Finishes an authorisation after the shopper's challenge: an attempt of its own, for the one that waits."""

import json

from lockgate.gateway.payments import find, finish, keep
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import build, settle
from lockgate.gateway.payments.core.records import Intent
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.send import send
from lockgate.gateway.processors.contract import Complete
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.idempotency import claimed
from lockgate.gateway.storage.rows import AttemptRow, Commit
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call

_KEPT = (
    "capture", "gives_mandate", "mandate", "method", "return_url", "review", "script", "session", "setup", "verdict",
)  # fmt: skip


async def complete(ports: Ports, cause: Cause, before: Intent, *, call: Call | None) -> Answer | None:
    """Ask the processor to finish what ``before`` waits for. Raises a Refusal when somebody else is at it."""
    assert before.row.attempt is not None, "an intent that waits for a challenge knows its attempt"
    waiting = await find.attempt(ports.pool, cause.principal, before.row.attempt)
    assert waiting is not None and waiting.processor_reference is not None, "a challenge belongs to an authorisation"
    asked = json.loads(waiting.data)
    params = call.params if call is not None else {}
    build.check_ordered(params, before.data, return_url=asked.get("return_url"))
    data, personal = build.changes(params, before.data)
    attempt_id = new_id("pa")
    intent = before.after("processing", data=data, personal=personal, attempt=attempt_id)
    attempt = build.attempt(
        intent,
        "complete",
        id_=attempt_id,
        charge=await _charge(ports, cause, waiting),
        processor=waiting.processor,
        amount=waiting.amount,
        now=cause.now,
        now_ms=clock.now_ms(),
        reference=waiting.processor_reference,
        detail={
            **settle.memory(before),
            **{name: asked[name] for name in _KEPT if name in asked},
            "announced": True,
            "authorize": waiting.id,
            "error_on_action": params.get("error_on_requires_action", asked.get("error_on_action")),
            "claim": [call.claim.key, call.claim.owner] if call is not None and call.claim else None,
        },
    )
    commit = Commit(attempts=[attempt], claims=claimed(call, attempt=attempt_id) if call is not None else [])
    commit.payment_intents.append(await keep.intent_row(intent, ports.box))
    commit.audits.append(
        cause.audit(
            "payment_intent.complete", intent.row.id,
            outcome="begun", was=before.row.status, status=intent.row.status, attempt=attempt_id, amount=attempt.amount,
        )
    )
    try:
        await ports.committer.commit(commit)
    except Moved as moved:
        raise build.busy() from moved
    method = await keep.open_method(await finish.method_row(ports, cause, asked["method"]), ports.box)
    result = await send(
        ports,
        account=attempt.account,
        livemode=attempt.livemode,
        steps=ports.processors[attempt.processor].complete(
            Complete(
                step=attempt_id,
                send_before_ms=attempt.send_before_ms,
                timeout_ms=build.TIMEOUT_MS,
                now=build.told(attempt),
                settings=ports.settings[attempt.processor],
                processor_reference=waiting.processor_reference,
                continuation=asked.get("continuation", {}),
            )
        ),
    )
    return await finish.authorization(ports, cause, intent, attempt, method=method, result=result, call=call)


async def _charge(ports: Ports, cause: Cause, waiting: AttemptRow) -> str:
    """The charge that the verdict is about, unless it has come to nothing while its answer did not come."""
    assert waiting.charge is not None, "an attempt to authorise knows its charge's id from the start"
    return new_id("ch") if await find.charges(ports.pool, cause.principal, [waiting.charge]) else waiting.charge
