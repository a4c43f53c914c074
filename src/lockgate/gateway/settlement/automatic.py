"""Pays out by the clock: on each due day of an account and mode, what is available in each currency, once.

Each currency's order is written together with the schedule's row, which notes the currency as done: of two workers
that try, one finds the row moved. The day is over when every currency is done and no order is still without its first
answer: one that turns out not to have been sent gives its currency's turn back.
"""

import json

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import find as payments_find
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.settlement import find_payouts, store
from lockgate.gateway.settlement.core.calendar import DAY_S, Rhythm, next_due
from lockgate.gateway.settlement.create_payout import ordered, pay_out
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.commit import Moved, Taken, Uncovered
from lockgate.gateway.storage.records import PayoutLineRow, PayoutScheduleRow
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel import log

PORTION = 20
MOST_LINES = 20_000
"""How many movements one payout takes; an account with more gets another payout of the same day."""

_logger = log.get("settlement")


async def portion(ports: Ports, *, now: int) -> int:
    """Make the payouts that are due; returns how many."""
    ahead = await business_time.ahead(ports.pool)
    made = 0
    for plan in await store.schedules_due(ports.pool, now=now, ahead=ahead, limit=PORTION):
        try:
            made += await _pay(ports, plan)
        except (Moved, Taken):
            continue  # another worker was faster, or the operator changed the schedule
        except Exception:
            _logger.exception("an account could not be paid out", account=plan.account)
    return made


async def _pay(ports: Ports, plan: PayoutScheduleRow) -> int:
    """Pay one account and mode out; returns how many payouts that made."""
    now = await business_time.now(ports.pool, plan.account, plan.livemode)
    version = await payments_find.api_version(ports.pool, plan.account)
    cause = causes.of_clock(plan.account, plan.livemode, name="schedule", api_version=version, now=now)
    made = 0
    for currency in await find_payouts.currencies(ports.pool, cause.principal):
        if currency not in plan.done:
            plan, paid = await _pay_currency(ports, cause, plan, currency)
            made += paid
    if await find_payouts.paying_out(ports.pool, cause.principal):
        return made
    plan = await find_payouts.schedule(ports.pool, cause.principal) or plan
    left = [currency for currency in await find_payouts.currencies(ports.pool, cause.principal)
            if currency not in plan.done]
    if plan.due_at is not None and plan.due_at <= now and not left:
        due_at = next_due(Rhythm(plan.interval, plan.anchor), after=now)
        await ports.committer.commit(
            Commit(payout_schedules=[plan._replace(version=plan.version + 1, due_at=due_at, done=[])])
        )
    return made


async def _pay_currency(
    ports: Ports, cause: Cause, plan: PayoutScheduleRow, currency: str
) -> tuple[PayoutScheduleRow, bool]:
    """Pay out one currency; the schedule as it then stands, and whether there is a payout."""
    movements = await find_payouts.unpaid(
        ports.pool, cause.principal, currency,
        taken_before=cause.now - plan.delay_days * DAY_S, limit=MOST_LINES + 1,
    )
    whole = len(movements) <= MOST_LINES
    movements = movements[:MOST_LINES]
    amount = sum(row.net for row, _ in movements)
    done = plan._replace(version=plan.version + 1, done=[*plan.done, currency] if whole else plan.done)
    if amount <= 0:
        done = done._replace(done=[*plan.done, currency])
        await ports.committer.commit(Commit(payout_schedules=[done]))
        return done, False
    attempt = ordered(
        ports, cause.principal,
        amount=amount, currency=currency, now=cause.now, api_version=cause.origin.api_version, call=None,
        more={"automatic": True, "due_at": plan.due_at},
    )
    payout = json.loads(attempt.data)["payout"]["id"]
    commit = Commit(payout_schedules=[done])
    commit.payout_lines += [
        PayoutLineRow(row.account, row.livemode, row.id, version + 1, cause.now, payout) for row, version in movements
    ]
    try:
        await pay_out(ports, cause, attempt, commit, call=None)
    except Uncovered:
        # Another order reserved the money meanwhile: when it is in the books, its movement counts against these.
        _logger.info("an automatic payout waits for another payout", account=plan.account, currency=currency)
        return plan, False
    current = await find_payouts.schedule(ports.pool, cause.principal)
    stands = await find_payouts.payouts_by_id(ports.pool, cause.principal, [payout])
    return current or done, bool(stands)
