"""Changes a payout's metadata."""

from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.settlement import find_payouts, render
from lockgate.gateway.settlement.core import payouts
from lockgate.gateway.settlement.core.shapes import PAYOUT
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.write import settled, write
from lockgate.kernel.operations import Answer, Call


async def update(ports: Ports, call: Call) -> Answer:
    """Merge the given metadata into the payout's. Without any change nothing is announced."""
    return await settled(lambda: _update(ports, call))


async def _update(ports: Ports, call: Call) -> Answer:
    before = await find_payouts.payout(ports.pool, call.principal, call.path["payout"])
    after = payouts.changed(before, call.params["metadata"]) if "metadata" in call.params else before
    rendered = render.payout(after)
    was = previous(render.payout(before), rendered)
    commit, happenings = Commit(), []
    if was:
        commit.payouts.append(after)
        commit.audits.append(causes.of_call(call).audit("payout.update", after.id))
        happenings.append(Happening("payout.updated", PAYOUT, rendered, after.id, was))
    return await write(ports, call, commit=commit, rendered=rendered, happenings=happenings, fresh=[rendered])
