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


@dataclass(repr=False)
class Intent:
    """One payment intent, its charge that counts, and what was given back of it."""

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

    def __repr__(self) -> str:
        return f"<{self.id} {self.status} {self.amount}>"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        printer.text(repr(self))

    @property
    def refundable(self) -> int:
        return self.received - self.refunded


@dataclass
class Reference:
    """One account's test mode. ``now`` is its clock, in seconds, as the model has moved it."""

    now: int = 0
    intents: dict[str, Intent] = field(default_factory=dict)
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
            self.events[intent.id].append("payment_intent.payment_failed")
            return
        self.events[charge].append("charge.succeeded")
        if intent.manual:
            intent.status, intent.capturable, intent.held = "requires_capture", intent.amount, intent.amount
            intent.expires_at = self.now + AUTHORIZATION_S
            self.events[intent.id].append("payment_intent.amount_capturable_updated")
            return
        self._took(intent, intent.amount)
        intent.status = "succeeded"
        self.events[intent.id].append("payment_intent.succeeded")

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
            self.events[intent.id].append("payment_intent.amount_capturable_updated")
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
        self.events[intent.id].append("payment_intent.amount_capturable_updated")

    def canceling(self, intent: Intent) -> Expected:
        return Expected(400, UNEXPECTED) if intent.status in ("succeeded", "canceled") else FINE

    def canceled(self, intent: Intent, reason: str | None) -> None:
        """What was captured stays the merchant's: then the rest is released, and the payment has succeeded."""
        if intent.received:
            self.events[intent.id].append("payment_intent.amount_capturable_updated")
            self._closed(intent)
            return
        intent.status, intent.capturable, intent.reason, intent.expires_at = "canceled", 0, reason, None
        self.events[intent.id].append("payment_intent.canceled")

    def refunding(self, intent: Intent, amount: int | None) -> Expected:
        if not intent.received:
            return Expected(400, None)
        if not intent.refundable:
            return Expected(400, "charge_already_refunded")
        if amount is not None and amount > intent.refundable:
            return Expected(400, None)
        return FINE

    def refund(self, intent: Intent, amount: int | None, *, id_: str) -> None:
        given = intent.refundable if amount is None else amount
        intent.refunded += given
        assert intent.charge is not None
        self.events[id_].append("refund.created")
        self.events[intent.charge].append("charge.refunded")
        # What is refunded leaves the balance that its charge is in.
        self.movements.append(Movement(-given, max(self.now, intent.captured_at + SETTLEMENT_S)))

    def update(self, intent: Intent, description: str) -> Expected:
        if intent.status not in CONFIRMABLE:
            return Expected(200)
        return FINE

    def passes(self, seconds: int) -> None:
        """Time goes by: authorisations expire; money becomes available by its own date."""
        self.now += seconds
        for intent in self.intents.values():
            if intent.expires_at is None or intent.expires_at > self.now:
                continue
            assert intent.charge is not None
            if not intent.received:
                self.events[intent.charge].append("charge.expired")
            self.canceled(intent, "automatic")

    def _closed(self, intent: Intent) -> None:
        """Nothing more will be captured."""
        assert intent.charge is not None
        intent.status, intent.capturable, intent.expires_at = "succeeded", 0, None
        self.events[intent.charge].append("charge.captured")
        self.events[intent.id].append("payment_intent.succeeded")

    def _took(self, intent: Intent, amount: int) -> None:
        intent.received += amount
        intent.captured_at = self.now
        self.movements.append(Movement(amount - self.fee(amount), self.now + SETTLEMENT_S))
