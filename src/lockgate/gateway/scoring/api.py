"""The operation by which a merchant says what became known of payments; models are the operator's command's."""

from lockgate.gateway.scoring.add_label import add_label
from lockgate.gateway.scoring.core.shapes import RISK_LABEL
from lockgate.gateway.storage.database import Pool
from lockgate.kernel.operations import Answer, Call, Operation
from lockgate.kernel.params import Boolean, Object, Text, Timestamp, optional, required

_CREATE = Object(
    {
        "charge": required(Text(255), "The charge of the payment."),
        "fraud": required(Boolean(), "What is known of it: whether it was fraud."),
        "known_at": optional(Timestamp(), "The second from which that was known; by default now."),
    }
)


def operations(pool: Pool) -> list[Operation]:
    """/v1/risk/labels."""

    async def create(call: Call) -> Answer:
        return await add_label(pool, call)

    return [
        Operation(
            name="risk_label.create", method="POST", path="/v1/risk/labels", resource="risk", access="write",
            handler=create, params=_CREATE, returns=RISK_LABEL, audit="risk_label.create",
            summary="Say that a payment was fraud, or was honest.",
        ),
    ]  # fmt: skip
