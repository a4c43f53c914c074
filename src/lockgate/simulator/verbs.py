"""What a merchant's adapter may ask: each verb parses its message, decides it once, and answers."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from lockgate.kernel import ids
from lockgate.simulator import messages, messages_changes, messages_disputes, messages_payouts
from lockgate.simulator.acquirer import Entry, Fresh
from lockgate.simulator.clerk import Answer, Clerk

Verb = Callable[[str, dict[str, Any], str | None], Answer]
"""Takes an account, a message and the decline code of an ordered fault."""


class _Asked(Protocol):
    """A message about one step."""

    @property
    def reference(self) -> str: ...

    @property
    def digest(self) -> str: ...


class Refused(Exception):
    """A message that had no effect; becomes an error answer."""

    def __init__(self, status: int, code: str, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"code": code, "message": message, "field": field}}


class Verbs:
    """``origin`` is the simulator's own public address."""

    def __init__(self, clerk: Clerk, origin: str) -> None:
        self._clerk = clerk
        self._books = clerk.books
        self._acquirer = clerk.books.acquirer
        self._origin = origin
        self.by_path: dict[str, Verb] = {
            "/authorizations": self._authorize,
            "/authorizations/complete": self._complete,
            "/increments": self._increment,
            "/captures": self._capture,
            "/voids": self._void,
            "/refunds": self._refund,
            "/inquiries": self._inquire,
            "/reversals": self._reverse,
            "/payouts": self._pay,
            "/payouts/cancel": self._cancel_payout,
            "/payouts/reverse": self._reverse_payout,
            "/payouts/inquiries": self._inquire_payout,
            "/disputes/evidence": self._submit_evidence,
            "/disputes/accept": self._accept_dispute,
            "/disputes/inquiries": self._inquire_dispute,
            "/warnings/inquiries": self._inquire_warning,
            "/changes": self._changes,
        }

    def _authorize(self, account: str, body: dict[str, Any], forced: str | None) -> Answer:
        ask = messages.authorization(body)
        now = self._clerk.now(account)
        today = datetime.fromtimestamp(now, UTC)
        return self._once(
            account,
            ask,
            lambda: self._acquirer.authorize(
                account,
                ask,
                fresh=Fresh(id=ids.new_id("sau"), challenge=f"acs_{ids.random_token(32)}", network=ids.new_id("ntx")),
                origin=self._origin,
                now=now,
                in_date=(ask.exp_year, ask.exp_month) >= (today.year, today.month),
                forced=forced,
            ),
        )

    def _complete(self, account: str, body: dict[str, Any], _forced: str | None) -> Answer:
        ask = messages.completion(body)
        return self._once(account, ask, lambda: self._completed(account, ask))

    def _completed(self, account: str, ask: messages.Completion) -> Entry:
        held = self._acquirer.by_id.get((account, ask.authorization))
        if held is None:
            raise Refused(404, "authorization_unknown", "No such authorization.", field="authorization")
        before = self._clerk.journal.entry(held.answer_seq)
        return self._acquirer.complete(account, ask, before=before, network=ids.new_id("ntx"))

    def _increment(self, account: str, body: dict[str, Any], forced: str | None) -> Answer:
        ask, now = messages.increment(body), self._clerk.now(account)
        return self._once(
            account, ask, lambda: self._acquirer.increment(account, ask, id_=ids.new_id("sin"), now=now, forced=forced)
        )

    def _capture(self, account: str, body: dict[str, Any], forced: str | None) -> Answer:
        ask, now = messages.capture(body), self._clerk.now(account)
        return self._once(
            account, ask, lambda: self._acquirer.capture(account, ask, id_=ids.new_id("sca"), now=now, forced=forced)
        )

    def _refund(self, account: str, body: dict[str, Any], forced: str | None) -> Answer:
        ask = messages.refund(body)
        return self._once(
            account, ask, lambda: self._acquirer.refund(account, ask, id_=ids.new_id("srf"), forced=forced)
        )

    def _void(self, account: str, body: dict[str, Any], forced: str | None) -> Answer:
        ask = messages.void(body)
        return self._once(
            account, ask, lambda: self._acquirer.void(account, ask, id_=ids.new_id("svo"), forced=forced)
        )

    def _reverse(self, account: str, body: dict[str, Any], _forced: str | None) -> Answer:
        reference = messages.reference(body)
        return self._clerk.record(self._acquirer.reverse(account, reference, id_=ids.new_id("srv")))

    def _inquire(self, account: str, body: dict[str, Any], _forced: str | None) -> Answer:
        reference = messages.reference(body)
        step = self._acquirer.steps.get((account, reference))
        if step is None:
            return self._said({"found": False, "reference": reference})
        held = self._acquirer.find(account, reference)
        if held is None:
            said = self._clerk.journal.entry(step.seq)["answer"]
            said = said | self._acquirer.fate_of_refund(account, reference)
        else:
            said = self._clerk.journal.entry(held.answer_seq)["answer"]
            said = said | {"status": held.status, "reference": reference}
        return self._said({"found": True, "kind": step.kind, **said})

    def _pay(self, account: str, body: dict[str, Any], forced: str | None) -> Answer:
        ask, now = messages_payouts.payout(body), self._clerk.now(account)
        return self._once(
            account, ask, lambda: self._books.payouts.pay(account, ask, id_=ids.new_id("spo"), now=now, forced=forced)
        )

    def _cancel_payout(self, account: str, body: dict[str, Any], forced: str | None) -> Answer:
        ask = messages_payouts.cancellation(body)
        return self._once(
            account, ask, lambda: self._books.payouts.cancel(account, ask, id_=ids.new_id("spc"), forced=forced)
        )

    def _reverse_payout(self, account: str, body: dict[str, Any], forced: str | None) -> Answer:
        ask, now, payouts = messages_payouts.reversal(body), self._clerk.now(account), self._books.payouts
        return self._once(
            account, ask, lambda: payouts.reverse(account, ask, id_=ids.new_id("spr"), now=now, forced=forced)
        )

    def _inquire_payout(self, account: str, body: dict[str, Any], _forced: str | None) -> Answer:
        id_ = messages_disputes.named(body, "payout")
        payout = self._books.payouts.by_id.get((account, id_))
        if payout is None:
            return self._said({"found": False, "id": id_})
        return self._said(
            {
                "found": True,
                "id": id_,
                "status": payout.status,
                "failure_code": payout.failure_code,
                "arrival_date": payout.arrives_at,
            }
        )

    def _submit_evidence(self, account: str, body: dict[str, Any], forced: str | None) -> Answer:
        ask, now, disputes = messages_disputes.evidence(body), self._clerk.now(account), self._books.disputes
        return self._once(
            account, ask, lambda: disputes.submit(account, ask, id_=ids.new_id("sev"), now=now, forced=forced)
        )

    def _accept_dispute(self, account: str, body: dict[str, Any], forced: str | None) -> Answer:
        ask = messages_disputes.acceptance(body)
        return self._once(
            account, ask, lambda: self._books.disputes.accept(account, ask, id_=ids.new_id("sac"), forced=forced)
        )

    def _inquire_dispute(self, account: str, body: dict[str, Any], _forced: str | None) -> Answer:
        id_ = messages_disputes.named(body, "dispute")
        dispute = self._books.disputes.by_id.get((account, id_))
        if dispute is None:
            return self._said({"found": False, "id": id_})
        return self._said(
            {
                "found": True,
                "id": id_,
                "step": dispute.step,
                "status": dispute.status,
                "reason": dispute.reason,
                "amount": dispute.amount,
                "currency": dispute.currency,
                "due_by": dispute.due_by,
                "created": dispute.created,
                "network_reason_code": dispute.network_reason_code,
                "fee": dispute.fee,
            }
        )

    def _inquire_warning(self, account: str, body: dict[str, Any], _forced: str | None) -> Answer:
        id_ = messages_disputes.named(body, "warning")
        warning = self._books.disputes.warnings.get((account, id_))
        if warning is None:
            return self._said({"found": False, "id": id_})
        return self._said(
            {
                "found": True,
                "id": id_,
                "step": warning.step,
                "fraud_type": warning.fraud_type,
                "created": warning.created,
                "actionable": self._books.is_actionable(account, warning.authorization),
            }
        )

    def _changes(self, account: str, body: dict[str, Any], _forced: str | None) -> Answer:
        ask, notices = messages_changes.changes(body), self._books.notices.get(account, [])
        if ask.after > len(notices):
            raise Refused(400, "invalid", "No such cursor.", field="cursor")
        end = min(ask.after + ask.limit, len(notices))
        return self._said(
            {
                "since": ask.cursor,
                "notices": [
                    {"id": notice.id, "kind": notice.kind, "reference": notice.reference}
                    for notice in notices[ask.after : end]
                ],
                "cursor": str(end) if end else "",
                "more": end < len(notices),
            }
        )

    def _said(self, answer: dict[str, Any]) -> Answer:
        """An answer without an effect: all that it rests on must be on disk."""
        return answer, self._clerk.journal.last_seq

    def _once(self, account: str, ask: _Asked, decide: Callable[[], Entry]) -> Answer:
        """The answer that this reference got before, or what is decided now; never another message's."""
        step = self._acquirer.steps.get((account, ask.reference))
        if step is None:
            return self._clerk.record(decide())
        if step.digest != ask.digest:
            raise Refused(409, "reference_reused", "This reference stands for another message.", field="reference")
        return self._clerk.journal.entry(step.seq)["answer"], step.seq
