"""A processor says that a payout has changed: nothing is believed before it was asked."""

from lockgate.gateway.settlement import find_payouts
from lockgate.gateway.settlement.follow import follow
from lockgate.gateway.settlement.ports import Ports
from lockgate.kernel.principal import Principal


async def payout(ports: Ports, account: str, livemode: bool, reference: str) -> bool:
    """Follow the payout that the processor calls ``reference``; False if nothing could be learnt yet.

    One that we do not know by that name may be an order whose answer was lost: recovery will learn it.
    """
    who = Principal(account, livemode, "internal", "notification")
    row = await find_payouts.payout_by_reference(ports.pool, who, reference)
    return row is not None and await follow(ports, row)
