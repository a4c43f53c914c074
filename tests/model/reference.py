"""What a merchant's account should be after any sequence of operations: a small model, written from the contract alone.

It knows nothing of how Lockgate works. Each method is told what was asked and answered, says what the answer should
have been, and changes the model; ``events`` holds for each object the types of its events in their order.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

DAY_S = 24 * 3600
AUTHORIZATION_S = 7 * DAY_S
SETTLEMENT_S = 2 * DAY_S
DECLINES = {
    "pm_card_chargeDeclined": ("card_declined", "generic_decline"),
    "pm_card_chargeDeclinedInsufficientFunds": ("card_declined", "insufficient_funds"),
    "pm_card_chargeDeclinedExpiredCard": ("expired_card", "expired_card"),
    "pm_card_chargeDeclinedProcessingError": ("processing_error", "processing_error"),
}
UNEXPECTED = "payment_intent_unexpected_state"
DISPUTE_FEE = 1_500
MAGIC = 10_000
REFUSED, FAILS_ON_ARRIVAL = 4_111, 4_222
CONFIRMABLE = ("requires_payment_method", "requires_confirmation")


@dataclass(frozen=True)
class Expected:
    """An answer: its HTTP status and, for a refusal, its code and decline code."""

    status: int
    code: str | None = None
    decline_code: str | None = None


FINE = Expected(200)


@dataclass
class Movement:
    """Money on the merchant's balance: what it adds, and from when it can be paid out."""

    net: int
    available_at: int


@dataclass
class Payout:
    """One payout; its times are on the model's clock."""

    id: str
    amount: int
    arrives_at: int
    status: str = "pending"


@dataclass
class Dispute:
    """One dispute of a whole payment, and until when it can be answered."""

    id: str
    amount: int
    due_by: int
    money_at: int
    status: str = "needs_response"


@dataclass(repr=False)
class Intent:
    """One payment intent, its charge that counts, and what was given back of it. ``old``: a charge of the older API."""

    id: str
    amount: int
    manual: bool
    several: bool
    card: str | None
    created: int
    status: str = "requires_payment_method"
    capturable: int = 0
    received: int = 0
    refunded: int = 0
    held: int = 0
    charge: str | None = None
    reason: str | None = None
    expires_at: int | None = None
    raised: int = 0
    captured_at: int = 0
    description: str | None = None
    old: bool = False
    disputed: bool = False

    def __repr__(self) -> str:
        return f"<{self.id} {self.status} {self.amount}>"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))

    @property
    def refundable(self) -> int:
        return 0 if self.disputed else self.received - self.refunded


@dataclass
class Reference:
    """One account's test mode. ``now`` is its clock, in seconds, as the model has moved it."""

    now: int = 0
    intents: dict[str, Intent] = field(default_factory=dict)
    charges: dict[str, Intent] = field(default_factory=dict)
    payouts: dict[str, Payout] = field(default_factory=dict)
    disputes: dict[str, Dispute] = field(default_factory=dict)
    movements: list[Movement] = field(default_factory=list)
    events: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def fee(self, amount: int) -> int:
        """2.9 % rounded half up, and thirty."""
        return (amount * 29 * 2 + 1000) // 2000 + 30

    @property
    def balance(self) -> tuple[int, int]:
        """Available and pending."""
        available = sum(m.net for m in self.movements if m.available_at <= self.now)
        return available, sum(m.net for m in self.movements) - available

    def create(self, id_: str, *, amount: int, manual: bool, several: bool, card: str | None) -> Intent:
        intent = Intent(id_, amount, manual, several, card, self.now)
        intent.status = "requires_confirmation" if card else "requires_payment_method"
        self.intents[id_] = intent
        self.events[id_].append("payment_intent.created")
        return intent

    def confirming(self, intent: Intent, card: str | None) -> Expected:
        """What a confirmation is answered, before it is known which charge it makes."""
        if intent.status not in CONFIRMABLE:
            return Expected(400, UNEXPECTED)
        paying = card or intent.card
        if paying is None:
            return Expected(400, UNEXPECTED)
        if paying in DECLINES:
            return Expected(402, *DECLINES[paying])
        return FINE

    def confirmed(self, intent: Intent, card: str | None, *, charge: str) -> None:
        """The confirmation that ``confirming`` allowed has made ``charge``."""
        intent.card, intent.charge = card or intent.card, charge
        if intent.card in DECLINES:
            intent.status, intent.card = "requires_payment_method", None
            self.events[charge].append("charge.failed")
            self._told(intent, "payment_intent.payment_failed")
            return
        self.events[charge].append("charge.succeeded")
        if intent.manual:
            intent.status, intent.capturable, intent.held = "requires_capture", intent.amount, intent.amount
            intent.expires_at = self.now + AUTHORIZATION_S
            self._told(intent, "payment_intent.amount_capturable_updated")
            return
        self._took(intent, intent.amount)
        intent.status = "succeeded"
        self._told(intent, "payment_intent.succeeded")

    def capturing(self, intent: Intent, amount: int | None, *, final: bool) -> Expected:
        if intent.status != "requires_capture":
            return Expected(400, UNEXPECTED)
        if amount is not None and amount > intent.capturable:
            return Expected(400, "amount_too_large")
        if not final and not intent.several:
            return Expected(400, None)
        return FINE

    def captured(self, intent: Intent, amount: int | None, *, final: bool) -> None:
        taken = intent.capturable if amount is None else amount
        parts = bool(intent.received)
        self._took(intent, taken)
        intent.capturable -= taken
        assert intent.charge is not None
        last = final or not intent.capturable
        if parts or not last:
            self.events[intent.charge].append("charge.updated")
            self._told(intent, "payment_intent.amount_capturable_updated")
        if last:
            self._closed(intent)

    def raising(self, intent: Intent, amount: int) -> Expected:
        if intent.status != "requires_capture":
            return Expected(400, UNEXPECTED)
        if not intent.several or intent.received or amount <= intent.amount or intent.raised >= 10:
            return Expected(400, None)
        return FINE

    def raised(self, intent: Intent, amount: int) -> None:
        intent.amount = intent.capturable = intent.held = amount
        intent.raised += 1
        assert intent.charge is not None
        self.events[intent.charge].append("charge.updated")
        self._told(intent, "payment_intent.amount_capturable_updated")

    def canceling(self, intent: Intent) -> Expected:
        return Expected(400, UNEXPECTED) if intent.status in ("succeeded", "canceled") else FINE

    def canceled(self, intent: Intent, reason: str | None) -> None:
        """What was captured stays the merchant's: then the rest is released, and the payment has succeeded."""
        if intent.received:
            self._told(intent, "payment_intent.amount_capturable_updated")
            self._closed(intent)
            return
        intent.status, intent.capturable, intent.reason, intent.expires_at = "canceled", 0, reason, None
        self._told(intent, "payment_intent.canceled")

    def refunding(self, intent: Intent, amount: int | None) -> Expected:
        if not intent.received:
            return Expected(400, None)
        if intent.disputed:
            return Expected(400, "charge_disputed")
        if not intent.refundable:
            return Expected(400, "charge_already_refunded")
        if amount is not None and amount > intent.refundable:
            return Expected(400, None)
        return FINE

    def refund(self, intent: Intent, amount: int | None, *, id_: str) -> int:
        given = intent.refundable if amount is None else amount
        intent.refunded += given
        assert intent.charge is not None
        self.events[id_].append("refund.created")
        self.events[intent.charge].append("charge.refunded")
        # What is refunded leaves the balance that its charge is in.
        self.movements.append(Movement(-given, max(self.now, intent.captured_at + SETTLEMENT_S)))
        return given

    def came_back(self, intent: Intent, given: int, *, id_: str) -> None:
        """A refund failed after it had succeeded: what it took returns where it was."""
        intent.refunded -= given
        assert intent.charge is not None
        self.events[id_] += ["refund.updated", "charge.refund.updated", "refund.failed"]
        self.events[intent.charge].append("charge.updated")
        self.movements.append(Movement(given, max(self.now, intent.captured_at + SETTLEMENT_S)))

    def charge(self, id_: str, *, amount: int, manual: bool, card: str) -> Intent:
        """The older API's charge: paid or held at once."""
        intent = Intent(f"behind {id_}", amount, manual, False, card, self.now, "requires_confirmation", old=True)
        self.charges[id_] = intent
        self.confirmed(intent, None, charge=id_)
        return intent

    def recharging(self, intent: Intent, amount: int | None) -> Expected:
        """What a capture of an older charge is answered."""
        if intent.received:
            return Expected(400, "charge_already_captured")
        if intent.status == "canceled":
            return Expected(400, "charge_expired_for_capture")
        if intent.status != "requires_capture":
            return Expected(400)
        return Expected(400, "amount_too_large") if amount is not None and amount > intent.capturable else FINE

    def paying_out(self, amount: int) -> Expected:
        return FINE if 0 < amount <= self.balance[0] else Expected(400, "balance_insufficient")

    def pay_out(self, id_: str, amount: int, *, arrives_at: int) -> Payout:
        payout = self.payouts[id_] = Payout(id_, amount, arrives_at)
        self.events[id_].append("payout.created")
        self.movements.append(Movement(-amount, self.now))
        if amount % MAGIC == REFUSED:
            self._returned(payout, "failed")
        return payout

    def stop(self, payout: Payout) -> Expected:
        """A cancel of a payout."""
        if payout.status != "pending":
            return Expected(400)
        self._returned(payout, "canceled")
        return FINE

    def dispute(self, intent: Intent, id_: str, *, due_by: int) -> Dispute:
        """All that was captured of it is disputed."""
        assert intent.charge is not None
        intent.disputed = True
        money_at = intent.captured_at + SETTLEMENT_S
        self.movements.append(Movement(-intent.received - DISPUTE_FEE, max(self.now, money_at)))
        self.events[intent.charge].append("charge.updated")
        self.events[id_] += ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
        dispute = self.disputes[id_] = Dispute(id_, intent.received, due_by, money_at)
        return dispute

    def answer(self, dispute: Dispute) -> Expected:
        """Evidence is handed in."""
        if dispute.status != "needs_response":
            return Expected(400)
        dispute.status = "under_review"
        self.events[dispute.id].append("charge.dispute.updated")
        return FINE

    def decided(self, dispute: Dispute, status: str) -> None:
        dispute.status = status
        if status == "won":
            self.movements.append(Movement(dispute.amount, max(self.now, dispute.money_at)))
            self.events[dispute.id].append("charge.dispute.funds_reinstated")
        self.events[dispute.id].append("charge.dispute.closed")

    def update(self, intent: Intent, description: str) -> Expected:
        if intent.status not in CONFIRMABLE:
            return Expected(200)
        return FINE

    def passes(self, seconds: int) -> None:
        """Time goes by: authorisations expire; money becomes available by its own date."""
        self.now += seconds
        for intent in (*self.intents.values(), *self.charges.values()):
            if intent.expires_at is None or intent.expires_at > self.now:
                continue
            assert intent.charge is not None
            if not intent.received:
                self.events[intent.charge].append("charge.expired")
            self.canceled(intent, "automatic")
        for payout in self.payouts.values():
            self._travels(payout)
        for dispute in self.disputes.values():
            if dispute.status == "needs_response" and dispute.due_by < self.now:
                self.decided(dispute, "lost")

    def _travels(self, payout: Payout) -> None:
        """It leaves a day before it arrives."""
        if payout.status == "pending" and payout.arrives_at - DAY_S <= self.now:
            payout.status = "in_transit"
            self.events[payout.id].append("payout.updated")
        if payout.status == "in_transit" and payout.arrives_at <= self.now:
            if payout.amount % MAGIC == FAILS_ON_ARRIVAL:
                self._returned(payout, "failed")
            else:
                payout.status = "paid"
                self.events[payout.id].append("payout.paid")

    def _returned(self, payout: Payout, status: str) -> None:
        payout.status = status
        self.movements.append(Movement(payout.amount, self.now))
        self.events[payout.id].append(f"payout.{status}")

    def _told(self, intent: Intent, type_: str) -> None:
        """Nobody is told of the intent behind a charge of the older API."""
        if not intent.old:
            self.events[intent.id].append(type_)

    def _closed(self, intent: Intent) -> None:
        """Nothing more will be captured."""
        assert intent.charge is not None
        intent.status, intent.capturable, intent.expires_at = "succeeded", 0, None
        self.events[intent.charge].append("charge.captured")
        self._told(intent, "payment_intent.succeeded")

    def _took(self, intent: Intent, amount: int) -> None:
        intent.captured_at = intent.captured_at if intent.received else self.now  # what goes back goes with the first
        intent.received += amount
        self.movements.append(Movement(amount - self.fee(amount), self.now + SETTLEMENT_S))
