"""All that the simulator knows, rebuilt from its journal: payments, disputes, payouts, clocks, what is untold. Pure.

Every account has a clock of its own: the real one, moved ahead by what a merchant's messages told. What is due by
it waits in an agenda; deciding a due thing gives a journal entry like any other.
"""

import heapq
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from lockgate.simulator import disputes
from lockgate.simulator.acquirer import Acquirer, Entry, Held
from lockgate.simulator.disputes import Disputes
from lockgate.simulator.payouts import Payouts

SOON_MS = 1_000
CLOCK_STEP_MS = 5_000
_DISPUTE_KINDS = ("dispute", "evidence", "acceptance")
_PAYOUT_KINDS = ("payout", "payout_cancellation", "payout_reversal", "payout_status")


class Notice(NamedTuple):
    """Something to tell a merchant. ``seq`` is the entry that must be on disk before."""

    id: str
    account: str
    kind: str
    reference: str
    seq: int
    time_ms: int


class _Due(NamedTuple):
    due_ms: int
    seq: int
    what: str
    id: str


class Books:
    """``apply`` is the only thing that changes them. ``notices`` are each account's, in order, told or not."""

    def __init__(self) -> None:
        self.acquirer = Acquirer()
        self.disputes = Disputes()
        self.payouts = Payouts()
        self.untold: dict[str, Notice] = {}
        self.notices: dict[str, list[Notice]] = {}
        self._ahead_ms: dict[str, int] = {}
        self._agenda: dict[str, list[_Due]] = {}

    def apply(self, entry: Mapping[str, Any]) -> None:
        """Make ``entry`` true. ``entry`` has its ``seq`` and ``time_ms``."""
        account, kind = entry["account"], entry["kind"]
        for told in entry.get("notices", ()):
            notice = Notice(told["id"], account, told["kind"], told["reference"], entry["seq"], entry["time_ms"])
            self.untold[notice.id] = notice
            self.notices.setdefault(account, []).append(notice)
        if kind == "clock":
            self._ahead_ms[account] = entry["ahead_ms"]
        elif kind == "notified":
            self.untold.pop(entry["id"], None)
        elif kind == "notification":
            return
        elif kind in _DISPUTE_KINDS:
            self._apply_dispute(account, entry)
        elif kind == "early_fraud_warning":
            self.disputes.apply(entry)
        elif kind in _PAYOUT_KINDS:
            self._apply_payout(account, entry)
        else:
            self.acquirer.apply(entry)
            self._foresee(account, entry)

    def now_ms(self, account: str, real_ms: int) -> int:
        """The account's own time."""
        return real_ms + self._ahead_ms.get(account, 0)

    def told(self, account: str, told_s: int, real_ms: int) -> Entry | None:
        """The entry that moves the account's clock to what it was told; None when it is there already."""
        ahead_ms = told_s * 1000 - real_ms
        if ahead_ms <= self._ahead_ms.get(account, 0) + CLOCK_STEP_MS:
            return None
        return {
            "account": account, "kind": "clock", "reference": "", "id": "", "amount": 0, "currency": "",
            "status": "told", "ahead_ms": ahead_ms,
        }  # fmt: skip

    def waiting(self) -> list[str]:
        """Accounts for which something will come due."""
        return [account for account, agenda in self._agenda.items() if agenda]

    def next_due(self, account: str, real_ms: int, *, new_id: Callable[[str], str]) -> Entry | None:
        """Take the next due thing from the agenda and decide it; None when nothing more is due."""
        agenda = self._agenda.get(account, [])
        while agenda and agenda[0].due_ms <= self.now_ms(account, real_ms):
            due = heapq.heappop(agenda)
            entry = self._decided(account, due, new_id)
            if entry is not None:
                return entry
        return None

    def raise_dispute(self, account: str, held: Held, *, id_: str, reason: str, inquiry: bool, now: int) -> Entry:
        """A dispute over all that was captured and not given back."""
        return disputes.raised(
            account,
            id_=id_,
            step=held.authorized_by,
            authorization=held.id,
            amount=held.captured - held.refunded,
            currency=held.currency,
            reason=reason,
            inquiry=inquiry,
            now=now,
        )

    def warn(self, account: str, held: Held, *, id_: str, fraud_type: str, now: int) -> Entry:
        """An early fraud warning about a payment."""
        return disputes.warned(
            account, id_=id_, step=held.authorized_by, authorization=held.id, fraud_type=fraud_type, now=now
        )

    def is_actionable(self, account: str, authorization: str) -> bool:
        """Whether a merchant warned of fraud can still give the money back before a dispute."""
        held = self.acquirer.by_id[account, authorization]
        return held.refunded < held.captured and not self.disputes.is_disputed(account, authorization)

    def _decided(self, account: str, due: _Due, new_id: Callable[[str], str]) -> Entry | None:
        at = due.due_ms // 1000
        match due.what:
            case "dispute":
                return self.disputes.matured(account, due.id, due=at)
            case "payout":
                return self.payouts.matured(account, due.id, due=at)
            case "refund":
                return self.acquirer.refund_ends(account, due.id)
            case _:
                return self._begun(account, due, new_id)

    def _begun(self, account: str, due: _Due, new_id: Callable[[str], str]) -> Entry | None:
        """What a card does after its payment, once: unless the money went back before."""
        held, at = self.acquirer.by_id[account, due.id], due.due_ms // 1000
        known = self.disputes.is_warned if due.what == "warn" else self.disputes.is_disputed
        if held.status != "approved" or held.captured == held.refunded or known(account, held.id):
            return None
        if due.what == "warn":
            return self.warn(account, held, id_=new_id("sfw"), fraud_type=held.after["fraud_type"], now=at)
        reason, inquiry = held.after["dispute"], held.after.get("inquiry", False)
        return self.raise_dispute(account, held, id_=new_id("sdp"), reason=reason, inquiry=inquiry, now=at)

    def _apply_dispute(self, account: str, entry: Mapping[str, Any]) -> None:
        if "becomes" in entry:
            self.disputes.apply(entry)
            dispute = self.disputes.by_id[account, entry["becomes"]["id"]]
            held = self.acquirer.by_id[account, dispute.authorization]
            held.disputed = dispute.amount if dispute.holds_money else 0
            if dispute.next_at is not None:
                self._note(account, dispute.next_at * 1000, entry, what="dispute", id_=dispute.id)
        if entry["kind"] != "dispute":
            self.acquirer.note_step(entry)

    def _apply_payout(self, account: str, entry: Mapping[str, Any]) -> None:
        if "becomes" in entry:
            self.payouts.apply(entry)
            payout = self.payouts.by_id[account, entry["becomes"]["id"]]
            if payout.next_at is not None:
                self._note(account, payout.next_at * 1000, entry, what="payout", id_=payout.id)
        if entry["kind"] != "payout_status":
            self.acquirer.note_step(entry)

    def _foresee(self, account: str, entry: Mapping[str, Any]) -> None:
        """What a payment's entry sets in motion: its card's dispute, warning, or refund that is not over yet."""
        soon_ms = self.now_ms(account, entry["time_ms"]) + SOON_MS
        if entry["kind"] == "refund" and "later" in entry:
            self._note(account, soon_ms, entry, what="refund", id_=entry["reference"])
        takes = entry["kind"] == "capture" or (entry["kind"] == "authorization" and entry["capture"])
        if not takes or entry["status"] != "approved":
            return
        held = self.acquirer.by_id[account, entry.get("authorization", entry["id"])]
        if "dispute" in held.after:
            self._note(account, soon_ms, entry, what="raise", id_=held.id)
        if "fraud_type" in held.after:
            self._note(account, soon_ms, entry, what="warn", id_=held.id)

    def _note(self, account: str, due_ms: int, entry: Mapping[str, Any], *, what: str, id_: str) -> None:
        heapq.heappush(self._agenda.setdefault(account, []), _Due(due_ms, entry["seq"], what, id_))
