"""What a processor's answer does to an intent, its charge and the books: the words that every verb's file shares."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from lockgate.gateway.payments.core import decline as declines
from lockgate.gateway.payments.core.decline import Decline
from lockgate.gateway.payments.core.records import Charge, Intent, dumps
from lockgate.gateway.payments.core.transitions import ATTEMPT, move
from lockgate.gateway.processors.contract import Outcome, Result
from lockgate.gateway.storage.records import MandateRow
from lockgate.gateway.storage.rows import (
    AttemptRow,
    BalanceTransactionRow,
    PaymentMethodRow,
    TransferRow,
)

FIRST_CHECK_MS = 15_000

STATE_OF = {
    Outcome.APPROVED: "approved",
    Outcome.DECLINED: "declined",
    Outcome.ACTION_REQUIRED: "action_required",
    Outcome.PENDING: "pending",
    Outcome.UNKNOWN: "unknown",
    Outcome.NOT_FOUND: "unknown",
    Outcome.FAILED: "failed",
}


class Clock(NamedTuple):
    """The time of a change: business seconds, and milliseconds for the next inquiry."""

    now: int
    now_ms: int


class Booking(NamedTuple):
    """What the books need to know about a capture."""

    fee: int
    available_on: int


class News(NamedTuple):
    """An event to announce: its type, and what it shows: ``intent``, ``created``, ``charge`` or ``method``.

    ``created`` is the intent as it was before its first confirmation. ``tells_before``: with the values that changed.
    """

    type: str
    what: str
    tells_before: bool = False


class Settled(NamedTuple):
    """Everything that the last commit writes, and what the caller is told.

    ``declined`` is the refusal to answer with; ``not_sent`` says that nothing happened and the request may be tried
    again; ``fault`` is a parameter that turned out to be needed. ``mandate`` is given with the payment method, on the
    ``acceptance`` that the intent had before.
    """

    intent: Intent
    attempt: AttemptRow
    charge: Charge | None = None
    method: PaymentMethodRow | None = None
    mandate: MandateRow | None = None
    transfers: tuple[TransferRow, ...] = ()
    transactions: tuple[BalanceTransactionRow, ...] = ()
    events: tuple[News, ...] = ()
    declined: Decline | None = None
    not_sent: bool = False
    fault: str | None = None


def memory(intent: Intent) -> dict[str, Any]:
    """What an attempt keeps of the intent before it, so that an order that was never sent leaves no trace."""
    return {
        "before": intent.row.status,
        "before_attempt": intent.row.attempt,
        "before_method": intent.row.payment_method,
        "next_action": intent.data.get("next_action"),
    }


def attempted(attempt: AttemptRow, result: Result, *, clock: Clock) -> AttemptRow:
    """``attempt`` after ``result``."""
    state = STATE_OF[result.outcome]
    indefinite = state in ("unknown", "pending")
    detail = json.loads(attempt.data)
    if result.reason:
        detail["reason"] = result.reason
    if result.continuation:
        detail["continuation"] = dict(result.continuation)
    if result.outcome is not Outcome.FAILED:
        detail["announced"] = True
    return attempt._replace(
        version=attempt.version + 1,
        state=move(ATTEMPT, attempt.state, state),
        processor_reference=result.processor_reference or attempt.processor_reference,
        next_check_ms=clock.now_ms + FIRST_CHECK_MS if indefinite else None,
        data=dumps(detail),
    )


def refusal(result: Result) -> Decline:
    """The decline that ``result`` is."""
    return declines.of(result)


def on_statement(data: Mapping[str, Any]) -> str | None:
    """What the cardholder reads on the statement, as far as the merchant said it."""
    return data.get("statement_descriptor") or data.get("statement_descriptor_suffix")
