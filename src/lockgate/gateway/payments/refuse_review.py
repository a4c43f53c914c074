"""Ends a review because the payment is fraud: what is held for it is released, and nothing can be taken any more."""

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import conclude, release
from lockgate.gateway.payments.approve_review import open_one, reviewed
from lockgate.gateway.payments.core import build
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.commit import Moved
from lockgate.kernel.errors import invalid
from lockgate.kernel.operations import Answer, Call

AUDIT = "review.refuse"


async def refuse(ports: Ports, call: Call) -> Answer:
    """The operation. What was taken already goes back by a refund, which has its own rules for who may order one."""
    cause = causes.of_call(call)
    for _ in range(conclude.TRIES):
        review = await open_one(ports, call, verb="refused")
        before = await reviewed(ports, cause, review)
        if before.row.status != "requires_capture" or before.row.amount_received:
            raise invalid(
                "This payment was captured already: refund it with reason=fraudulent, which ends the review too."
            )
        try:
            intent, charge, attempt = await release.begin(
                ports, cause, before,
                reason="fraudulent", expired=False, call=call, changes={"refused": True}, audit=AUDIT,
            )
        except Moved:
            continue
        result = await release.order(ports, cause, charge, attempt)
        answer = await release.finish(
            ports, cause, intent, charge, attempt=attempt, result=result, call=call, audit=AUDIT
        )
        assert answer is not None, "a request gets an answer"
        return answer
    raise build.busy()
