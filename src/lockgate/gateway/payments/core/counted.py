"""What velocity is told of how a judged attempt ended; until then it counts as if it might succeed."""

import json

from lockgate.gateway.payments.core.decline import Decline
from lockgate.gateway.storage.records import RiskOutcomeRow
from lockgate.gateway.storage.rows import AttemptRow, PaymentIntentRow, SetupIntentRow

JUDGED = ("authorize", "increment", "verify")
"""Actions of attempts that have a verdict. One to complete belongs to the attempt whose challenge it finishes."""


def ended(attempt: AttemptRow, *, declined: Decline | None) -> list[RiskOutcomeRow]:
    """The outcome of ``attempt`` as it now stands, if it has one; ``declined`` is the refusal that it earned.

    Void is what came to nothing without anybody having refused the card.
    """
    if attempt.action not in (*JUDGED, "complete"):
        return []
    detail = json.loads(attempt.data)
    state = {"approved": "approved", "declined": "declined", "failed": "void"}.get(attempt.state)
    if state is None or (attempt.action == "complete" and attempt.state == "failed"):
        return []  # not known yet, or the challenge still waits for its answer
    if state == "declined" and (declined is None or not declined.is_a_refusal):
        state = "void"
    about = detail.get("authorize") or detail.get("verify") or attempt.id
    return [RiskOutcomeRow(attempt.account, attempt.livemode, about, state)]


def abandoned(row: PaymentIntentRow | SetupIntentRow) -> list[RiskOutcomeRow]:
    """The challenge that ``row`` waits for will never be finished."""
    return [RiskOutcomeRow(row.account, row.livemode, row.attempt, "void")] if row.attempt else []
