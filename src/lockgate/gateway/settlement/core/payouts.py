"""Payouts, without IO: their states, what a processor's answer makes of one, and what that does to the books.

While only the order's attempt knows of a payout, it has no row: an order that certainly was not sent leaves none. A
``Course`` gathers all that happens to one payout in one commit: it may pass several states, and each is announced.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from lockgate.gateway.ledger import payout_transfers as books
from lockgate.gateway.ledger.transfers import Booked
from lockgate.gateway.settlement.core.calendar import DAY_S
from lockgate.gateway.storage.records import PayoutRow
from lockgate.gateway.storage.rows import AttemptRow, BalanceTransactionRow, TransferRow
from lockgate.kernel.errors import invalid

MOVES: Mapping[str, frozenset[str]] = {
    "pending": frozenset({"in_transit", "failed", "canceled"}),
    "in_transit": frozenset({"paid", "failed", "canceled"}),
    # A bank may send back what it took.
    "paid": frozenset({"failed"}),
    "failed": frozenset(),
    "canceled": frozenset(),
}
FAILURES: Mapping[str, str] = {
    "account_closed": "The bank account has been closed.",
    "account_frozen": "The bank account has been frozen.",
    "bank_account_restricted": "The bank account may not take this kind of payment, or not this many.",
    "bank_ownership_changed": "The bank account has changed hands between banks and can no longer be paid to.",
    "could_not_process": "The bank could not process this payout.",
    "debit_not_authorized": "The bank account may not be debited.",
    "declined": "The bank refused this payout.",
    "incorrect_account_holder_address": "The bank has another address of the account's holder.",
    "incorrect_account_holder_name": "The bank has another name of the account's holder.",
    "incorrect_account_holder_tax_id": "The bank has another tax number of the account's holder.",
    "insufficient_funds": "There was not enough money where this payout comes from.",
    "invalid_account_number": "The bank account's number is not valid.",
    "invalid_currency": "The bank account cannot be paid in this currency.",
    "no_account": "The bank does not have this account.",
    "unsupported_card": "The card cannot be paid to.",
}
UNEXPLAINED = "could_not_process"

ASK_S = 3600
FOLLOWED_S = 7 * DAY_S
"""How long after its arrival a payout is watched: until then a bank may still send it back."""


@dataclass(frozen=True, slots=True)
class Course:
    """``row`` as it will stand, from ``before`` (None: it is new). ``shown`` are the events: type, and the row then."""

    row: PayoutRow
    before: PayoutRow | None
    transfers: tuple[TransferRow, ...] = ()
    transactions: tuple[BalanceTransactionRow, ...] = ()
    shown: tuple[tuple[str, PayoutRow], ...] = field(default=())

    def then(
        self,
        type_: str,
        *,
        booked: Booked | None = None,
        moved: Sequence[TransferRow] = (),
        data: Mapping[str, Any] | None = None,
        **columns: Any,
    ) -> "Course":
        """The next thing that happens to it."""
        row = self.row._replace(**columns)
        if data:
            row = row._replace(data=dumps({**json.loads(row.data), **data}))
        return replace(
            self,
            row=row,
            transfers=(*self.transfers, *(booked.transfers if booked else ()), *moved),
            transactions=(*self.transactions, *((booked.transaction,) if booked else ())),
            shown=(*self.shown, (type_, row)),
        )

    def quietly(self, **columns: Any) -> "Course":
        """A change that the API does not show."""
        return replace(self, row=self.row._replace(**columns))


def again(payout: PayoutRow) -> Course:
    """Something happens to a payout that stands already."""
    return Course(payout._replace(version=payout.version + 1), payout)


def begun(attempt: AttemptRow, *, now: int) -> Course:
    """The payout that ``attempt`` ordered, pending and in the books."""
    told = json.loads(attempt.data)["payout"]
    reverse = attempt.action == "reverse_payout"
    row = PayoutRow(
        account=attempt.account,
        livemode=attempt.livemode,
        id=told["id"],
        version=1,
        created=attempt.created,
        status="pending",
        amount=-attempt.amount if reverse else attempt.amount,
        currency=attempt.currency,
        arrival_date=told["arrival_date"],
        automatic=told.get("automatic", False),
        ask_at=None,
        attempt=attempt.id,
        balance_transaction=None,
        processor=attempt.processor,
        processor_reference=None,
        data=dumps(
            {
                "description": told.get("description"),
                "metadata": told.get("metadata", {}),
                "original_payout": told.get("original_payout"),
                "statement_descriptor": told.get("statement_descriptor"),
            }
        ),
    )
    booked = books.ordered(row, now=now)
    return Course(row, None).then("payout.created", booked=booked, balance_transaction=booked.transaction.id)


def accepted(course: Course, *, reference: str | None, now: int) -> Course:
    """The processor has taken the order: it can be asked where the payout is, and no order is out."""
    return course.quietly(attempt=None, processor_reference=reference, ask_at=now + ASK_S)


def onward(
    course: Course,
    status: str,
    *,
    failure_code: str | None,
    taken: BalanceTransactionRow | None,
    transaction_id: str,
    now: int,
) -> Course:
    """The payout has come to ``status`` at the processor, by way of the states between.

    ``taken`` is its first movement, None for one that is begun in this course. A state that it cannot come to any more
    changes nothing.
    """
    if status in ("paid", "failed") and course.row.status == "pending" and course.row.processor_reference:
        course = _in_transit(course)
    if status not in MOVES[course.row.status]:
        return course
    if status == "in_transit":
        return _in_transit(course)
    if status == "paid":
        return course.then("payout.paid", moved=books.arrived(course.row, now=now), status="paid")
    first = taken or course.transactions[0]
    if status == "canceled":
        return _returned(course, first, kind="payout_cancel", transaction_id=transaction_id, now=now, data={})
    code = failure_code if failure_code is not None and failure_code in FAILURES else UNEXPLAINED
    data = {"failure_code": code, "failure_message": FAILURES[code]}
    return _returned(course, first, kind="payout_failure", transaction_id=transaction_id, now=now, data=data)


def next_ask(payout: PayoutRow, *, now: int) -> int | None:
    """When to ask again where the payout is, though nobody told us of news; None when nothing more can come."""
    if payout.status in ("failed", "canceled") or payout.processor_reference is None:
        return None
    if payout.status == "paid":
        return now + DAY_S if now < payout.arrival_date + FOLLOWED_S else None
    if payout.status == "in_transit" and now < payout.arrival_date:
        return payout.arrival_date
    return min(now + ASK_S, payout.arrival_date) if now < payout.arrival_date else now + ASK_S


def check_cancelable(payout: PayoutRow) -> None:
    """Refuses a payout that cannot be stopped any more."""
    if payout.amount < 0:
        raise invalid("This payout reverses another; a reversal cannot be canceled.", param="payout")
    if payout.status != "pending":
        raise invalid(
            f"This payout cannot be canceled because its status is {payout.status}: only a pending one can.",
            param="payout",
        )


def check_reversible(payout: PayoutRow, reversal: PayoutRow | None) -> None:
    """Refuses a payout that cannot be fetched back. ``reversal`` is the payout that did so before, if one did."""
    if payout.amount < 0:
        raise invalid("This payout reverses another and cannot be reversed itself.", param="payout")
    if payout.status == "pending":
        raise invalid("This payout is still pending: cancel it instead of reversing it.", param="payout")
    if payout.status not in ("in_transit", "paid"):
        raise invalid(f"This payout cannot be reversed because its status is {payout.status}.", param="payout")
    if reversal is not None and reversal.status not in ("failed", "canceled"):
        raise invalid("This payout has already been reversed.", param="payout")


def changed(payout: PayoutRow, metadata: Mapping[str, str] | None) -> PayoutRow:
    """``payout`` with its metadata changed: an empty value deletes its key, None clears all."""
    data = json.loads(payout.data)
    merged = {**data["metadata"], **metadata} if metadata else {}
    data["metadata"] = {key: value for key, value in merged.items() if value}
    if len(data["metadata"]) > 50:
        raise invalid("metadata can hold at most 50 keys.", param="metadata")
    return payout._replace(version=payout.version + 1, data=dumps(data))


def dumps(value: Mapping[str, Any]) -> str:
    """JSON as the ``data`` columns keep it."""
    return json.dumps(value, separators=(",", ":"))


def _in_transit(course: Course) -> Course:
    return course.then("payout.updated", status="in_transit")


def _returned(
    course: Course,
    taken: BalanceTransactionRow,
    *,
    kind: Literal["payout_cancel", "payout_failure"],
    transaction_id: str,
    now: int,
    data: Mapping[str, Any],
) -> Course:
    booked = books.returned(
        course.row, taken, kind=kind, transaction_id=transaction_id, from_bank=course.row.status == "paid", now=now
    )
    status = "canceled" if kind == "payout_cancel" else "failed"
    return course.then(
        f"payout.{status}", booked=booked, status=status,
        data={**data, "failure_balance_transaction": booked.transaction.id},
    )
