"""Pays out: reserve the amount, tell the processor with no transaction held, then conclude.

Commit 1 holds an open attempt that carries all the payout will be made of, and the idempotency claim. The commit
function takes the open attempts of payouts off what is available, one payout after the other, so however many are asked
for at once, they never pay out more than there is. The payout's own row and its books come with the processor's answer.
"""

import json

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core.amounts import currency as currency_of
from lockgate.gateway.settlement import conclude, order
from lockgate.gateway.settlement.core.calendar import arrival
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage.commit import Uncovered
from lockgate.gateway.storage.idempotency import claimed
from lockgate.gateway.storage.rows import AttemptRow, Commit
from lockgate.kernel import ids
from lockgate.kernel.errors import invalid
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

ARRIVAL_DAYS = 2


async def create(ports: Ports, call: Call) -> Answer:
    """Pay out ``amount`` of what is available."""
    cause = causes.of_call(call)
    currency = currency_of(call.params["currency"])
    attempt = ordered(
        ports, call.principal,
        amount=call.params["amount"], currency=currency, now=call.now, api_version=call.api_version, call=call,
        more={
            "description": call.params.get("description") or None,
            "metadata": {key: value for key, value in (call.params.get("metadata") or {}).items() if value},
            "statement_descriptor": call.params.get("statement_descriptor") or None,
        },
    )
    commit = Commit(claims=claimed(call, attempt=attempt.id))
    try:
        answer = await pay_out(ports, cause, attempt, commit, call=call)
    except Uncovered:
        raise invalid(
            "Your available balance is too low for this payout. See what is available at /v1/balance.",
            code="balance_insufficient",
        ) from None
    if answer is None:
        raise order.not_sent("Nothing was paid out")
    return answer


def ordered(
    ports: Ports,
    principal: Principal,
    *,
    amount: int,
    currency: str,
    now: int,
    api_version: str,
    call: Call | None,
    more: dict[str, object],
) -> AttemptRow:
    """The order to pay out, before it is written. ``more`` is what its payout has beside amount and days."""
    days = int(ports.settings[ports.payout_processor].get("payout_arrival_days", ARRIVAL_DAYS))
    return order.attempt(
        principal, "payout",
        processor=ports.payout_processor, amount=amount, currency=currency, reference=None, now=now,
        api_version=api_version, call=call,
        payout={"id": ids.new_id("po"), "arrival_date": arrival(now, days=days), **more},
    )


async def pay_out(
    ports: Ports, cause: Cause, attempt: AttemptRow, commit: Commit, *, call: Call | None
) -> Answer | None:
    """Write ``commit`` with ``attempt`` in it, send the order and conclude it. Uncovered when there is not enough."""
    told = json.loads(attempt.data)["payout"]
    commit.attempts.append(attempt)
    commit.audits.append(
        cause.audit("payout.create", told["id"], amount=attempt.amount, currency=attempt.currency, attempt=attempt.id)
    )
    await ports.committer.commit(commit)
    result = await order.place(ports, attempt, payout=told, now=cause.now)
    answer = await conclude.conclude(ports, cause, attempt, result=result, call=call)
    ports.poke()
    return answer
