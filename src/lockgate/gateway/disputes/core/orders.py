"""What an order about a dispute makes of it: evidence handed in, or the dispute given up. Pure."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from lockgate.gateway.customers.core.fields import merged_metadata
from lockgate.gateway.disputes.core.records import Dispute
from lockgate.gateway.disputes.core.transitions import (
    ANSWERABLE,
    CLOSED,
    GIVEN_UP,
    UNDER_REVIEW,
    advances,
)
from lockgate.gateway.payments.core.transitions import ATTEMPT, move
from lockgate.gateway.processors.contract import Outcome, Result
from lockgate.gateway.storage.rows import AttemptRow
from lockgate.kernel.errors import Kind, Refusal, invalid

SUBMIT, ACCEPT = "submit_evidence", "accept_dispute"
ACTIONS = (SUBMIT, ACCEPT)
AUDIT = {SUBMIT: "dispute.update", ACCEPT: "dispute.close"}
_STATES = {
    Outcome.APPROVED: "approved",
    Outcome.DECLINED: "declined",
    Outcome.FAILED: "failed",
    Outcome.PENDING: "pending",
}


class Concluded(NamedTuple):
    """What an answer makes of an order. ``dispute`` is None while the outcome is not known: nothing changes then."""

    attempt: AttemptRow
    dispute: Dispute | None


def check_open(dispute: Dispute, *, verb: str) -> None:
    """Refuse an order about a dispute that waits for nothing from the merchant, or for which one is out already."""
    if dispute.row.attempt is not None:
        raise busy()
    status = dispute.row.status
    if status in CLOSED:
        raise invalid(f"This dispute is already closed: it has a status of {status}, and you cannot {verb}.")
    if status not in ANSWERABLE:
        raise invalid(
            f"This dispute has a status of {status}: you cannot {verb}. That can only be done while it has one of the"
            " following statuses: needs_response, warning_needs_response."
        )


def conclude(
    attempt: AttemptRow, dispute: Dispute, *, result: Result, detail: Mapping[str, Any], next_check_ms: int
) -> Concluded:
    """The rows after ``result``. ``detail`` is what the attempt carries: ``at``, ``metadata``."""
    state = _STATES.get(result.outcome, "unknown")
    definite = state in ("approved", "declined", "failed")
    settled = attempt._replace(
        version=attempt.version + 1,
        state=move(ATTEMPT, attempt.state, state),
        processor_reference=result.processor_reference or attempt.processor_reference,
        next_check_ms=None if definite else next_check_ms,
    )
    if not definite:
        return Concluded(settled, None)
    after = dispute.next(attempt=None)
    if state != "approved":
        return Concluded(settled, after.saying(dispute.staged) if dispute.submitting is not None else after)
    if attempt.action == SUBMIT:
        after = after.saying(dispute.evidence).noting(
            submission_count=dispute.data["submission_count"] + 1,
            past_due=dispute.row.due_by is not None and detail["at"] > dispute.row.due_by,
        )
        if detail["metadata"] is not None:
            after = after.noting(metadata=merged_metadata(dispute.data["metadata"], detail["metadata"]))
    table = UNDER_REVIEW if attempt.action == SUBMIT else GIVEN_UP
    status = table.get(dispute.row.status)
    if status is not None and advances(dispute.row.status, status):
        after = after.moved(status, now=detail["at"])
    return Concluded(settled, after)


def refused(attempt: AttemptRow) -> Refusal:
    """The processor said no."""
    what = "take this evidence" if attempt.action == SUBMIT else "close this dispute"
    return invalid(f"The processor did not {what}: it no longer waits for an answer of yours.")


def busy() -> Refusal:
    """An order is out, or somebody else is at work on the dispute."""
    return Refusal(
        Kind.CONFLICT,
        "Another request is at work on this dispute, or the outcome of its last one is not certain yet. "
        "Try again in a moment.",
        code="lock_timeout",
        should_retry=True,
    )


def not_sent() -> Refusal:
    """Nothing reached the processor, and nothing has changed."""
    return Refusal(
        Kind.UNAVAILABLE,
        "The processor cannot be reached. Nothing was handed in; try again.",
        code="processor_unavailable",
        should_retry=True,
    )
