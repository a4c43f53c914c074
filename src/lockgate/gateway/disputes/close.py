"""Gives a dispute up: the merchant has nothing to say, so it is lost, or the inquiry is closed."""

from lockgate.gateway.disputes import find, keep, order
from lockgate.gateway.disputes.core import orders
from lockgate.gateway.disputes.ports import Ports
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.storage.commit import Moved
from lockgate.kernel.operations import Answer, Call

TRIES = 5


async def close(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/disputes/{dispute}/close."""
    cause = causes.of_call(call)
    for _ in range(TRIES):
        before = await keep.open_dispute(
            await find.dispute(ports.pool, call.principal, call.path["dispute"]), ports.box
        )
        orders.check_open(before, verb="close it")
        try:
            return await order.begin(ports, call, cause, before, action=orders.ACCEPT, metadata=None)
        except Moved:
            continue
    raise orders.busy()
