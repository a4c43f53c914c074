"""Releases what an authorisation holds and nobody captured: by a cancel, after the last capture, or by expiry."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.payments import held
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import build, settle_capture
from lockgate.gateway.payments.core.records import Charge, Intent
from lockgate.gateway.payments.core.settle import Clock, Settled
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.send import send
from lockgate.gateway.processors.contract import Result, Void
from lockgate.gateway.storage.rows import AttemptRow
from lockgate.kernel import clock
from lockgate.kernel.operations import Answer, Call

CANCEL = "payment_intent.cancel"


async def begin(
    ports: Ports,
    cause: Cause,
    before: Intent,
    *,
    reason: str | None,
    expired: bool,
    call: Call | None,
    changes: Mapping[str, Any] | None = None,
    audit: str = CANCEL,
) -> tuple[Intent, Charge, AttemptRow]:
    """Commit that what is left will be voided: from now on nobody else may capture or cancel it."""
    return await held.begin(
        ports,
        cause,
        before,
        charge=await held.charge_of(ports, cause, before),
        action="void",
        amount=before.row.amount_capturable,
        status=None,
        reserve=0,
        detail={"cancellation_reason": reason, "expired": expired, **(changes or {})},
        audit=audit,
        call=call,
    )


async def order(ports: Ports, cause: Cause, charge: Charge, attempt: AttemptRow) -> Result:
    """Send the void."""
    request = Void(
        step=attempt.id,
        send_before_ms=attempt.send_before_ms,
        timeout_ms=build.TIMEOUT_MS,
        settings=ports.settings[attempt.processor],
        now=cause.now,
        processor_reference=held.reference_of(charge),
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
    audit: str = CANCEL,
) -> Answer | None:
    """Conclude an attempt to void."""

    def settle(intent: Intent, charge: Charge, attempt: AttemptRow) -> Settled:
        return settle_capture.void(intent, charge, attempt, result=result, clock=Clock(cause.now, clock.now_ms()))

    return await held.finish(ports, cause, intent, charge, attempt=attempt, settle=settle, audit=audit, call=call)


async def settled(ports: Ports, attempt: AttemptRow, result: Result, *, cause: Cause) -> None:
    """Conclude an attempt to void that recovery has found out about."""
    intent, charge = await held.read(ports, cause, attempt)
    await finish(ports, cause, intent, charge, attempt=attempt, result=result, call=None)
