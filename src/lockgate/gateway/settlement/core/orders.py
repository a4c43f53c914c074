"""What a processor's answer to an order makes of its attempt and of the payouts it is about: pure."""

from typing import NamedTuple

from lockgate.gateway.payments.core.transitions import ATTEMPT, move
from lockgate.gateway.processors.contract import Outcome, Result
from lockgate.gateway.settlement.core import payouts
from lockgate.gateway.settlement.core.payouts import Course
from lockgate.gateway.storage.records import PayoutRow
from lockgate.gateway.storage.rows import AttemptRow, BalanceTransactionRow
from lockgate.kernel.errors import Refusal, invalid

_STATE = {
    Outcome.APPROVED: "approved",
    Outcome.DECLINED: "declined",
    Outcome.FAILED: "failed",
    Outcome.PENDING: "pending",
}
_DEFINITE = (Outcome.APPROVED, Outcome.DECLINED, Outcome.FAILED)


class Ended(NamedTuple):
    """``courses`` happen to payouts, the one to show first. ``undone``: the order was not sent and leaves nothing.

    ``refused`` is the lasting answer to whoever asked for it.
    """

    attempt: AttemptRow
    courses: list[Course]
    undone: bool = False
    refused: Refusal | None = None


def payout_ended(
    attempt: AttemptRow,
    payout: PayoutRow | None,
    result: Result,
    *,
    taken: BalanceTransactionRow | None,
    transaction_id: str,
    now: int,
    check_ms: int,
) -> Ended | None:
    """The end of an order to pay out. ``payout`` is None while only the attempt knows of it.

    In doubt, the payout is pending and its money taken; None when nothing new was learnt.
    """
    if payout is not None and result.outcome not in _DEFINITE:
        return None
    after = _attempt(attempt, result, check_ms=check_ms)
    if payout is None and result.outcome is Outcome.FAILED:
        return Ended(after, [], undone=True)
    course = payouts.again(payout) if payout else payouts.begun(attempt, now=now)
    if result.outcome is Outcome.APPROVED:
        course = payouts.accepted(course, reference=result.processor_reference, now=now)
    elif result.outcome in _DEFINITE:
        course = payouts.onward(
            course.quietly(attempt=None), "failed",
            failure_code=result.decline_code, taken=taken, transaction_id=transaction_id, now=now,
        )
    return Ended(after, [course])


def cancel_ended(
    attempt: AttemptRow,
    payout: PayoutRow,
    result: Result,
    *,
    taken: BalanceTransactionRow,
    transaction_id: str,
    now: int,
    check_ms: int,
) -> Ended:
    """The end of an order to stop a payout; in doubt, the payout stays as it is and no other order may go out."""
    after = _attempt(attempt, result, check_ms=check_ms)
    course = payouts.again(payout)
    if result.outcome not in _DEFINITE:
        return Ended(after, [course])
    course = course.quietly(attempt=None)
    if result.outcome is Outcome.APPROVED:
        course = payouts.onward(
            course, "canceled", failure_code=None, taken=taken, transaction_id=transaction_id, now=now
        )
        return Ended(after, [course.quietly(ask_at=payouts.next_ask(course.row, now=now))])
    course = course.quietly(ask_at=now)  # where it is, if it cannot be stopped, is worth asking at once
    if result.outcome is Outcome.FAILED:
        return Ended(after, [course], undone=True)
    return Ended(after, [course], refused=refused(after))


def reversal_ended(
    attempt: AttemptRow,
    reversal: PayoutRow | None,
    result: Result,
    *,
    original: PayoutRow,
    taken: BalanceTransactionRow | None,
    transaction_id: str,
    now: int,
    check_ms: int,
) -> Ended | None:
    """The end of an order to fetch a payout back, a payout of its own. ``reversal`` is None until that one stands."""
    if reversal is not None:
        return payout_ended(
            attempt, reversal, result, taken=taken, transaction_id=transaction_id, now=now, check_ms=check_ms
        )
    after = _attempt(attempt, result, check_ms=check_ms)
    freed = payouts.again(original).quietly(attempt=None)
    if result.outcome is Outcome.FAILED:
        return Ended(after, [freed], undone=True)
    if result.outcome is Outcome.DECLINED:
        return Ended(after, [freed], refused=refused(after))
    course = payouts.begun(attempt, now=now)
    if result.outcome is Outcome.APPROVED:
        course = payouts.accepted(course, reference=result.processor_reference, now=now)
    return Ended(after, [course, freed.then("payout.updated", data={"reversed_by": course.row.id})])


def refused(attempt: AttemptRow) -> Refusal | None:
    """What is said of an order that its processor refused; None when that left a payout to show."""
    if attempt.state != "declined":
        return None
    return {
        "cancel_payout": invalid("This payout cannot be canceled any more: the bank has it already.", param="payout"),
        "reverse_payout": invalid("The processor refused to reverse this payout.", param="payout"),
    }.get(attempt.action)


def _attempt(attempt: AttemptRow, result: Result, *, check_ms: int) -> AttemptRow:
    definite = result.outcome in _DEFINITE
    return attempt._replace(
        version=attempt.version + 1,
        state=move(ATTEMPT, attempt.state, _STATE.get(result.outcome, "unknown")),
        processor_reference=result.processor_reference or attempt.processor_reference,
        next_check_ms=None if definite else check_ms,
    )
