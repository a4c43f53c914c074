"""Captures a charge of the older API, all of it or a part; what is not taken is released."""

from lockgate.gateway.payments import capture, conclude, find, keep
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments.core import build, hidden
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.rows import ChargeRow, PaymentIntentRow
from lockgate.kernel.errors import invalid
from lockgate.kernel.operations import Answer, Call


async def create(ports: Ports, call: Call) -> Answer:
    """The operation."""
    cause = causes.of_call(call)
    for _ in range(conclude.TRIES):
        charge = await find.charge(ports.pool, call.principal, call.path["charge"])
        if charge.amount_captured:
            raise _already(charge)
        if charge.intent is not None:
            raise invalid(
                f"This uncaptured Charge was created by a PaymentIntent ({charge.intent}). "
                "You must capture the PaymentIntent instead."
            )
        row = await find.intent(ports.pool, call.principal, hidden.intent_of(charge.id))
        _check(charge, row)
        before = await keep.open_intent(row, ports.box)
        try:
            return await capture.take(ports, call, cause, before, amount=call.params.get("amount"))
        except Moved:
            continue
    raise build.busy()


def _check(charge: ChargeRow, intent: PaymentIntentRow) -> None:
    if intent.status == "processing" or (intent.status == "requires_capture" and intent.attempt is not None):
        raise build.busy()
    if intent.status == "succeeded":
        raise _already(charge)
    if intent.status == "canceled":
        raise invalid(
            f"Charge {charge.id} cannot be captured because the charge has expired.", code="charge_expired_for_capture"
        )
    if intent.status != "requires_capture":
        raise invalid(f"Charge {charge.id} failed: there is nothing to capture.")


def _already(charge: ChargeRow) -> Exception:
    return invalid(f"Charge {charge.id} has already been captured.", code="charge_already_captured")
