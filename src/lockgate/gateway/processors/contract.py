"""The processor contract: what payments asks of an adapter, what it answers, and what each answer promises.

An adapter is pure. Each of its methods is a generator: it yields an Order, is sent what came of it (Answered, NotSent
or Lost), may yield further orders, and returns a Result (Steps) or, for a question about what the processor itself
began, what it found (Asks). It keeps no state between calls: whatever a later step needs travels in
``Result.processor_reference`` and ``Result.continuation``.

The rule above all others: **only what is proven is definite.** Anything an adapter does not fully understand (a 5xx, a
reset, half a body, a field of the wrong type, an unknown status) is Outcome.UNKNOWN, and UNKNOWN is never sent again.
To a question the answer is then None: nothing was learnt, ask again later.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, TypeVar

from lockgate.kernel.orders import Answered, Body, Derived, Lost, NotSent, Order, Reply, SentAt, Slot

__all__ = [
    "AUTHENTICATION_FAILED",
    "DISPUTE_STATUSES",
    "NOTICE_KINDS",
    "PAYOUT_STATUSES",
    "REFUND_FAILED",
    "REVERSED",
    "RISK_LEVELS",
    "AcceptDispute",
    "Answered",
    "Asks",
    "Authorize",
    "Body",
    "CancelPayout",
    "Capture",
    "Changes",
    "Complete",
    "Derived",
    "DisputeFound",
    "Increment",
    "Inquire",
    "InquireDispute",
    "InquirePayout",
    "InquireWarning",
    "ListChanges",
    "Lost",
    "NotSent",
    "Notice",
    "Order",
    "Outcome",
    "Payout",
    "PayoutFound",
    "Processor",
    "Refund",
    "Reply",
    "Request",
    "Result",
    "Reverse",
    "ReversePayout",
    "SentAt",
    "Slot",
    "Steps",
    "SubmitEvidence",
    "Void",
    "WarningFound",
]

AUTHENTICATION_FAILED = "authentication_failed"
"""``Result.decline_code`` when the cardholder failed the challenge: nobody asked the issuer for money."""

REVERSED = "reversed"
"""``Result.decline_code`` when an inquiry finds that the authorisation was undone by ``reverse`` or ``void``."""

REFUND_FAILED = "refund_failed"
"""``Result.decline_code`` when an inquiry finds that a refund came back: the money is with the merchant again.

``Result.reason`` then has the dialect's failure_reason.
"""

RISK_LEVELS = ("normal", "elevated", "highest")
DISPUTE_STATUSES = (
    "warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "under_review", "won", "lost",
)  # fmt: skip
PAYOUT_STATUSES = ("pending", "in_transit", "paid", "failed", "canceled")
NOTICE_KINDS = ("step", "dispute", "early_fraud_warning", "payout")


class Outcome(Enum):
    """What is known about a step.

    * APPROVED: it happened, once.
    * DECLINED: it was refused and has no effect; ``decline_code`` says why.
    * ACTION_REQUIRED: nothing has moved; the shopper must visit ``redirect_url``, then ``complete`` asks again.
    * PENDING: accepted by a slow rail; a definite answer comes later, by inquiry or notification.
    * UNKNOWN: it may or may not have happened. Inquire; never send again.
    * FAILED: certainly without effect, because nothing was sent or the processor refused the message itself.
    * NOT_FOUND: an inquiry's answer only: the processor has never heard of the reference (yet).
    """

    APPROVED = "approved"
    DECLINED = "declined"
    ACTION_REQUIRED = "action_required"
    PENDING = "pending"
    UNKNOWN = "unknown"
    FAILED = "failed"
    NOT_FOUND = "not_found"


@dataclass(frozen=True, slots=True)
class Result:
    """The end of one step. Only ``outcome`` is always meaningful; the rest as far as the processor told it.

    ``processor_reference`` names the authorisation (or capture, void, refund) at the processor; later steps give it
    back. ``checks`` has ``cvc_check``, ``address_line1_check`` and ``address_postal_code_check``: ``pass``, ``fail``,
    ``unavailable``, ``unchecked``, or None when the merchant gave no such data.
    ``decline_code`` is normalised to the dialect's list, ``network_decline_code`` is raw. ``advice_code`` is
    ``confirm_card_data``, ``do_not_try_again``, ``try_again_later`` or None. ``reason`` says why a step is UNKNOWN or
    FAILED (a short code, for logs). ``continuation`` is a small JSON object kept on the attempt across a challenge.
    ``three_d_secure`` has ``authentication_flow``, ``result``, ``result_reason`` and ``version``.
    ``network_transaction_id`` proves a cardholder's consent in later off-session payments. ``amount`` is what the step
    moved or reserved, in minor units. ``expires_at`` (epoch seconds) is when an uncaptured authorisation lapses.
    ``risk_level`` is the processor's own view of a payment, one of RISK_LEVELS.
    """

    outcome: Outcome
    processor_reference: str | None = None
    decline_code: str | None = None
    network_decline_code: str | None = None
    advice_code: str | None = None
    checks: Mapping[str, str | None] = field(default_factory=dict)
    redirect_url: str | None = None
    continuation: Mapping[str, Any] = field(default_factory=dict)
    three_d_secure: Mapping[str, Any] | None = None
    network_transaction_id: str | None = None
    amount: int | None = None
    captured_amount: int | None = None
    expires_at: int | None = None
    funds_available_at_once: bool = False
    risk_level: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What every request has. ``step`` is our reference: unique for ever, told to the processor, inquired by.

    A generator that yields more than one order names the later ones ``<step>.2``, ``<step>.3``: the vault sends one
    step id at most once. ``settings`` are this processor's public settings. ``now`` is business time (epoch seconds)
    where the account has a clock of its own: a processor that plays along believes it, real ones are not told.
    """

    step: str
    send_before_ms: int
    timeout_ms: int
    settings: Mapping[str, Any]
    now: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorize(Request):
    """Reserve ``amount`` (minor units) on a card, and take it at once when ``capture`` is set.

    ``setup``: the card will be kept, so ask for the cardholder's consent to later payments; with amount 0 the card is
    only verified. ``off_session``: the cardholder is absent; then ``network_transaction_id`` is that of her consent.
    ``three_d_secure`` is ``automatic``, ``any`` or ``challenge``. ``has_cvc`` says whether the vault holds a CVC to
    fill in; ``has_line1`` and ``has_postal_code`` whether the merchant gave a billing address to check.
    """

    amount: int
    currency: str
    card: str
    capture: bool = True
    setup: bool = False
    off_session: bool = False
    has_cvc: bool = False
    has_line1: bool = False
    has_postal_code: bool = False
    three_d_secure: str = "automatic"
    return_url: str | None = None
    network_transaction_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete(Request):
    """The shopper is back from the challenge: finish the authorisation ``processor_reference``.

    Still undone: ACTION_REQUIRED again. Failed: DECLINED with AUTHENTICATION_FAILED.
    """

    processor_reference: str
    continuation: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture(Request):
    """Take ``amount`` of an authorisation; ``final`` releases the rest.

    Captures that are not final may be followed by others: each is a step, and ``amount`` is its own.
    """

    processor_reference: str
    amount: int
    currency: str
    final: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Increment(Request):
    """Raise an authorisation of which nothing was captured; ``amount`` is the new total.

    DECLINED leaves the authorisation as it was.
    """

    processor_reference: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Void(Request):
    """Release what an authorisation holds and no capture took; what was captured stands."""

    processor_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund(Request):
    """Give back ``amount`` of what was captured on the authorisation ``processor_reference``."""

    processor_reference: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquire(Request):
    """What became of the step ``reference``, of whatever kind?

    The Result is the one that the lost answer would have carried, as things stand now: a refund that was PENDING may
    be APPROVED, one that was APPROVED may be DECLINED with REFUND_FAILED. It speaks about ``reference`` only: when the
    inquiry itself fails, sent or not, the answer is UNKNOWN, never FAILED.
    """

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse(Request):
    """Undo the authorisation that we called ``reference``, captured or not, and let it never happen later.

    APPROVED: it is undone (also when it was before). NOT_FOUND: there was nothing, and a late arrival will be refused.
    """

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Payout(Request):
    """Send ``amount`` of what is owed to the merchant to her bank, there on ``arrival_date`` (epoch seconds).

    APPROVED: accepted and on its way. DECLINED: ``decline_code`` is one of the dialect's payout failure codes.
    """

    amount: int
    currency: str
    arrival_date: int
    statement_descriptor: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelPayout(Request):
    """Stop a payout that has not left yet."""

    processor_reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReversePayout(Request):
    """Take back ``amount`` of the paid payout ``processor_reference``, as a payout of its own."""

    processor_reference: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitEvidence(Request):
    """Answer a dispute. ``fields`` names the kinds of evidence that were given, ``text`` is the free text among them.

    APPROVED: the processor has it; what becomes of the dispute, an inquiry tells. Without ``submit`` it is only kept.
    """

    dispute: str
    fields: tuple[str, ...]
    text: str = field(default="", repr=False)
    submit: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptDispute(Request):
    """Give a dispute up. APPROVED: it is lost, and over."""

    dispute: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InquireDispute(Request):
    """How does the dispute that the processor calls ``reference`` stand?"""

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InquireWarning(Request):
    """What does the early fraud warning that the processor calls ``reference`` say?"""

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InquirePayout(Request):
    """Where is the payout that the processor calls ``reference``?"""

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListChanges(Request):
    """What does the processor have to tell since ``cursor``, whether it was notified or not?

    ``cursor`` is that of the last answer, empty for the beginning. At most ``limit`` notices come at once.
    """

    cursor: str
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeFound:
    """``step`` is our attempt that authorised the payment; ``status`` is one of DISPUTE_STATUSES.

    ``reason`` is the dialect's word. ``fee`` is what the processor keeps for the dispute, in minor units of
    ``currency``; an inquiry has none. Times are epoch seconds; ``due_by`` is when evidence is too late.
    """

    reference: str
    step: str
    status: str
    reason: str
    amount: int
    currency: str
    due_by: int
    created: int
    network_reason_code: str | None = None
    fee: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningFound:
    """``step`` is our attempt that authorised the payment; ``fraud_type`` is the dialect's word."""

    reference: str
    step: str
    fraud_type: str
    created: int
    actionable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutFound:
    """``status`` is one of PAYOUT_STATUSES; ``failure_code`` goes with failed only."""

    reference: str
    status: str
    failure_code: str | None
    arrival_date: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notification's pointer to what has changed; believed only after an inquiry.

    ``id`` is the processor's own, the same in every copy. ``reference`` is our step for kind ``step``, and the
    processor's name of the thing for the other NOTICE_KINDS.
    """

    id: str
    kind: str
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """A page of what the processor has to tell, in its order, each notice with the id that its notification bears.

    The next question begins at ``cursor``; ``more`` says that there is something by now, and then the cursor has moved.
    """

    notices: tuple[Notice, ...]
    cursor: str
    more: bool


_Found = TypeVar("_Found")
Steps = Generator[Order, Reply, Result]
"""Something that is done at the processor, or the inquiry whether it was."""

Asks = Generator[Order, Reply, _Found | None]
"""A question about what the processor itself began; None means that nothing was learnt."""


class Processor(Protocol):
    """One adapter. Its module exposes an instance as ``PROCESSOR``; the registry finds it."""

    name: str

    def manifest(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """What the vault lets this adapter do.

        ``name``, ``origins``, ``ca_file``, ``slots``, ``reference_fields``; ``derived`` where it has directives; and
        ``notifications`` (``header``, ``scheme``, ``secret``) where the processor calls us.
        """
        ...

    def fee(self, settings: Mapping[str, Any], amount: int, currency: str) -> int:
        """What the processor keeps of a capture of ``amount``, in minor units of ``currency``."""
        ...

    def authorize(self, request: Authorize) -> Steps: ...

    def complete(self, request: Complete) -> Steps: ...

    def capture(self, request: Capture) -> Steps: ...

    def void(self, request: Void) -> Steps: ...

    def refund(self, request: Refund) -> Steps: ...

    def inquire(self, request: Inquire) -> Steps: ...

    def reverse(self, request: Reverse) -> Steps: ...

    def increment(self, request: Increment) -> Steps: ...

    def payout(self, request: Payout) -> Steps: ...

    def cancel_payout(self, request: CancelPayout) -> Steps: ...

    def reverse_payout(self, request: ReversePayout) -> Steps: ...

    def submit_evidence(self, request: SubmitEvidence) -> Steps: ...

    def accept_dispute(self, request: AcceptDispute) -> Steps: ...

    def inquire_dispute(self, request: InquireDispute) -> Asks[DisputeFound]: ...

    def inquire_warning(self, request: InquireWarning) -> Asks[WarningFound]: ...

    def inquire_payout(self, request: InquirePayout) -> Asks[PayoutFound]: ...

    def list_changes(self, request: ListChanges) -> Asks[Changes]: ...

    def notification(self, settings: Mapping[str, Any], body: bytes) -> Notice | None:
        """What a verified notification points at; None for one that cannot be read or means nothing to us."""
        ...
