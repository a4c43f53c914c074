"""Which moves the states of intents, attempts and charges may make: what is not listed does not happen."""

from collections.abc import Mapping

PAYMENT_INTENT: Mapping[str, frozenset[str]] = {
    "requires_payment_method": frozenset({"requires_confirmation", "processing", "canceled"}),
    "requires_confirmation": frozenset({"requires_payment_method", "processing", "canceled"}),
    # A new card may replace the one that is being challenged; a manual confirmation waits for the merchant's server.
    "requires_action": frozenset({"requires_confirmation", "processing", "canceled"}),
    # While an order is out. Where it returns to without effect stands on its attempt.
    "processing": frozenset(
        {
            "requires_payment_method",
            "requires_confirmation",
            "requires_action",
            "requires_capture",
            "succeeded",
            "canceled",
        }
    ),
    # What was captured in part ends as a success when the rest is let go.
    "requires_capture": frozenset({"processing", "succeeded", "canceled"}),
    "succeeded": frozenset(),
    "canceled": frozenset(),
}
"""Every state may also stay as it is: only its other fields change then."""

ATTEMPT: Mapping[str, frozenset[str]] = {
    "open": frozenset({"approved", "declined", "action_required", "pending", "unknown", "failed"}),
    "unknown": frozenset({"approved", "declined", "action_required", "pending", "failed"}),
    "pending": frozenset({"approved", "declined", "unknown", "failed"}),
    # The shopper's challenge ends in an attempt of its own.
    "action_required": frozenset(),
    "approved": frozenset(),
    "declined": frozenset(),
    "failed": frozenset(),
}

CHARGE: Mapping[str, frozenset[str]] = {
    "pending": frozenset({"succeeded", "failed"}),
    "succeeded": frozenset(),
    "failed": frozenset(),
}

INDEFINITE = frozenset({"open", "unknown", "pending"})
"""States of an attempt of which the effect at the processor is not known yet."""

CANCELABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"})
CONFIRMABLE = frozenset({"requires_payment_method", "requires_confirmation", "requires_action"})
UPDATABLE = CONFIRMABLE


class NotAMove(AssertionError):
    """A state was about to make a move that its table does not list: nothing of that commit may be written."""


def move(table: Mapping[str, frozenset[str]], before: str, after: str) -> str:
    """``after``, if ``before`` may become it."""
    if after != before and after not in table[before]:
        raise NotAMove(f"{before} cannot become {after}")
    return after
