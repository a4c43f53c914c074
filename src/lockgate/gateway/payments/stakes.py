"""What a refund would give back, for whoever must agree to it before it is made."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.approvals.core.stake import Look, Stake
from lockgate.gateway.payments import find
from lockgate.gateway.payments.ports import Ports
from lockgate.kernel.principal import Principal


def looks(ports: Ports) -> dict[str, Look]:
    """By the name of the operation."""

    async def refund(who: Principal, path: Mapping[str, str], params: Mapping[str, Any]) -> Stake | None:
        charge = path.get("charge", params.get("charge"))
        if charge is None and "payment_intent" in params:
            intent = await find.payment_intent(ports.pool, who, params["payment_intent"], param="payment_intent")
            charge = intent.latest_charge
        if charge is None:
            return None
        row = await find.charge(ports.pool, who, charge, param="charge")
        amount = params.get("amount", row.amount_captured - row.amount_refunded)
        return Stake(amount, row.currency, f"of {row.id}", before=row.amount_refunded + row.refund_in_doubt)

    return {"refund.create": refund, "charge.refund": refund}
