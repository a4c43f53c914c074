"""Concludes an attempt to authorise, or to complete an authorisation: the same at once and after recovery."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers import render as customers_render
from lockgate.gateway.ledger import transfers
from lockgate.gateway.payments import conclude, find, keep
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import settle, settle_authorization
from lockgate.gateway.payments.core.records import Charge, Intent, Method
from lockgate.gateway.payments.core.transitions import INDEFINITE
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.processors.contract import Outcome, Result
from lockgate.gateway.storage.commit import CommitUnknown, Moved
from lockgate.gateway.storage.rows import AttemptRow, PaymentMethodRow
from lockgate.kernel import clock
from lockgate.kernel.operations import Answer, Call


async def authorization(
    ports: Ports,
    cause: Cause,
    intent: Intent,
    attempt: AttemptRow,
    *,
    method: Method,
    result: Result,
    call: Call | None,
) -> Answer | None:
    """Conclude an attempt to authorise or complete; whoever else concludes it meanwhile wins, once."""
    settings = ports.settings[attempt.processor]
    shown_method: Mapping[str, Any] = {}
    if result.outcome is not Outcome.APPROVED:
        shown_method = await customers_render.payment_method(method.row, ports.box)
    for _ in range(conclude.TRIES):
        pending = await _pending(ports, cause, attempt)
        settled = settle_authorization.authorization(
            intent, attempt, result,
            method=method,
            shown_method=shown_method,
            pending=pending,
            clock=settle.Clock(cause.now, clock.now_ms()),
            booking=settle.Booking(
                ports.processors[attempt.processor].fee(settings, attempt.amount, attempt.currency),
                transfers.available_on(settings, now=cause.now, at_once=result.funds_available_at_once),
            ),
        )
        try:
            return await conclude.write(
                ports, cause, settled, action="payment_intent.confirm", was=intent, read=pending, call=call
            )
        except (Moved, CommitUnknown):
            intent = await keep.open_intent(await find.intent(ports.pool, cause.principal, intent.row.id), ports.box)
            again = await find.attempt(ports.pool, cause.principal, attempt.id)
            assert again is not None, "attempts are never deleted"
            if again.state not in INDEFINITE:
                return await conclude.current(ports, call, intent, again) if call is not None else None
            attempt = again
            method = await keep.open_method(await method_row(ports, cause, method.row.id), ports.box)
    if call is None:
        return None  # recovery comes back to it
    return await conclude.show(ports, call, intent)


async def settled(ports: Ports, attempt: AttemptRow, result: Result, *, cause: Cause) -> None:
    """Conclude an attempt to authorise or complete that recovery has found out about."""
    assert attempt.intent is not None, "an attempt to authorise has an intent"
    row = await find.intent(ports.pool, cause.principal, attempt.intent)
    method_id = row.payment_method
    assert method_id is not None, "an intent in flight has a payment method"
    method = await keep.open_method(await method_row(ports, cause, method_id), ports.box)
    intent = await keep.open_intent(row, ports.box)
    await authorization(ports, cause, intent, attempt, method=method, result=result, call=None)


async def _pending(ports: Ports, cause: Cause, attempt: AttemptRow) -> Charge | None:
    """The charge that the attempt left behind when its answer did not come."""
    if attempt.state == "open":
        return None
    assert attempt.charge is not None, "an attempt to authorise knows its charge's id from the start"
    found = await find.charges(ports.pool, cause.principal, [attempt.charge])
    return await keep.open_charge(found[0], ports.box) if found else None


async def method_row(ports: Ports, cause: Cause, id_: str) -> PaymentMethodRow:
    found = await find.means(ports.pool, cause.principal, method=id_, customer=None)
    assert found.method is not None, "payment methods are never deleted"
    return found.method
