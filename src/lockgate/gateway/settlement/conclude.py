"""Ends an order about a payout: the same at once, and when recovery has found out what became of it.

``settle`` and ``show`` make this room a Concluder of payments' recovery.
"""

import asyncio
import json
import random
from typing import Any

from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import find as payments_find
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core.transitions import INDEFINITE
from lockgate.gateway.processors.contract import Result
from lockgate.gateway.settlement import find, find_payouts, order, render
from lockgate.gateway.settlement.core.orders import Ended, cancel_ended, payout_ended, refused, reversal_ended
from lockgate.gateway.settlement.core.payouts import Course
from lockgate.gateway.settlement.core.shapes import PAYOUT
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.commit import CommitUnknown, Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import answered, released
from lockgate.gateway.storage.records import PayoutLineRow, PayoutRow
from lockgate.gateway.storage.rows import AttemptRow, BalanceTransactionRow, Commit, ReleaseRow
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

ACTIONS = ("payout", "cancel_payout", "reverse_payout")
TRIES = 50
PAUSE_S = 0.02


class Concluder:
    """What recovery calls for the orders of this room."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    async def settle(self, attempt: AttemptRow, result: Result) -> None:
        """End ``attempt`` as ``result`` says, or make it visible when that is not definite."""
        version = json.loads(attempt.data)["api_version"]
        now = await business_time.now(self._ports.pool, attempt.account, attempt.livemode)
        cause = causes.of_clock(attempt.account, attempt.livemode, name="recovery", api_version=version, now=now)
        await conclude(self._ports, cause, attempt, result=result, call=None)

    async def show(self, principal: Principal, attempt: AttemptRow, call: Call) -> Answer:
        """The payout that ``attempt`` made or changed, as it now is, or the refusal that the order earned."""
        told = json.loads(attempt.data)["payout"]
        rows = await find_payouts.payouts_by_id(self._ports.pool, principal, [told["id"]])
        return await _as_it_stands(attempt, rows[0] if rows else None, call)


async def conclude(
    ports: Ports, cause: Cause, attempt: AttemptRow, *, result: Result, call: Call | None
) -> Answer | None:
    """Commit 2. The answer for ``call``; None without a call, or when the order certainly was not sent.

    Another may have ended the attempt already: then the payout is shown as it stands.
    """
    for tries in range(TRIES):
        if tries:
            await asyncio.sleep(PAUSE_S * min(tries, 10) * random.random())  # noqa: S311 - parts the contenders, protects nothing
        current = await payments_find.attempt(ports.pool, cause.principal, attempt.id)
        assert current is not None, "an attempt is never removed"
        told = json.loads(current.data)["payout"]
        ids = [told["id"], *([told["original_payout"]] if told.get("original_payout") else [])]
        found = {row.id: row for row in await find_payouts.payouts_by_id(ports.pool, cause.principal, ids)}
        payout = found.get(told["id"])
        if current.state not in INDEFINITE:
            return await _show(ports, current, payout, call)
        ended = await _ended(ports, cause, current, payout, original=found.get(told.get("original_payout", "")),
                             result=result)
        if ended is None:
            return await _show(ports, current, payout, call)  # nothing new; when to ask again is recovery's to say
        commit, answer = await _commit(ports, cause, ended, call=call)
        try:
            await ports.committer.commit(commit)
        except (Moved, CommitUnknown):
            continue
        return answer
    raise order.busy()


async def write(ports: Ports, cause: Cause, commit: Commit, courses: list[Course]) -> list[dict[str, Any]]:
    """Put all that happened to payouts into ``commit``; returns what is new, as the API shows it."""
    fresh: list[dict[str, Any]] = []
    happenings: list[Happening] = []
    for course in courses:
        commit.payouts.append(course.row)
        commit.transfers += course.transfers
        commit.balance_transactions += course.transactions
        if course.before is None and course.row.automatic:
            for own in course.transactions[:1]:
                commit.payout_lines.append(_line(own, course.row))
        if course.before is None or course.before.status != course.row.status:
            commit.audits.append(
                cause.audit(
                    "payout.conclude", course.row.id,
                    was=course.before.status if course.before else None, status=course.row.status,
                    amount=course.row.amount,
                )
            )
        before = course.before and render.payout(course.before)
        for type_, row in course.shown:
            shown = render.payout(row)
            changes = previous(before, shown) if before is not None and type_ == "payout.updated" else None
            happenings.append(Happening(type_, PAYOUT, shown, row.id, changes))
            before = shown
        fresh.append(render.payout(course.row))
        fresh += [render.balance_transaction(row) for row in course.transactions]
    await announce(commit, cause.origin, happenings, ports.box)
    return fresh


async def _ended(
    ports: Ports, cause: Cause, attempt: AttemptRow, payout: PayoutRow | None, *, original: PayoutRow | None,
    result: Result,
) -> Ended | None:
    """What ``result`` makes of it; None when it tells nothing new."""
    taken = await _first_movement(ports, cause, payout) if payout else None
    check_ms = clock.now_ms() + order.FIRST_CHECK_MS
    transaction_id = new_id("txn")
    if attempt.action == "payout":
        return payout_ended(
            attempt, payout, result, taken=taken, transaction_id=transaction_id, now=cause.now, check_ms=check_ms
        )
    if attempt.action == "cancel_payout":
        assert payout is not None and taken is not None, "what is to be canceled stands in the books"
        return cancel_ended(
            attempt, payout, result, taken=taken, transaction_id=transaction_id, now=cause.now, check_ms=check_ms
        )
    assert original is not None, "a reversal has its original"
    return reversal_ended(
        attempt, payout, result,
        original=original, taken=taken, transaction_id=transaction_id, now=cause.now, check_ms=check_ms,
    )


async def _commit(ports: Ports, cause: Cause, ended: Ended, *, call: Call | None) -> tuple[Commit, Answer | None]:
    commit = Commit(attempts=[ended.attempt])
    fresh = await write(ports, cause, commit, ended.courses)
    if ended.refused is not None and call is not None:
        answer = await call.refuse(ended.refused)
        commit.answers += answered(call, answer, await call.sealed(answer) if call.claim else None)
    elif ended.undone:
        answer = None
        commit.releases += released(call) if call else releases_of(ended.attempt)
        await _free(ports, cause, commit, ended.attempt)
    elif call is not None:
        answer = await call.answer(fresh[0], fresh=fresh)
        commit.answers += answered(call, answer, await call.sealed(answer) if call.claim else None)
    else:
        answer = None
    if ended.attempt.state in ("declined", "failed") or not ended.courses:
        told = json.loads(ended.attempt.data)["payout"]
        detail = {"attempt": ended.attempt.id, "result": ended.attempt.state}
        commit.audits.append(cause.audit("payout.order", told["id"], outcome="failed", **detail))
    return commit, answer


async def _free(ports: Ports, cause: Cause, commit: Commit, attempt: AttemptRow) -> None:
    """An automatic payout was not sent: its movements wait for the next, and its currency's turn comes again."""
    told = json.loads(attempt.data)["payout"]
    if not told.get("automatic"):
        return
    lines = await find_payouts.lines(ports.pool, cause.principal, told["id"])
    commit.payout_lines += [line._replace(version=line.version + 1, payout=None) for line in lines]
    plan = await find_payouts.schedule(ports.pool, cause.principal)
    if plan is not None and plan.due_at == told["due_at"] and attempt.currency in plan.done:
        left = [currency for currency in plan.done if currency != attempt.currency]
        commit.payout_schedules.append(plan._replace(version=plan.version + 1, done=left))


async def _show(ports: Ports, attempt: AttemptRow, payout: PayoutRow | None, call: Call | None) -> Answer | None:
    """Answer with the payout as it stands, and keep that as the answer to the request's key."""
    if call is None or (attempt.state == "failed" and (payout is None or attempt.action == "cancel_payout")):
        return None
    answer = await _as_it_stands(attempt, payout, call)
    kept = answered(call, answer, await call.sealed(answer) if call.claim else None)
    if kept:
        await ports.committer.commit(Commit(answers=kept))
    return answer


async def _as_it_stands(attempt: AttemptRow, payout: PayoutRow | None, call: Call) -> Answer:
    refusal = refused(attempt)
    if refusal is not None:
        return await call.refuse(refusal)
    assert payout is not None, "an order that was sent and not refused has its payout"
    return await call.answer(render.payout(payout))


async def _first_movement(ports: Ports, cause: Cause, payout: PayoutRow) -> BalanceTransactionRow:
    assert payout.balance_transaction is not None, "a payout that stands is in the books"
    return await find.balance_transaction(ports.pool, cause.principal, payout.balance_transaction)


def releases_of(attempt: AttemptRow) -> list[ReleaseRow]:
    """Gives back the key of the request that opened ``attempt``: it certainly had no effect."""
    claim = json.loads(attempt.data)["claim"]
    return [ReleaseRow(attempt.account, attempt.livemode, *claim)] if claim else []


def _line(own: BalanceTransactionRow, payout: PayoutRow) -> PayoutLineRow:
    return PayoutLineRow(own.account, own.livemode, own.id, 1, own.created, payout.id)
