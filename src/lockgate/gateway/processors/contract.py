"""The processor contract: what payments asks of an adapter, what it answers, and what each answer promises.

An adapter is pure. Each of its methods is a generator: it yields an Order, is sent what came of it (Answered, NotSent
or Lost), may yield further orders, and returns a Result. It keeps no state between calls: whatever a later step needs
travels in ``Result.processor_reference`` and ``Result.continuation``.

The rule above all others: **only what is proven is definite.** Anything an adapter does not fully understand (a 5xx, a
reset, half a body, a field of the wrong type, an unknown status) is Outcome.UNKNOWN, and UNKNOWN is never sent again.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol

from lockgate.kernel.orders import Answered, Body, Derived, Lost, NotSent, Order, Reply, SentAt, Slot

__all__ = [
    "AUTHENTICATION_FAILED",
    "REVERSED",
    "Answered",
    "Authorize",
    "Body",
    "Capture",
    "Complete",
    "Derived",
    "Inquire",
    "Lost",
    "NotSent",
    "Order",
    "Outcome",
    "Processor",
    "Refund",
    "Reply",
    "Request",
    "Result",
    "Reverse",
    "SentAt",
    "Slot",
    "Steps",
    "Void",
]

AUTHENTICATION_FAILED = "authentication_failed"
"""``Result.decline_code`` when the cardholder failed the challenge: nobody asked the issuer for money."""

REVERSED = "reversed"
"""``Result.decline_code`` when an inquiry finds that the authorisation was undone by ``reverse`` or ``void``."""


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
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What every request has. ``step`` is our reference: unique for ever, told to the processor, inquired by.

    A generator that yields more than one order names the later ones ``<step>.2``, ``<step>.3``: the vault sends one
    step id at most once. ``settings`` are this processor's public settings.
    """

    step: str
    send_before_ms: int
    timeout_ms: int
    settings: Mapping[str, Any]


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
    """Take ``amount`` of an authorisation; ``final`` releases the rest."""

    processor_reference: str
    amount: int
    currency: str
    final: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Void(Request):
    """Release an authorisation of which nothing was captured."""

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

    The Result is the one that the lost answer would have carried. It speaks about ``reference`` only: when the inquiry
    itself fails, sent or not, the answer is UNKNOWN, never FAILED.
    """

    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reverse(Request):
    """Undo the authorisation that we called ``reference``, captured or not, and let it never happen later.

    APPROVED: it is undone (also when it was before). NOT_FOUND: there was nothing, and a late arrival will be refused.
    """

    reference: str


Steps = Generator[Order, Reply, Result]


class Processor(Protocol):
    """One adapter. Its module exposes an instance as ``PROCESSOR``; the registry finds it."""

    name: str

    def manifest(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """What the vault lets this adapter do.

        ``name``, ``origins``, ``ca_file``, ``slots``, ``reference_fields``, and ``derived`` where it has directives.
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
