"""Asks the processor where a payout is, and lets happen here what has happened there."""

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import find as payments_find
from lockgate.gateway.payments.send import ask
from lockgate.gateway.processors.contract import InquirePayout, PayoutFound
from lockgate.gateway.settlement import conclude, find, find_payouts, order, store
from lockgate.gateway.settlement.core import payouts
from lockgate.gateway.settlement.core.payouts import Course
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.commit import CommitUnknown, Moved
from lockgate.gateway.storage.records import PayoutRow
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel import clock, log
from lockgate.kernel.ids import new_id
from lockgate.kernel.principal import Principal

PORTION = 50
TRIES = 10
SILENT_S = 300
"""How long to wait before asking again a processor that told nothing."""

_logger = log.get("settlement")


async def portion(ports: Ports, *, now: int) -> int:
    """Follow payouts that it is time to ask about, the most overdue first; returns how many."""
    ahead = await business_time.ahead(ports.pool)
    due = await store.payouts_to_ask(ports.pool, now=now, ahead=ahead, limit=PORTION)
    for payout in due:
        try:
            await follow(ports, payout)
        except Exception:
            _logger.exception("a payout could not be followed", payout=payout.id)
            await _put_off(ports, payout)
    return len(due)


async def follow(ports: Ports, payout: PayoutRow) -> bool:
    """Ask, and write what is new; False if nothing could be learnt."""
    assert payout.processor_reference is not None, "only what the processor has accepted can be asked about"
    now = await business_time.now(ports.pool, payout.account, payout.livemode)
    inquiry = InquirePayout(
        step=new_id("paq"),
        send_before_ms=clock.now_ms() + order.SEND_WITHIN_MS,
        timeout_ms=order.TIMEOUT_MS,
        settings=ports.settings[payout.processor],
        now=now,
        reference=payout.processor_reference,
    )
    question = ports.processors[payout.processor].inquire_payout(inquiry)
    found = await ask(ports, account=payout.account, livemode=payout.livemode, question=question)
    await _write(ports, payout, found, now=now)
    return found is not None


async def _write(ports: Ports, payout: PayoutRow, found: PayoutFound | None, *, now: int) -> None:
    version = await payments_find.api_version(ports.pool, payout.account)
    cause = causes.of_clock(payout.account, payout.livemode, name="settlement", api_version=version, now=now)
    for _ in range(TRIES):
        taken = await find.balance_transaction(ports.pool, cause.principal, payout.balance_transaction or "")
        course = payouts.again(payout)
        if found is None:
            course = course.quietly(ask_at=now + SILENT_S)
        else:
            if found.arrival_date != payout.arrival_date and payout.status in ("pending", "in_transit"):
                course = course.then("payout.updated", arrival_date=found.arrival_date)
            course = payouts.onward(
                course, found.status,
                failure_code=found.failure_code, taken=taken, transaction_id=new_id("txn"), now=now,
            )
            course = course.quietly(ask_at=payouts.next_ask(course.row, now=now))
        if await _written(ports, cause, course):
            return
        payout = await find_payouts.payout(ports.pool, cause.principal, payout.id)
    _logger.warning("a payout keeps changing while it is followed", payout=payout.id)


async def _written(ports: Ports, cause: causes.Cause, course: Course) -> bool:
    if course.before == course.row._replace(version=course.row.version - 1):
        return True  # nothing new, and nothing to ask any more
    commit = Commit()
    await conclude.write(ports, cause, commit, [course])
    try:
        await ports.committer.commit(commit)
    except (Moved, CommitUnknown):
        return False
    if course.shown:
        ports.poke()
    return True


async def _put_off(ports: Ports, payout: PayoutRow) -> None:
    who = Principal(payout.account, payout.livemode, "internal", "settlement")
    current = await find_payouts.payout(ports.pool, who, payout.id)
    now = await business_time.now(ports.pool, payout.account, payout.livemode)
    later = current._replace(version=current.version + 1, ask_at=now + SILENT_S)
    try:
        await ports.committer.commit(Commit(payouts=[later]))
    except (Moved, CommitUnknown):
        return  # somebody else has news of it
