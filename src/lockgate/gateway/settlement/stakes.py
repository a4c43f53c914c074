"""What a payout would move, for whoever must agree to it before it is made."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.approvals.core.stake import Look, Stake
from lockgate.gateway.settlement import find_payouts
from lockgate.gateway.settlement.ports import Ports
from lockgate.kernel.principal import Principal


def looks(ports: Ports) -> dict[str, Look]:
    """By the name of the operation."""

    async def create(_who: Principal, _path: Mapping[str, str], params: Mapping[str, Any]) -> Stake | None:
        return Stake(params["amount"], params["currency"].lower(), "to the merchant's bank")

    async def existing(who: Principal, path: Mapping[str, str], _params: Mapping[str, Any]) -> Stake | None:
        row = await find_payouts.payout(ports.pool, who, path["payout"])
        return Stake(abs(row.amount), row.currency, f"of {row.id}")

    return {"payout.create": create, "payout.cancel": existing, "payout.reverse": existing}
