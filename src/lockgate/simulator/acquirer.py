"""The acquirer's books: what was authorised, raised, captured, voided, refunded, reversed. Pure: decides, applies.

Deciding never changes anything: it returns a journal entry, and ``apply`` of that entry is the effect. Replaying the
journal through ``apply`` therefore rebuilds the same books.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from lockgate.simulator import cards
from lockgate.simulator.messages import Authorization, Completion, Movement, Release

AUTHORIZATION_LIFE_S = 7 * 24 * 3600
FAILURE_REASON = "expired_or_canceled_card"
"""Why a refund comes back: the dialect's word."""

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fresh:
    """Unguessable names for a new authorisation: its own, its challenge's, and the network's."""

    id: str
    challenge: str
    network: str


class Step(NamedTuple):
    """What a merchant's reference stands for, and the journal entry that answered it."""

    kind: str
    seq: int
    digest: str


@dataclass(slots=True)
class Held:
    """One authorisation as it stands now."""

    id: str
    account: str
    reference: str
    status: str                   # approved | declined | action_required | voided | reversed
    amount: int
    currency: str
    captured: int
    refunded: int
    closed: bool                  # a final capture released the rest
    expires_at: int
    answer_seq: int               # the entry with its present answer
    authorized_by: str = ""       # the merchant's reference of the step that was approved
    after: Mapping[str, Any] = field(default_factory=dict)  # what its card does after a payment
    disputed: int = 0             # with the cardholder's bank
    challenge: str | None = None
    challenge_result: str | None = None
    after_challenge: str | None = None
    return_url: str | None = None


@dataclass(slots=True)
class SlowRefund:
    """A refund whose end comes later: ``pending``, then ``approved``; or ``approved``, then ``failed``."""

    id: str
    reference: str
    authorization: str
    amount: int
    status: str
    later: str


class Acquirer:
    """Every account's books; an account here is one merchant account in one mode."""

    def __init__(self) -> None:
        self.by_id: dict[tuple[str, str], Held] = {}
        self.by_challenge: dict[str, Held] = {}
        self.steps: dict[tuple[str, str], Step] = {}
        self.slow_refunds: dict[tuple[str, str], SlowRefund] = {}
        self._held: dict[tuple[str, str], Held] = {}     # by the merchant's name for it, or for its completion
        self._barred: set[tuple[str, str]] = set()       # reversed before they arrived
        self._consents: dict[tuple[str, str], str] = {}  # network transaction id to the card's last four

    def apply(self, entry: Mapping[str, Any]) -> None:
        """Make ``entry`` true. ``entry`` has its ``seq``."""
        account, kind = entry["account"], entry["kind"]
        if kind == "authorization":
            self._apply_authorization(account, entry)
        elif kind == "completion":
            self._held[account, entry["completion"]] = self.by_id[account, entry["id"]]
        elif kind == "challenge":
            self.by_id[account, entry["authorization"]].challenge_result = entry["status"]
            return
        elif kind == "reversal":
            self._apply_reversal(account, entry)
            return
        elif kind in ("refund", "refund_failure"):
            self._apply_refund(account, entry)
        elif entry["status"] == "approved":
            held = self.by_id[account, entry["authorization"]]
            if kind == "capture":
                held.captured += entry["amount"]
                held.closed = held.closed or entry["final"]
            elif kind == "increment":
                held.amount = entry["amount"]
            elif held.captured:
                held.closed = True
            else:
                held.status = "voided"
        self.note_step(entry)

    def note_step(self, entry: Mapping[str, Any]) -> None:
        """Know the merchant's reference of ``entry`` again, if it is the first to carry an answer to it."""
        if "digest" in entry:
            kind = "completion" if "completion" in entry else entry["kind"]
            name = entry["account"], entry.get("completion", entry["reference"])
            self.steps[name] = Step(kind, entry["seq"], entry["digest"])

    def _apply_refund(self, account: str, entry: Mapping[str, Any]) -> None:
        slow = self.slow_refunds.get((account, entry["reference"]))
        held = self.by_id.get((account, entry["authorization"]))
        if slow is not None:
            slow.status = entry["status"]
            if slow.status == "failed" and held is not None:
                held.refunded -= entry["amount"]
        elif entry["status"] != "declined" and held is not None:
            held.refunded += entry["amount"]
            if "later" in entry:
                self.slow_refunds[account, entry["reference"]] = SlowRefund(
                    id=entry["id"],
                    reference=entry["reference"],
                    authorization=held.id,
                    amount=entry["amount"],
                    status=entry["status"],
                    later=entry["later"],
                )

    def _apply_authorization(self, account: str, entry: Mapping[str, Any]) -> None:
        answer = entry["answer"]
        held = self.by_id.get((account, entry["id"]))
        if held is None:
            held = Held(
                id=entry["id"],
                account=account,
                reference=entry["reference"],
                status=entry["status"],
                amount=entry["amount"],
                currency=entry["currency"],
                captured=0,
                refunded=0,
                closed=False,
                expires_at=entry["expires_at"],
                answer_seq=entry["seq"],
                after=entry.get("after", {}),
                challenge=entry.get("challenge"),
                after_challenge=entry.get("after_challenge"),
                return_url=entry.get("return_url"),
            )
            self.by_id[account, held.id] = held
            self._held[account, held.reference] = held
            if held.challenge:
                self.by_challenge[held.challenge] = held
        else:
            held.status, held.answer_seq = entry["status"], entry["seq"]
            self._held[account, entry["completion"]] = held
        if held.status == "approved":
            held.authorized_by = entry.get("completion", held.reference)
            if entry["capture"]:
                held.captured, held.closed = held.amount, True
            if entry["setup"]:
                self._consents[account, answer["network_transaction_id"]] = entry["last4"]

    def _apply_reversal(self, account: str, entry: Mapping[str, Any]) -> None:
        held = self._held.get((account, entry["reference"]))
        if held is None:
            self._barred.add((account, entry["reference"]))
            return
        if held.status in ("approved", "action_required", "voided"):
            held.refunded, held.status = held.captured, "reversed"

    def find(self, account: str, reference: str) -> Held | None:
        """The authorisation that the merchant calls ``reference`` (its own name, or that of its completion)."""
        return self._held.get((account, reference))

    def authorize(
        self,
        account: str,
        ask: Authorization,
        *,
        fresh: Fresh,
        origin: str,
        now: int,
        in_date: bool,
        forced: str | None = None,
    ) -> Entry:
        """Decide an authorisation. ``origin`` is where the challenge page lives; ``forced`` declines with that code."""
        barred = (account, ask.reference) in self._barred
        question = cards.Question(
            number=ask.number,
            amount=ask.amount,
            in_date=in_date,
            off_session=ask.off_session,
            consented=self._consents.get((account, ask.network_transaction_id or "")) == ask.number[-4:],
            three_d_secure=ask.three_d_secure,
            can_redirect=ask.return_url is not None,
            has_cvc=ask.has_cvc,
            has_line1=ask.has_line1,
            has_postal_code=ask.has_postal_code,
        )
        decision = cards.decide(question)
        if barred or forced:
            decision = cards.Decision(status="declined", decline_code="reversed" if barred else forced)
        capture = ask.capture and ask.amount > 0
        after = _aftermath(cards.behaviour(ask.number))
        entry: Entry = {
            "account": account,
            "kind": "authorization",
            "reference": ask.reference,
            "id": fresh.id,
            "amount": ask.amount,
            "currency": ask.currency,
            "status": decision.status,
            "capture": capture,
            "setup": ask.setup,
            "last4": ask.number[-4:],
            "expires_at": now + AUTHORIZATION_LIFE_S,
            "digest": ask.digest,
        }
        answer = _answer(entry, decision.decline_code, network=fresh.network)
        answer["checks"] = decision.checks
        answer["three_d_secure"] = decision.three_d_secure
        answer["funds_available_at_once"] = decision.funds_available_at_once
        answer["risk_level"] = decision.risk_level
        if after:
            entry["after"] = after
        if decision.status == "action_required":
            entry["challenge"] = fresh.challenge
            entry["after_challenge"] = decision.after_challenge
            entry["return_url"] = ask.return_url
            answer["redirect_url"] = f"{origin}/acs/{fresh.challenge}"
        entry["answer"] = answer
        return entry

    def complete(self, account: str, ask: Completion, *, before: Mapping[str, Any], network: str) -> Entry:
        """Finish a challenged authorisation; ``before`` is its entry numbered ``answer_seq``. Decides nothing twice."""
        held = self.by_id[account, ask.authorization]
        entry: Entry = {
            "account": account,
            "kind": "completion",
            "reference": held.reference,
            "completion": ask.reference,
            "id": held.id,
            "amount": held.amount,
            "currency": held.currency,
            "status": held.status,
            "digest": ask.digest,
            "answer": {**before["answer"], "reference": ask.reference, "status": held.status},
        }
        if held.status != "action_required" or held.challenge_result is None:
            return entry
        if held.challenge_result == "fail":
            status, code = "declined", "authentication_failed"
            trial = cards.authenticated("challenge", "failed", reason="rejected")
        else:
            status, code = ("declined" if held.after_challenge else "approved"), held.after_challenge
            trial = cards.authenticated("challenge", "authenticated")
        entry |= {key: before[key] for key in ("capture", "setup", "last4", "expires_at")}
        entry |= {"kind": "authorization", "status": status}
        entry["answer"] = {
            **_answer(entry, code, network=network),
            "reference": ask.reference,
            "checks": before["answer"]["checks"],
            "funds_available_at_once": before["answer"]["funds_available_at_once"],
            "risk_level": before["answer"].get("risk_level", "normal"),
            "three_d_secure": trial,
        }
        return entry

    def challenge(self, held: Held, result: str) -> Entry:
        """The cardholder's answer."""
        return {
            "account": held.account,
            "kind": "challenge",
            "reference": held.reference,
            "authorization": held.id,
            "id": held.id,
            "amount": held.amount,
            "currency": held.currency,
            "status": result,
        }

    def capture(self, account: str, ask: Movement, *, id_: str, now: int, forced: str | None = None) -> Entry:
        """Decide a capture."""
        held = self.by_id.get((account, ask.authorization))
        refusal = None
        if held is None:
            refusal = "authorization_unknown"
        elif held.status != "approved":
            refusal = f"authorization_{held.status}"
        elif held.closed:
            refusal = "already_captured"
        elif held.expires_at <= now:
            refusal = "authorization_expired"
        elif held.captured + ask.amount > held.amount:
            refusal = "amount_too_large"
        return _moved(account, "capture", ask, held=held, refusal=forced or refusal, id_=id_) | {"final": ask.final}

    def increment(self, account: str, ask: Movement, *, id_: str, now: int, forced: str | None = None) -> Entry:
        """Decide an increment: ``ask.amount`` is the new total, higher than before, and nothing was captured yet."""
        held = self.by_id.get((account, ask.authorization))
        refusal = None
        if held is None:
            refusal = "authorization_unknown"
        elif held.status != "approved":
            refusal = f"authorization_{held.status}"
        elif held.captured or held.closed:
            refusal = "already_captured"
        elif held.expires_at <= now:
            refusal = "authorization_expired"
        elif ask.amount <= held.amount:
            refusal = "amount_too_small"
        return _moved(account, "increment", ask, held=held, refusal=forced or refusal, id_=id_)

    def refund(self, account: str, ask: Movement, *, id_: str, forced: str | None = None) -> Entry:
        """Decide a refund. What is disputed is with the cardholder's bank and cannot be given back as well."""
        held = self.by_id.get((account, ask.authorization))
        refusal = None
        if held is None:
            refusal = "authorization_unknown"
        elif held.status != "approved":
            refusal = f"authorization_{held.status}"
        elif held.refunded + ask.amount > held.captured:
            refusal = "amount_too_large"
        elif held.refunded + ask.amount > held.captured - held.disputed:
            refusal = "charge_disputed"
        entry = _moved(account, "refund", ask, held=held, refusal=forced or refusal, id_=id_)
        if held is not None and entry["status"] == "approved" and "refund" in held.after:
            pends = held.after["refund"] == "pends"
            entry |= {"status": "pending" if pends else "approved", "later": "approved" if pends else "failed"}
            entry["answer"]["status"] = entry["status"]
        return entry

    def refund_ends(self, account: str, reference: str) -> Entry | None:
        """The end of a slow refund; None when it has ended, or its authorisation was undone as a whole."""
        refund = self.slow_refunds[account, reference]
        held = self.by_id[account, refund.authorization]
        undone = refund.later == "failed" and held.status != "approved"
        if refund.status == refund.later or undone:
            return None
        return {
            "account": account,
            "kind": "refund" if refund.later == "approved" else "refund_failure",
            "reference": reference,
            "id": refund.id,
            "authorization": refund.authorization,
            "amount": refund.amount,
            "currency": held.currency,
            "status": refund.later,
            "notices": [{"kind": "step", "reference": reference}],
        }

    def fate_of_refund(self, account: str, reference: str) -> dict[str, Any]:
        """What has changed about a refund since it was answered."""
        refund = self.slow_refunds.get((account, reference))
        if refund is None:
            return {}
        failed = {"failure_reason": FAILURE_REASON} if refund.status == "failed" else {}
        return {"status": refund.status, **failed}

    def void(self, account: str, ask: Release, *, id_: str, forced: str | None = None) -> Entry:
        """Decide a void: releases what is held and was not taken."""
        held = self.by_id.get((account, ask.authorization))
        refusal = None
        if held is None:
            refusal = "authorization_unknown"
        elif held.status not in ("approved", "action_required"):
            refusal = f"authorization_{held.status}"
        elif held.closed:
            refusal = "already_captured"
        return _moved(account, "void", ask, held=held, refusal=forced or refusal, id_=id_)

    def reverse(self, account: str, reference: str, *, id_: str) -> Entry:
        """Decide a reversal: undoes an authorisation, captured or not; bars the reference when there is none yet."""
        held = self.find(account, reference)
        undone = held is not None and held.status in ("approved", "action_required", "voided")
        status = "not_found" if held is None else "reversed" if undone else held.status
        returned = held.captured - held.refunded if held and undone else 0
        answer = {"reference": reference, "found": held is not None, "status": status, "returned_amount": returned}
        return {
            "account": account,
            "kind": "reversal",
            "reference": reference,
            "id": id_,
            "authorization": held.id if held else None,
            "amount": returned,
            "currency": held.currency if held else "",
            "status": status,
            "answer": answer,
        }


def _aftermath(card: cards.Behaviour) -> dict[str, Any]:
    """What follows a payment with ``card``; an ordinary one is over."""
    names = ("dispute", "inquiry", "fraud_type", "refund")
    return {name: value for name in names if (value := getattr(card, name)) != getattr(cards.ORDINARY, name)}


def _answer(entry: Entry, decline_code: str | None, *, network: str) -> dict[str, Any]:
    approved = entry["status"] == "approved"
    challenge_failed = decline_code == "authentication_failed"
    return {
        "id": entry["id"],
        "reference": entry["reference"],
        "status": entry["status"],
        "amount": entry["amount"],
        "currency": entry["currency"],
        "captured_amount": entry["amount"] if approved and entry["capture"] else 0,
        "decline_code": decline_code,
        "network_decline_code": cards.network_code(decline_code) if decline_code and not challenge_failed else None,
        "advice_code": cards.advice(decline_code) if decline_code else None,
        "checks": {},
        "redirect_url": None,
        "three_d_secure": None,
        "network_transaction_id": network if approved else None,
        "expires_at": entry["expires_at"],
        "funds_available_at_once": False,
        "risk_level": "normal",
    }


def _moved(
    account: str, kind: str, ask: Movement | Release, *, held: Held | None, refusal: str | None, id_: str
) -> Entry:
    amount = ask.amount if isinstance(ask, Movement) else held.amount if held else 0
    currency = held.currency if held else ""
    status = "declined" if refusal else "approved"
    return {
        "account": account,
        "kind": kind,
        "reference": ask.reference,
        "id": id_,
        "authorization": ask.authorization,
        "amount": amount,
        "currency": currency,
        "status": status,
        "digest": ask.digest,
        "answer": {
            "id": id_,
            "reference": ask.reference,
            "authorization": ask.authorization,
            "status": status,
            "amount": amount,
            "currency": currency,
            "decline_code": refusal,
        },
    }
