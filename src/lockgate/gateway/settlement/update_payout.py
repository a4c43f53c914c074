"""Changes a payout's metadata."""

from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.settlement import find_payouts, order, render
from lockgate.gateway.settlement.core import payouts
from lockgate.gateway.settlement.core.shapes import PAYOUT
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import claimed_and_answered
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.operations import Answer, Call

TRIES = 5


async def update(ports: Ports, call: Call) -> Answer:
    """Merge the given metadata into the payout's."""
    cause = causes.of_call(call)
    for _ in range(TRIES):
        before = await find_payouts.payout(ports.pool, call.principal, call.path["payout"])
        if "metadata" not in call.params:
            return await call.answer(render.payout(before))
        after = payouts.changed(before, call.params["metadata"])
        rendered = render.payout(after)
        commit = Commit(payouts=[after], audits=[cause.audit("payout.update", after.id)])
        was = previous(render.payout(before), rendered)
        await announce(commit, cause.origin, [Happening("payout.updated", PAYOUT, rendered, after.id, was)], ports.box)
        answer = await call.answer(rendered, fresh=[rendered])
        commit.claims += claimed_and_answered(call, answer, await call.sealed(answer) if call.claim else None)
        try:
            await ports.committer.commit(commit)
        except Moved:
            continue
        ports.poke()
        return answer
    raise order.busy()
