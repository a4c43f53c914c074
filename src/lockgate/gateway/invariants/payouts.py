"""Payouts held against the processor's journal: pure. Each accepted one is there once, and ends as it really did."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lockgate.gateway.invariants.find_payouts import BookedPayout
from lockgate.gateway.payments.core.transitions import INDEFINITE

_UNDONE = ("failed", "canceled")
_ENDS = (*_UNDONE, "paid")

Breach = tuple[str, bool, str]
"""Whose (account and mode; none where no book knows of it), and what."""


@dataclass(slots=True)
class Sent:
    """One payout as it really is; a negative ``amount`` came back. ``step`` is the reference that the merchant gave."""

    amount: int
    step: str
    status: str = "pending"


def read(entries: Iterable[Mapping[str, Any]]) -> dict[str, Sent]:
    """Each accepted payout by the processor's id for it."""
    found: dict[str, Sent] = {}
    for entry in entries:
        kind, status = entry["kind"], entry["status"]
        if kind in ("payout", "payout_reversal") and status == "approved":
            found[entry["id"]] = Sent(entry["amount"] if kind == "payout" else -entry["amount"], entry["reference"])
        elif kind == "payout_cancellation" and status == "approved":
            found[entry["payout"]].status = "canceled"
        elif kind == "payout_status":
            found[entry["id"]].status = status
    return found


def unbooked(
    journaled: Mapping[str, Sent], booked: Mapping[str, BookedPayout], states: Mapping[str, str]
) -> list[Breach]:
    """What really was paid out, or ended, and is not so in the books, nor in doubt, nor about to be asked about."""
    found: list[Breach] = []
    for reference, sent in journaled.items():
        payout = booked.get(reference)
        if payout is None:
            if states.get(sent.step) not in INDEFINITE:
                found.append(("", False, f"{reference} paid out {sent.amount}, and no payout knows of it"))
        elif payout.amount != sent.amount:
            found.append(_of(payout, f"{sent.amount} paid out, {payout.amount} in the books"))
        elif sent.status in _ENDS and payout.status != sent.status and not payout.watched:
            found.append(_of(payout, f"really {sent.status}, but {payout.status} in the books, and nobody will ask"))
    return found


def invented(journaled: Mapping[str, Sent], booked: Mapping[str, BookedPayout]) -> list[Breach]:
    """What the books say of payouts and never happened."""
    found: list[Breach] = []
    for reference, payout in booked.items():
        sent = journaled.get(reference)
        if sent is None:
            found.append(_of(payout, f"{payout.amount} in the books, nothing paid out"))
        elif payout.status in _UNDONE and sent.status != payout.status:
            found.append(_of(payout, f"{payout.status} in the books, but really {sent.status}"))
        elif payout.status == "paid" and sent.status not in ("paid", "failed"):
            found.append(_of(payout, f"paid in the books, but really {sent.status}"))
    return found


def _of(payout: BookedPayout, what: str) -> Breach:
    return payout.account, payout.livemode, f"{payout.payout}: {what}"
