"""The words of the table of truth under failure: what faults there are, and what a row says of an operation. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["certainly not sent", "lost before its effect", "lost after its effect", "answered"]
NOT_SENT: Kind = "certainly not sent"
NO_EFFECT: Kind = "lost before its effect"
EFFECT: Kind = "lost after its effect"
FINE: Kind = "answered"
LOST = (NO_EFFECT, EFFECT)

FAULTS: Mapping[str, Kind] = {
    "refuse": NOT_SENT,
    "reset_before": NO_EFFECT,
    "http_500_before": NO_EFFECT,
    "timeout_before": NO_EFFECT,
    "reset_after": EFFECT,
    "timeout_after": EFFECT,
    "http_500_after": EFFECT,
    "garbage": EFFECT,
    "wrong_types": EFFECT,
    "truncated": EFFECT,
    "duplicate": FINE,
    "slow": FINE,
}
"""Whatever may befall an order on its way, and what it means. A lost answer looks the same whatever the effect."""

WAITING = ("slow", "timeout_before", "timeout_after")
"""Those that take ``delay_ms``."""

Answer = tuple[int, str | None]
"""HTTP status, and the state of the object that is shown, or the error's code."""

Events = Mapping[str, tuple[str, ...]]
"""Per kind of object, in this order: the types of the events about it. ``original`` is a payout that another takes."""

BUSY: Answer = (429, "lock_timeout")
UNSENT: Answer = (503, "processor_unavailable")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One operation that reaches a processor, under every fault."""

    operation: str | None
    """The API's name for it; None where the clock or a shopper's browser orders."""

    words: str
    """What happens, for the page."""

    order: str
    """The adapter's method."""

    action: str | None
    """The attempt's; None where no attempt is needed because there is nothing to undo."""

    path: str
    """Where it goes at the simulator."""

    effect: str
    """The journal's kind of the entry that is its effect."""

    shows: str
    """The kind of object whose state tells."""

    before: str | None
    """That state before the order; None where the order makes the object."""

    doubt: str | None
    """The state while the outcome is unknown; None where nothing is there to be seen."""

    done: str
    """The state when it happened."""

    never: str | None
    """The state when it turned out that it never happened; None where nothing is left."""

    unsent: Answer = UNSENT
    """The answer to an order that was certainly not sent; the state is then as before and the key may be used again."""

    answers_doubt: Answer | None = None
    """The answer without an outcome, where it is not 200 with ``doubt``."""

    answers_done: Answer | None = None
    """The answer with the outcome, where it is not 200 with ``done``."""

    meanwhile: Mapping[str, Answer] = field(default_factory=dict)
    """What other requests about the object are told while the outcome is unknown."""

    told_doubt: Events = field(default_factory=dict)
    """Events when the outcome became unknown."""

    told_done: Events = field(default_factory=dict)
    """Events of an order whose answer came."""

    told_late: Events = field(default_factory=dict)
    """Events after ``told_doubt`` when recovery finds that it happened."""

    told_never: Events = field(default_factory=dict)
    """Events after ``told_doubt`` when recovery finds that it did not."""

    books_done: tuple[str, ...] = ()
    """Types of the balance transactions that it makes, in order."""

    books_never: tuple[str, ...] = ()
    """Those that are left by an order in doubt that never happened; they sum to nothing."""

    books_doubt: str = "nothing yet"
    """What the books hold while the outcome is unknown, for the page."""

    recovery: str = "the processor is asked by our reference"
    """How the outcome is found."""

    def answer(self, kind: Kind) -> Answer:
        """What the caller is told."""
        if kind == NOT_SENT:
            return self.unsent
        if kind in LOST:
            return self.answers_doubt or (200, self.doubt)
        return self.answers_done or (200, self.done)

    def between(self, kind: Kind) -> str | None:
        """The object's state right after the answer; None where there is no object."""
        if kind == NOT_SENT:
            return self.before
        return self.doubt if kind in LOST else self.done

    def final(self, kind: Kind) -> str | None:
        """The state when nothing is in doubt any more, before anybody asks again."""
        if kind == EFFECT and self.action is None:
            return self.never
        return {NOT_SENT: self.before, NO_EFFECT: self.never, EFFECT: self.done, FINE: self.done}[kind]

    def events(self, kind: Kind) -> dict[str, tuple[str, ...]]:
        """All events until the end; those of an order that left nothing come when it is asked for again."""
        if kind in (NOT_SENT, FINE) or self.action is None:
            return dict(self.told_done)
        after = self.told_late if kind == EFFECT else self.told_never
        kinds = [*self.told_doubt, *(name for name in after if name not in self.told_doubt)]
        return {name: (*self.told_doubt.get(name, ()), *after.get(name, ())) for name in kinds}

    def books(self, kind: Kind) -> tuple[str, ...]:
        """The balance transactions in the end."""
        return self.books_never if kind == NO_EFFECT else self.books_done


RAISED = "raised"
"""The description that an increment brings along: it changes when the amount does."""


ON_ITS_WAY = "on its way"
"""A payout, pending or in transit: when it leaves is the bank's affair, and no order's."""


def state(thing: Mapping[str, Any]) -> str:
    """An object's state in the words of the table."""
    match thing["object"]:
        case "payment_method":
            return "attached" if thing["customer"] else "attached to nobody"
        case "customer":
            return "with its card" if thing["default_source"] else "without a card"
        case "charge" if thing["status"] == "succeeded":
            return "captured" if thing["captured"] else "held"
        case "payment_intent" if thing["status"] == "requires_capture":
            more = RAISED if thing["description"] == RAISED else "taken in part" if thing["amount_received"] else None
            return f"requires_capture, {more}" if more else "requires_capture"
        case "payout" if thing["status"] in ("pending", "in_transit"):
            return ON_ITS_WAY
        case _:
            return thing["status"]


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question to a processor: no answer to it, of whatever kind, changes anything; it is asked again."""

    order: str
    path: str
    words: str
    again: str


@dataclass(frozen=True, kw_only=True)
class News:
    """What a processor tells by itself, what happens then, and how it is learnt without a notice."""

    words: str
    leads_to: str
    untold: str


NOTICE_FAULTS: Mapping[str, str] = {
    "drop_notification": "never told: learnt by asking what has changed",
    "duplicate_notification": "told twice: the second is the first by its id, and changes nothing",
    "late_notification": "told late: by then it may be old news, which changes nothing",
    "reorder_notifications": "told after a later one: what is asked is how things stand now, so order does not matter",
    "forged": "not proven: 401 (or 400), on record, never worked through; who floods the door gets 429",
}
