"""Stops a payout that has not left yet: its money is available again."""

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.settlement import conclude, find_payouts, order
from lockgate.gateway.settlement.core import payouts
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.idempotency import claimed
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.operations import Answer, Call

TRIES = 5


async def cancel(ports: Ports, call: Call) -> Answer:
    """Cancel the payout of the path. While the processor's answer is unknown, it is shown as it was."""
    cause = causes.of_call(call)
    for _ in range(TRIES):
        before = await find_payouts.payout(ports.pool, call.principal, call.path["payout"])
        payouts.check_cancelable(before)
        if before.attempt is not None:
            raise order.busy()  # nobody knows yet whether there is anything to stop, or it is being stopped already
        told = {"id": before.id}
        attempt = order.attempt(
            call.principal, "cancel_payout",
            processor=before.processor, amount=abs(before.amount), currency=before.currency,
            reference=before.processor_reference, now=call.now, api_version=call.api_version, call=call, payout=told,
        )
        commit = Commit(
            claims=claimed(call, attempt=attempt.id),
            payouts=[before._replace(version=before.version + 1, attempt=attempt.id)],
            attempts=[attempt],
            audits=[cause.audit("payout.cancel", before.id, outcome="begun", attempt=attempt.id)],
        )
        try:
            await ports.committer.commit(commit)
        except Moved:
            continue
        result = await order.place(ports, attempt, payout=told, now=call.now)
        answer = await conclude.conclude(ports, cause, attempt, result=result, call=call)
        ports.poke()
        if answer is None:
            raise order.not_sent("The payout was not canceled")
        return answer
    raise order.busy()
