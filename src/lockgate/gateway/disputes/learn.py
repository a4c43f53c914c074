"""Learns how a dispute stands: asks the processor, and writes down whatever is news.

The same whoever calls: a notification, the clock, or a request that was told no. Old news and copies change nothing.
"""

from lockgate.gateway.disputes import asking, find, keep, store
from lockgate.gateway.disputes.core import news
from lockgate.gateway.disputes.core.transitions import UNDER_REVIEW
from lockgate.gateway.disputes.ports import Ports
from lockgate.gateway.disputes.tell import Telling
from lockgate.gateway.payments import find as payments_find
from lockgate.gateway.payments import keep as payments_keep
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.processors.contract import DisputeFound, InquireDispute
from lockgate.gateway.storage.commit import CommitUnknown, Moved, Taken
from lockgate.kernel.ids import new_id

TRIES = 20


async def dispute(ports: Ports, account: str, livemode: bool, *, processor: str, reference: str) -> bool:
    """Ask about the dispute that ``processor`` calls ``reference``; False when there is nothing to write down yet."""
    cause = await asking.cause(ports, account, livemode)
    request = InquireDispute(**asking.fields(ports, cause, processor), reference=reference)
    found = await asking.answered(ports, cause, ports.processors[processor].inquire_dispute(request))
    if found is None:
        return False
    for _ in range(TRIES):
        try:
            return await _write(ports, cause, found, processor=processor)
        except (Moved, Taken, CommitUnknown):
            continue  # somebody else has written about it: see what is known by now
    return False


async def _write(ports: Ports, cause: Cause, found: DisputeFound, *, processor: str) -> bool:
    row = await find.dispute_called(ports.pool, cause.principal, processor, reference=found.reference)
    if row is None:
        charge = await asking.charge_of(ports, cause, found.step, processor=processor)
        if charge is None:
            return False  # the payment itself is still being concluded
        details = charge.data.get("payment_method_details") or {}
        state = news.opened(
            found, charge.row, details.get("card") or {}, id_=new_id("dp"), processor=processor, now=cause.now
        )
        telling = Telling(ports, cause, charge, fee=found.fee)
    else:
        if row.attempt is not None and found.status == UNDER_REVIEW.get(row.status):
            return False  # our own order did that: whoever sent it writes it down with the evidence
        before = await keep.open_dispute(row, ports.box)
        state = news.learnt(before, found, now=cause.now)
        if state is before:
            await store.ask_at(ports.pool, row, before.due(now=cause.now).row.ask_at)
            return True
        charge_row = await payments_find.charge(ports.pool, cause.principal, row.charge)
        telling = Telling(ports, cause, await payments_keep.open_charge(charge_row, ports.box), fee=found.fee)
        await telling.begin(before)
        state = state.next()
    while True:  # one that is heard of late is told from its beginning
        told = await telling.tell(state)
        state = news.learnt(told, found, now=cause.now)
        if state is told:
            await telling.write(told, action="dispute.create" if row is None else "dispute.advance")
            return True
