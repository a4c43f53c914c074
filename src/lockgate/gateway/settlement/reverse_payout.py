"""Fetches a payout back from the bank, as a payout of its own with a negative amount."""

import json

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.settlement import conclude, find_payouts, order
from lockgate.gateway.settlement.core import payouts
from lockgate.gateway.settlement.core.calendar import arrival
from lockgate.gateway.settlement.create_payout import ARRIVAL_DAYS
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.idempotency import claimed
from lockgate.gateway.storage.records import PayoutRow
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel import ids
from lockgate.kernel.operations import Answer, Call

TRIES = 5


async def reverse(ports: Ports, call: Call) -> Answer:
    """Reverse the payout of the path; answers with the payout that does so."""
    cause = causes.of_call(call)
    for _ in range(TRIES):
        before = await find_payouts.payout(ports.pool, call.principal, call.path["payout"])
        payouts.check_reversible(before, await _reversal_of(ports, call, before))
        if before.attempt is not None:
            raise order.busy()
        days = int(ports.settings[before.processor].get("payout_arrival_days", ARRIVAL_DAYS))
        told = {
            "id": ids.new_id("po"),
            "arrival_date": arrival(call.now, days=days),
            "original_payout": before.id,
            "description": json.loads(before.data)["description"],
            "metadata": {key: value for key, value in (call.params.get("metadata") or {}).items() if value},
        }
        attempt = order.attempt(
            call.principal, "reverse_payout",
            processor=before.processor, amount=before.amount, currency=before.currency,
            reference=before.processor_reference, now=call.now, api_version=call.api_version, call=call, payout=told,
        )
        audit = cause.audit("payout.reverse", before.id, outcome="begun", attempt=attempt.id, reversal=told["id"])
        commit = Commit(
            claims=claimed(call, attempt=attempt.id),
            payouts=[before._replace(version=before.version + 1, attempt=attempt.id)],
            attempts=[attempt],
            audits=[audit],
        )
        try:
            await ports.committer.commit(commit)
        except Moved:
            continue
        result = await order.place(ports, attempt, payout=told, now=call.now)
        answer = await conclude.conclude(ports, cause, attempt, result=result, call=call)
        ports.poke()
        if answer is None:
            raise order.not_sent("The payout was not reversed")
        return answer
    raise order.busy()


async def _reversal_of(ports: Ports, call: Call, payout: PayoutRow) -> PayoutRow | None:
    reversed_by = json.loads(payout.data).get("reversed_by")
    return await find_payouts.payout(ports.pool, call.principal, reversed_by) if reversed_by else None
