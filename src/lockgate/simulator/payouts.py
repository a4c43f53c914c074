"""Payouts to the merchant's bank: on their way, paid, failed, stopped or taken back. Pure: decides, applies."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from lockgate.simulator.messages_payouts import Recall, Transfer

Entry = dict[str, Any]
DAY_S = 86_400
SOON_S = 1
LEAVES_BEFORE_S = DAY_S
RETURNS_AFTER_S = 2 * DAY_S
REVERSAL_TAKES_S = 2 * DAY_S

_MAGIC = 10_000
REFUSED = 4_111
FAILS_ON_ARRIVAL = 4_222
FAILS_LATER = 4_333
"""What ``amount % 10_000`` chooses; every other payout is paid on its day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout:
    """One payout as it stands; ``reverses`` names the one that it takes back. Times are epoch seconds."""

    id: str
    step: str
    status: str
    amount: int
    currency: str
    leaves_at: int
    arrives_at: int
    reverses: str | None = None
    reversed_amount: int = 0
    failure_code: str | None = None

    @property
    def next_at(self) -> int | None:
        """When the clock will change it."""
        if self.status == "pending":
            return self.leaves_at
        if self.status == "in_transit":
            return self.arrives_at
        returns = self.status == "paid" and self.reverses is None and self.amount % _MAGIC == FAILS_LATER
        return self.arrives_at + RETURNS_AFTER_S if returns and not self.reversed_amount else None


class Payouts:
    """Every account's payouts, by account and id."""

    def __init__(self) -> None:
        self.by_id: dict[tuple[str, str], Payout] = {}

    def apply(self, entry: Mapping[str, Any]) -> None:
        """Make an entry's ``becomes`` true; of a reversal also what it leaves of the other payout."""
        payout = Payout(**entry["becomes"])
        self.by_id[entry["account"], payout.id] = payout
        if entry["kind"] == "payout_reversal" and payout.reverses is not None:
            other = self.by_id[entry["account"], payout.reverses]
            taken = other.reversed_amount + payout.amount
            self.by_id[entry["account"], other.id] = replace(other, reversed_amount=taken)

    def pay(self, account: str, ask: Transfer, *, id_: str, now: int, forced: str | None = None) -> Entry:
        """Decide a payout."""
        refusal = forced or ("account_closed" if ask.amount % _MAGIC == REFUSED else None)
        leaves_at = max(now + SOON_S, ask.arrival_date - LEAVES_BEFORE_S)
        payout = Payout(
            id=id_,
            step=ask.reference,
            status="pending",
            amount=ask.amount,
            currency=ask.currency,
            leaves_at=leaves_at,
            arrives_at=max(leaves_at + SOON_S, ask.arrival_date),
        )
        return _ordered(account, "payout", ask, payout=payout, refusal=refusal, id_=id_)

    def cancel(self, account: str, ask: Recall, *, id_: str, forced: str | None = None) -> Entry:
        """Decide on stopping a payout: only before it leaves."""
        payout = self.by_id.get((account, ask.payout))
        refusal = forced or ("payout_unknown" if payout is None else None)
        if payout is not None and payout.status != "pending":
            refusal = refusal or f"payout_{payout.status}"
        stopped = replace(payout, status="canceled") if payout else None
        return _ordered(account, "payout_cancellation", ask, payout=stopped, refusal=refusal, id_=id_)

    def reverse(self, account: str, ask: Recall, *, id_: str, now: int, forced: str | None = None) -> Entry:
        """Decide on taking a paid payout back; the reversal is a payout of its own, in the other direction."""
        payout, amount = self.by_id.get((account, ask.payout)), ask.amount or 0
        refusal = None
        if payout is None or payout.reverses is not None:
            refusal = "payout_unknown"
        elif payout.status != "paid":
            refusal = f"payout_{payout.status}"
        elif payout.reversed_amount + amount > payout.amount:
            refusal = "amount_too_large"
        reversal = Payout(
            id=id_,
            step=ask.reference,
            status="pending",
            amount=amount,
            currency=payout.currency if payout else "",
            leaves_at=now + SOON_S,
            arrives_at=now + REVERSAL_TAKES_S,
            reverses=ask.payout,
        )
        return _ordered(account, "payout_reversal", ask, payout=reversal, refusal=forced or refusal, id_=id_)

    def matured(self, account: str, id_: str, *, due: int) -> Entry | None:
        """What the clock makes of a payout that should change at ``due``; None when it has changed since."""
        payout = self.by_id[account, id_]
        if payout.next_at != due:
            return None
        if payout.status == "pending":
            after = replace(payout, status="in_transit")
        elif payout.status == "paid" or (payout.reverses is None and payout.amount % _MAGIC == FAILS_ON_ARRIVAL):
            after = replace(payout, status="failed", failure_code="could_not_process")
        else:
            after = replace(payout, status="paid")
        return {
            "account": account,
            "kind": "payout_status",
            "reference": after.step,
            "id": after.id,
            "amount": after.amount,
            "currency": after.currency,
            "status": after.status,
            "becomes": asdict(after),
            "notices": [{"kind": "payout", "reference": after.id}],
        }


def _ordered(
    account: str, kind: str, ask: Transfer | Recall, *, payout: Payout | None, refusal: str | None, id_: str
) -> Entry:
    amount = ask.amount if ask.amount is not None else payout.amount if payout else 0
    currency = payout.currency if payout else ""
    status = "declined" if refusal else "approved"
    named = {"payout": ask.payout} if isinstance(ask, Recall) else {}
    entry: Entry = {
        "account": account,
        "kind": kind,
        "reference": ask.reference,
        "id": id_,
        **named,
        "amount": amount,
        "currency": currency,
        "status": status,
        "digest": ask.digest,
        "answer": {
            "id": id_,
            "reference": ask.reference,
            **named,
            "status": status,
            "amount": amount,
            "currency": currency,
            "decline_code": refusal,
        },
    }
    if payout is not None and refusal is None:
        entry["becomes"] = asdict(payout)
        if kind == "payout_cancellation":
            entry["notices"] = [{"kind": "payout", "reference": payout.id}]
    return entry
