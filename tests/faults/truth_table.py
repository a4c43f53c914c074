"""The table of truth under failure: every operation that reaches a processor. Tests and docs/failures.md follow it."""

from tests.faults.truth import BUSY, ON_ITS_WAY, Answer, News, Question, Row

_INTENT_BUSY = {"confirm": BUSY, "capture": BUSY, "cancel": BUSY}
_HELD_BUSY = {**_INTENT_BUSY, "increment": BUSY}
_RESERVED: dict[str, Answer] = {"another refund": (400, None)}
_BY_REVERSAL = "the processor is asked by our reference; what never arrived is reversed, so that it cannot arrive late"

_PAID = {
    "charge": ("charge.succeeded",),
    "payment_intent": ("payment_intent.succeeded",),
}
_PENDING = {"charge": ("charge.pending",), "payment_intent": ("payment_intent.processing",)}
_FAILED = {"charge": ("charge.failed",), "payment_intent": ("payment_intent.payment_failed",)}
_CAPTURED = {"charge": ("charge.captured",), "payment_intent": ("payment_intent.succeeded",)}
_CAPTURABLE = "payment_intent.amount_capturable_updated"

PAYMENTS = {
    "create and confirm": Row(
        operation="payment_intent.create", words="A payment is made and confirmed by one request",
        order="authorize", action="authorize", path="/authorizations", effect="authorization",
        shows="payment_intent", before=None, doubt="processing", done="succeeded", never="requires_payment_method",
        meanwhile=_INTENT_BUSY,
        told_doubt={
            "charge": ("charge.pending",),
            "payment_intent": ("payment_intent.created", "payment_intent.processing"),
        },
        told_done={
            "charge": ("charge.succeeded",),
            "payment_intent": ("payment_intent.created", "payment_intent.succeeded"),
        },
        told_late=_PAID, told_never=_FAILED, books_done=("charge",), recovery=_BY_REVERSAL,
    ),
    "confirm": Row(
        operation="payment_intent.confirm", words="A payment is confirmed",
        order="authorize", action="authorize", path="/authorizations", effect="authorization",
        shows="payment_intent", before="requires_confirmation", doubt="processing", done="succeeded",
        never="requires_payment_method", meanwhile=_INTENT_BUSY,
        told_doubt=_PENDING, told_done=_PAID, told_late=_PAID, told_never=_FAILED,
        books_done=("charge",), recovery=_BY_REVERSAL,
    ),
    "hold": Row(
        operation="payment_intent.confirm", words="A payment is authorised, to be captured later",
        order="authorize", action="authorize", path="/authorizations", effect="authorization",
        shows="payment_intent", before="requires_confirmation", doubt="processing", done="requires_capture",
        never="requires_payment_method", meanwhile=_INTENT_BUSY,
        told_doubt=_PENDING,
        told_done={"charge": ("charge.succeeded",), "payment_intent": (_CAPTURABLE,)},
        told_late={"charge": ("charge.succeeded",), "payment_intent": (_CAPTURABLE,)},
        told_never=_FAILED, recovery=_BY_REVERSAL,
    ),
    "pay off session": Row(
        operation="payment_intent.confirm", words="A saved card is charged without its holder, under her mandate",
        order="authorize", action="authorize", path="/authorizations", effect="authorization",
        shows="payment_intent", before="requires_confirmation", doubt="processing", done="succeeded",
        never="requires_payment_method", meanwhile=_INTENT_BUSY,
        told_doubt=_PENDING, told_done=_PAID, told_late=_PAID, told_never=_FAILED,
        books_done=("charge",), recovery=_BY_REVERSAL,
    ),
    "confirm and keep the card": Row(
        operation="payment_intent.confirm", words="A payment is confirmed, and gives a mandate for later ones",
        order="authorize", action="authorize", path="/authorizations", effect="authorization",
        shows="payment_intent", before="requires_confirmation", doubt="processing", done="succeeded",
        never="requires_payment_method", meanwhile=_INTENT_BUSY,
        told_doubt=_PENDING,
        told_done={**_PAID, "payment_method": ("payment_method.attached",)},
        told_late={**_PAID, "payment_method": ("payment_method.attached",)},
        told_never=_FAILED, books_done=("charge",), recovery=_BY_REVERSAL,
    ),
    "complete by the shopper": Row(
        operation=None, words="A challenge was passed, and the shopper comes back",
        order="complete", action="complete", path="/authorizations/complete", effect="authorization",
        shows="payment_intent", before="requires_action", doubt="processing", done="succeeded",
        never="requires_payment_method", meanwhile=_INTENT_BUSY,
        unsent=(303, "pending"), answers_doubt=(303, "pending"), answers_done=(303, "succeeded"),
        told_doubt=_PENDING, told_done=_PAID, told_late=_PAID, told_never=_FAILED,
        books_done=("charge",), recovery=_BY_REVERSAL,
    ),
    "complete by the server": Row(
        operation="payment_intent.confirm", words="A challenge was passed, and the merchant's server finishes",
        order="complete", action="complete", path="/authorizations/complete", effect="authorization",
        shows="payment_intent", before="requires_confirmation", doubt="processing", done="succeeded",
        never="requires_payment_method", meanwhile=_INTENT_BUSY,
        told_doubt=_PENDING, told_done=_PAID, told_late=_PAID, told_never=_FAILED,
        books_done=("charge",), recovery=_BY_REVERSAL,
    ),
    "capture": Row(
        operation="payment_intent.capture", words="What is held is taken",
        order="capture", action="capture", path="/captures", effect="capture",
        shows="payment_intent", before="requires_capture", doubt="processing", done="succeeded",
        never="requires_capture", meanwhile=_HELD_BUSY,
        told_doubt={"payment_intent": ("payment_intent.processing",)},
        told_done=_CAPTURED, told_late=_CAPTURED, told_never={"payment_intent": (_CAPTURABLE,)},
        books_done=("charge",), books_doubt="the amount reserved on the charge",
    ),
    "capture a part": Row(
        operation="payment_intent.capture", words="A part is taken, more may follow (final_capture=false)",
        order="capture", action="capture", path="/captures", effect="capture",
        shows="payment_intent", before="requires_capture", doubt="processing", done="requires_capture, taken in part",
        never="requires_capture", meanwhile=_HELD_BUSY,
        told_doubt={"payment_intent": ("payment_intent.processing",)},
        told_done={"charge": ("charge.updated",), "payment_intent": (_CAPTURABLE,)},
        told_late={"charge": ("charge.updated",), "payment_intent": (_CAPTURABLE,)},
        told_never={"payment_intent": (_CAPTURABLE,)},
        books_done=("charge",), books_doubt="the amount reserved on the charge",
    ),
    "capture the rest": Row(
        operation="payment_intent.capture", words="The last part is taken after an earlier one",
        order="capture", action="capture", path="/captures", effect="capture",
        shows="payment_intent", before="requires_capture, taken in part", doubt="processing", done="succeeded",
        never="requires_capture, taken in part", meanwhile=_HELD_BUSY,
        told_doubt={"payment_intent": ("payment_intent.processing",)},
        told_done={
            "charge": ("charge.updated", "charge.captured"),
            "payment_intent": (_CAPTURABLE, "payment_intent.succeeded"),
        },
        told_late={
            "charge": ("charge.updated", "charge.captured"),
            "payment_intent": (_CAPTURABLE, "payment_intent.succeeded"),
        },
        told_never={"payment_intent": (_CAPTURABLE,)},
        books_done=("charge",), books_doubt="the amount reserved on the charge",
    ),
    "release the rest": Row(
        operation="payment_intent.capture", words="Nothing more is taken after an earlier part (amount_to_capture=0)",
        order="void", action="void", path="/voids", effect="void",
        shows="payment_intent", before="requires_capture, taken in part", doubt="requires_capture, taken in part",
        done="succeeded", never="requires_capture, taken in part", meanwhile=_HELD_BUSY,
        told_done={"charge": ("charge.captured",), "payment_intent": (_CAPTURABLE, "payment_intent.succeeded")},
        told_late={"charge": ("charge.captured",), "payment_intent": (_CAPTURABLE, "payment_intent.succeeded")},
    ),
    "increment": Row(
        operation="payment_intent.increment_authorization", words="An authorisation is raised",
        order="increment", action="increment", path="/increments", effect="increment",
        shows="payment_intent", before="requires_capture", doubt="requires_capture", done="requires_capture, raised",
        never="requires_capture", meanwhile=_HELD_BUSY,
        told_done={"charge": ("charge.updated",), "payment_intent": (_CAPTURABLE,)},
        told_late={"charge": ("charge.updated",), "payment_intent": (_CAPTURABLE,)},
    ),
    "cancel": Row(
        operation="payment_intent.cancel", words="What is held is released",
        order="void", action="void", path="/voids", effect="void",
        shows="payment_intent", before="requires_capture", doubt="requires_capture", done="canceled",
        never="requires_capture", meanwhile=_HELD_BUSY,
        told_done={"payment_intent": ("payment_intent.canceled",)},
        told_late={"payment_intent": ("payment_intent.canceled",)},
    ),
    "expire": Row(
        operation=None, words="Nobody captured in time: the clock releases what is held",
        order="void", action="void", path="/voids", effect="void",
        shows="payment_intent", before="requires_capture", doubt="requires_capture", done="canceled",
        never="requires_capture", meanwhile=_HELD_BUSY,
        told_done={"charge": ("charge.expired",), "payment_intent": ("payment_intent.canceled",)},
        told_late={"charge": ("charge.expired",), "payment_intent": ("payment_intent.canceled",)},
        told_never={"charge": ("charge.expired",), "payment_intent": ("payment_intent.canceled",)},
        recovery="the processor is asked by our reference; what was not released is tried again an hour later",
    ),
    "refund": Row(
        operation="refund.create", words="Money is given back",
        order="refund", action="refund", path="/refunds", effect="refund",
        shows="refund", before=None, doubt="pending", done="succeeded", never="failed", meanwhile=_RESERVED,
        told_doubt={"refund": ("refund.created",)},
        told_done={"refund": ("refund.created",), "charge": ("charge.refunded",)},
        told_late={"refund": ("refund.updated", "charge.refund.updated"), "charge": ("charge.refunded",)},
        told_never={"refund": ("refund.updated", "charge.refund.updated", "refund.failed")},
        books_done=("refund",), books_doubt="the amount reserved on the charge",
    ),
}  # fmt: skip

CHARGES = {
    "charge": Row(
        operation="charge.create", words="The older API: a charge is made",
        order="authorize", action="authorize", path="/authorizations", effect="authorization",
        shows="charge", before=None, doubt="pending", done="captured", never="failed",
        meanwhile={"capture": BUSY, "refund": (400, "charge_not_refundable")},
        told_doubt={"charge": ("charge.pending",)},
        told_done={"charge": ("charge.succeeded",)}, told_late={"charge": ("charge.succeeded",)},
        told_never={"charge": ("charge.failed",)}, books_done=("charge",), recovery=_BY_REVERSAL,
    ),
    "capture a charge": Row(
        operation="charge.capture", words="The older API: a held charge is captured",
        order="capture", action="capture", path="/captures", effect="capture",
        shows="charge", before="held", doubt="held", done="captured", never="held", meanwhile={"capture": BUSY},
        told_done={"charge": ("charge.captured",)}, told_late={"charge": ("charge.captured",)},
        books_done=("charge",), books_doubt="the amount reserved on the charge",
    ),
    "refund a charge": Row(
        operation="charge.refund", words="The older API: a charge is refunded",
        order="refund", action="refund", path="/refunds", effect="refund",
        shows="refund", before=None, doubt="pending", done="succeeded", never="failed", meanwhile=_RESERVED,
        told_doubt={"refund": ("refund.created",)},
        told_done={"refund": ("refund.created",), "charge": ("charge.refunded",)},
        told_late={"refund": ("refund.updated", "charge.refund.updated"), "charge": ("charge.refunded",)},
        told_never={"refund": ("refund.updated", "charge.refund.updated", "refund.failed")},
        books_done=("refund",), books_doubt="the amount reserved on the charge",
    ),
}  # fmt: skip

_NOT_VERIFIED: Answer = (503, "processor_unavailable")
_ASK_AGAIN = "none is needed: no money moves, nothing is kept, and whoever asks again asks anew"

CARDS = {
    "set up": Row(
        operation="setup_intent.confirm", words="A card is set up for later payments, with a mandate",
        order="authorize", action="verify", path="/authorizations", effect="authorization",
        shows="setup_intent", before="requires_confirmation", doubt="processing", done="succeeded",
        never="requires_payment_method", meanwhile={"confirm": (400, "setup_intent_unexpected_state")},
        told_done={
            "setup_intent": ("setup_intent.succeeded",),
            "payment_method": ("payment_method.attached",),
        },
        told_late={
            "setup_intent": ("setup_intent.succeeded",),
            "payment_method": ("payment_method.attached",),
        },
        told_never={"setup_intent": ("setup_intent.setup_failed",)}, recovery=_BY_REVERSAL,
    ),
    "create and set up": Row(
        operation="setup_intent.create", words="A setup is made and confirmed by one request",
        order="authorize", action="verify", path="/authorizations", effect="authorization",
        shows="setup_intent", before=None, doubt="processing", done="succeeded", never="requires_payment_method",
        meanwhile={"confirm": (400, "setup_intent_unexpected_state")},
        told_doubt={"setup_intent": ("setup_intent.created",)},
        told_done={"setup_intent": ("setup_intent.created", "setup_intent.succeeded")},
        told_late={"setup_intent": ("setup_intent.succeeded",)},
        told_never={"setup_intent": ("setup_intent.setup_failed",)}, recovery=_BY_REVERSAL,
    ),
    "complete a setup": Row(
        operation=None, words="The challenge of a setup was passed, and the shopper comes back",
        order="complete", action="complete", path="/authorizations/complete", effect="authorization",
        shows="setup_intent", before="requires_action", doubt="processing", done="succeeded",
        never="requires_payment_method", meanwhile={"confirm": (400, "setup_intent_unexpected_state")},
        unsent=(303, "pending"), answers_doubt=(303, "pending"), answers_done=(303, "succeeded"),
        told_done={"setup_intent": ("setup_intent.succeeded",)},
        told_late={"setup_intent": ("setup_intent.succeeded",)},
        told_never={"setup_intent": ("setup_intent.setup_failed",)}, recovery=_BY_REVERSAL,
    ),
    "attach": Row(
        operation="payment_method.attach", words="A card is kept for a customer: its issuer is asked first",
        order="authorize", action=None, path="/authorizations", effect="authorization",
        shows="payment_method", before="attached to nobody", doubt="attached to nobody", done="attached",
        never="attached to nobody", answers_doubt=_NOT_VERIFIED,
        told_done={"payment_method": ("payment_method.attached",)}, recovery=_ASK_AGAIN,
    ),
    "customer with a card": Row(
        operation="customer.create", words="A customer is made with a card: its issuer is asked first",
        order="authorize", action=None, path="/authorizations", effect="authorization",
        shows="customer", before=None, doubt=None, done="with its card", never=None, answers_doubt=_NOT_VERIFIED,
        told_done={"customer": ("customer.created",), "payment_method": ("payment_method.attached",)},
        recovery=_ASK_AGAIN,
    ),
    "a new card for a customer": Row(
        operation="customer.update", words="A customer is given a card as source: its issuer is asked first",
        order="authorize", action=None, path="/authorizations", effect="authorization",
        shows="customer", before="without a card", doubt="without a card", done="with its card",
        never="without a card", answers_doubt=_NOT_VERIFIED,
        told_done={"customer": ("customer.updated",), "payment_method": ("payment_method.attached",)},
        recovery=_ASK_AGAIN,
    ),
}  # fmt: skip

_ORIGINAL_BUSY: dict[str, Answer] = {"cancel": BUSY}

MONEY_OUT = {
    "pay out": Row(
        operation="payout.create", words="Money is sent to the merchant's bank",
        order="payout", action="payout", path="/payouts", effect="payout",
        shows="payout", before=None, doubt=ON_ITS_WAY, done=ON_ITS_WAY, never="failed", meanwhile=_ORIGINAL_BUSY,
        told_doubt={"payout": ("payout.created",)}, told_done={"payout": ("payout.created",)},
        told_never={"payout": ("payout.failed",)},
        books_done=("payout",), books_never=("payout", "payout_failure"), books_doubt="`payout`",
    ),
    "cancel a payout": Row(
        operation="payout.cancel", words="A payout is stopped before it leaves",
        order="cancel_payout", action="cancel_payout", path="/payouts/cancel", effect="payout_cancellation",
        shows="payout", before=ON_ITS_WAY, doubt=ON_ITS_WAY, done="canceled", never=ON_ITS_WAY,
        meanwhile=_ORIGINAL_BUSY,
        told_done={"payout": ("payout.canceled",)}, told_late={"payout": ("payout.canceled",)},
        books_done=("payout_cancel",),
    ),
    "reverse a payout": Row(
        operation="payout.reverse", words="A paid payout is fetched back, by a payout of its own",
        order="reverse_payout", action="reverse_payout", path="/payouts/reverse", effect="payout_reversal",
        shows="payout", before=None, doubt=ON_ITS_WAY, done=ON_ITS_WAY, never="failed",
        meanwhile={"reverse the original again": (400, None)},
        told_doubt={"payout": ("payout.created",), "original": ("payout.updated",)},
        told_done={"payout": ("payout.created",), "original": ("payout.updated",)},
        told_never={"payout": ("payout.failed",)},
        books_done=("payout",), books_never=("payout", "payout_failure"), books_doubt="`payout`",
    ),
}  # fmt: skip

DISPUTES = {
    "answer a dispute": Row(
        operation="dispute.update", words="Evidence is handed in",
        order="submit_evidence", action="submit_evidence", path="/disputes/evidence", effect="evidence",
        shows="dispute", before="needs_response", doubt="needs_response", done="under_review", never="needs_response",
        meanwhile={"more evidence": BUSY, "close": BUSY},
        told_done={"dispute": ("charge.dispute.updated",)}, told_late={"dispute": ("charge.dispute.updated",)},
        recovery="the processor is asked by our reference; its notification waits until that is known",
    ),
    "close a dispute": Row(
        operation="dispute.close", words="A dispute is given up",
        order="accept_dispute", action="accept_dispute", path="/disputes/accept", effect="acceptance",
        shows="dispute", before="needs_response", doubt="needs_response", done="lost", never="needs_response",
        meanwhile={"more evidence": BUSY, "close": BUSY},
        told_done={"dispute": ("charge.dispute.closed",)}, told_late={"dispute": ("charge.dispute.closed",)},
        recovery="the processor is asked by our reference, or tells it first by a notification",
    ),
}  # fmt: skip

TABLE: dict[str, Row] = {**PAYMENTS, **CHARGES, **CARDS, **MONEY_OUT, **DISPUTES}

QUESTIONS = {
    "what has changed": Question(
        order="list_changes", path="/changes",
        words="asked every minute, to make up for notifications that never came",
        again="after a minute, then two, doubling to 15, from where the last answer ended",
    ),
    "what became of an order": Question(
        order="inquire", path="/inquiries", words="asked by recovery, about an attempt without an outcome",
        again="after 15 s, 1 min, 5 min, 1 h, then daily with an error logged; at once when the processor answers"
        " anything again",
    ),
    "undo what may still arrive": Question(
        order="reverse", path="/reversals", words="ordered by recovery, before it believes that an authorisation never"
        " arrived", again="as the inquiry",
    ),
    "how a dispute stands": Question(
        order="inquire_dispute", path="/disputes/inquiries",
        words="asked on its notice, every day while it is open, and after its deadline", again="after 15 min",
    ),
    "what a warning says": Question(
        order="inquire_warning", path="/warnings/inquiries", words="asked on its notice",
        again="with its notice: after 1 s, 2 s, 5 s, 30 s, 2 min, 10 min, 1 h, 6 h, then daily for 30 days",
    ),
    "where a payout is": Question(
        order="inquire_payout", path="/payouts/inquiries",
        words="asked on its notice, hourly before it has left, on the day of arrival, and daily for a week after",
        again="at its next time",
    ),
}  # fmt: skip

_WITHIN_A_MINUTE = "within a minute, by asking what has changed"

NEWS = {
    "step": News(
        words="something about one of our orders", untold=_WITHIN_A_MINUTE,
        leads_to="an order in doubt is asked about at once; a refund that had succeeded may have failed",
    ),
    "dispute": News(
        words="a dispute was raised or has changed", leads_to="it is asked about, and all it came to is told",
        untold=f"{_WITHIN_A_MINUTE}; an open one is asked about daily besides",
    ),
    "early_fraud_warning": News(
        words="an issuer warns of fraud", leads_to="it is asked about, and told", untold=_WITHIN_A_MINUTE,
    ),
    "payout": News(
        words="a payout has changed", leads_to="it is asked about, and every state that it came to is told",
        untold=f"{_WITHIN_A_MINUTE}; and at its own times besides",
    ),
}  # fmt: skip
