"""The operations that end a review: here, because money moves with them."""

from lockgate.gateway.payments import approve_review, refuse_review
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.risk.core.shapes import REVIEW
from lockgate.kernel.operations import Answer, Call, Operation
from lockgate.kernel.params import Object

_REVIEW = "/v1/reviews/{review}"


def operations(ports: Ports) -> list[Operation]:
    """Reviews: approve, refuse."""

    async def approve(call: Call) -> Answer:
        return await approve_review.approve(ports, call)

    async def refuse(call: Call) -> Answer:
        return await refuse_review.refuse(ports, call)

    return [
        Operation(
            name="review.approve", method="POST", path=f"{_REVIEW}/approve", resource="reviews", access="write",
            handler=approve, params=Object({}), returns=REVIEW, audit="review.approve",
            summary="Close a review because the payment is fine, and take what was held for it.",
        ),
        Operation(
            name="review.refuse", method="POST", path=f"{_REVIEW}/refuse", resource="reviews", access="write",
            handler=refuse, params=Object({}), returns=REVIEW, declines=True, audit="review.refuse",
            summary="Close a review because the payment is fraud, and release what is held.",
        ),
    ]  # fmt: skip
