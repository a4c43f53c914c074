"""Disputes and early fraud warnings: raised after a capture, answered, decided by the clock. Pure: decides, applies."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from lockgate.simulator.messages_disputes import Acceptance, Evidence

Entry = dict[str, Any]
DAY_S = 86_400
EVIDENCE_WITHIN_DAYS = 9
DECIDED_AFTER_DAYS = 60
SOON_S = 1
FEE_MINOR = 1_500

NEEDS = ("needs_response", "warning_needs_response")
REVIEW = ("under_review", "warning_under_review")
_HOLDS_MONEY = ("needs_response", "under_review", "lost")
_VERDICTS = {
    "winning_evidence": {"dispute": "won", "inquiry": "warning_closed"},
    "losing_evidence": {"dispute": "lost", "inquiry": "warning_closed"},
    "escalate_inquiry_evidence": {"inquiry": "needs_response"},
}
_NETWORK_CODES = {"fraudulent": "10.4", "product_not_received": "13.1", "product_unacceptable": "13.3"}
REASONS = (
    "bank_cannot_process", "credit_not_processed", "customer_initiated", "debit_not_authorized", "duplicate",
    "fraudulent", "general", "incorrect_account_details", "insufficient_funds", "noncompliant", "product_not_received",
    "product_unacceptable", "subscription_canceled", "unrecognized",
)  # fmt: skip
FRAUD_TYPES = (
    "card_never_received", "fraudulent_card_application", "made_with_counterfeit_card", "made_with_lost_card",
    "made_with_stolen_card", "misc", "unauthorized_use_of_card",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispute:
    """One dispute as it stands. ``step`` is the merchant's reference that authorised the payment; times are seconds."""

    id: str
    step: str
    authorization: str
    status: str
    reason: str
    amount: int
    currency: str
    created: int
    due_by: int
    network_reason_code: str | None
    fee: int
    decide_at: int | None = None
    verdict: str | None = None

    @property
    def is_inquiry(self) -> bool:
        return self.status.startswith("warning_")

    @property
    def holds_money(self) -> bool:
        """Whether the amount is with the cardholder's bank now."""
        return self.status in _HOLDS_MONEY

    @property
    def next_at(self) -> int | None:
        """When the clock will change it."""
        if self.status in NEEDS:
            return self.due_by + 1
        return self.decide_at if self.status in REVIEW else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Warning:
    """One early fraud warning."""

    id: str
    step: str
    authorization: str
    fraud_type: str
    created: int


class Disputes:
    """Every account's disputes and warnings, by account and id."""

    def __init__(self) -> None:
        self.by_id: dict[tuple[str, str], Dispute] = {}
        self.warnings: dict[tuple[str, str], Warning] = {}
        self._disputed: set[tuple[str, str]] = set()
        self._warned: set[tuple[str, str]] = set()

    def apply(self, entry: Mapping[str, Any]) -> None:
        """Make an entry's ``becomes`` true."""
        account = entry["account"]
        if entry["kind"] == "early_fraud_warning":
            warning = Warning(**entry["becomes"])
            self.warnings[account, warning.id] = warning
            self._warned.add((account, warning.authorization))
            return
        dispute = Dispute(**entry["becomes"])
        self.by_id[account, dispute.id] = dispute
        self._disputed.add((account, dispute.authorization))

    def is_disputed(self, account: str, authorization: str) -> bool:
        return (account, authorization) in self._disputed

    def is_warned(self, account: str, authorization: str) -> bool:
        return (account, authorization) in self._warned

    def submit(self, account: str, ask: Evidence, *, id_: str, now: int, forced: str | None = None) -> Entry:
        """Decide on evidence: what its free text means, and when that will be known."""
        before = self.by_id.get((account, ask.dispute))
        refusal = forced or _refusal(before)
        after = before
        if before is not None and refusal is None and ask.submit:
            kind = "inquiry" if before.is_inquiry else "dispute"
            verdict = _VERDICTS.get(ask.text.strip(), {}).get(kind)
            waits = SOON_S if verdict else DECIDED_AFTER_DAYS * DAY_S
            after = replace(
                before,
                status="warning_under_review" if before.is_inquiry else "under_review",
                verdict=verdict or ("warning_closed" if before.is_inquiry else "lost"),
                decide_at=now + waits,
            )
        entry = _ordered(account, "evidence", ask, before=before, after=after, refusal=refusal, id_=id_)
        return entry | {"fields": list(ask.fields), "submit": ask.submit}

    def accept(self, account: str, ask: Acceptance, *, id_: str, forced: str | None = None) -> Entry:
        """Decide on giving up."""
        before = self.by_id.get((account, ask.dispute))
        refusal = forced or _refusal(before)
        after = before
        if before is not None and refusal is None:
            after = replace(before, status="warning_closed" if before.is_inquiry else "lost")
        return _ordered(account, "acceptance", ask, before=before, after=after, refusal=refusal, id_=id_)

    def matured(self, account: str, id_: str, *, due: int) -> Entry | None:
        """What the clock makes of a dispute that should change at ``due``; None when it has changed since."""
        dispute = self.by_id[account, id_]
        if dispute.next_at != due:
            return None
        if dispute.status in NEEDS:
            return changed(account, replace(dispute, status="warning_closed" if dispute.is_inquiry else "lost"))
        after = replace(dispute, status=dispute.verdict or "lost", decide_at=None, verdict=None)
        if after.status == "needs_response":  # the inquiry has become a dispute
            after = replace(after, due_by=due_by(due), fee=FEE_MINOR)
        return changed(account, after)


def raised(
    account: str, *, id_: str, step: str, authorization: str, amount: int, currency: str, reason: str, inquiry: bool,
    now: int,
) -> Entry:  # fmt: skip
    """A new dispute, or an inquiry, which moves no money."""
    dispute = Dispute(
        id=id_,
        step=step,
        authorization=authorization,
        status="warning_needs_response" if inquiry else "needs_response",
        reason=reason,
        amount=amount,
        currency=currency,
        created=now,
        due_by=due_by(now),
        network_reason_code=_NETWORK_CODES.get(reason),
        fee=0 if inquiry else FEE_MINOR,
    )
    return changed(account, dispute)


def warned(account: str, *, id_: str, step: str, authorization: str, fraud_type: str, now: int) -> Entry:
    """A new early fraud warning."""
    warning = Warning(id=id_, step=step, authorization=authorization, fraud_type=fraud_type, created=now)
    return {
        "account": account,
        "kind": "early_fraud_warning",
        "reference": step,
        "id": id_,
        "amount": 0,
        "currency": "",
        "status": "raised",
        "becomes": asdict(warning),
        "notices": [{"kind": "early_fraud_warning", "reference": id_}],
    }


def changed(account: str, dispute: Dispute) -> Entry:
    """The entry by which ``dispute`` stands as it does."""
    return {
        "account": account,
        "kind": "dispute",
        "reference": dispute.step,
        "id": dispute.id,
        "amount": dispute.amount,
        "currency": dispute.currency,
        "status": dispute.status,
        "becomes": asdict(dispute),
        "notices": [{"kind": "dispute", "reference": dispute.id}],
    }


def due_by(created: int) -> int:
    """The last second of the last day for evidence."""
    return (created // DAY_S + EVIDENCE_WITHIN_DAYS + 1) * DAY_S - 1


def _refusal(dispute: Dispute | None) -> str | None:
    if dispute is None:
        return "dispute_unknown"
    return None if dispute.status in NEEDS else f"dispute_{dispute.status}"


def _ordered(
    account: str, kind: str, ask: Evidence | Acceptance, *, before: Dispute | None, after: Dispute | None,
    refusal: str | None, id_: str,
) -> Entry:  # fmt: skip
    amount, currency = (before.amount, before.currency) if before else (0, "")
    status = "declined" if refusal else "approved"
    entry: Entry = {
        "account": account,
        "kind": kind,
        "reference": ask.reference,
        "id": id_,
        "dispute": ask.dispute,
        "amount": amount,
        "currency": currency,
        "status": status,
        "digest": ask.digest,
        "answer": {
            "id": id_,
            "reference": ask.reference,
            "dispute": ask.dispute,
            "status": status,
            "amount": amount,
            "currency": currency,
            "decline_code": refusal,
        },
    }
    if after is not None and after != before:
        entry |= {"becomes": asdict(after), "notices": [{"kind": "dispute", "reference": after.id}]}
    return entry
