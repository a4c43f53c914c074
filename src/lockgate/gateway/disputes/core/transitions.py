"""Which moves the state of a dispute may make; news that tells of any other is old news, and changes nothing."""

from collections.abc import Mapping
from functools import cache

DISPUTE: Mapping[str, frozenset[str]] = {
    # An inquiry: the issuer asks, no money has moved.
    "warning_needs_response": frozenset({"warning_under_review", "warning_closed", "needs_response"}),
    "warning_under_review": frozenset({"warning_closed", "needs_response"}),
    "warning_closed": frozenset(),
    # The dispute itself: the money is withdrawn until it is won.
    "needs_response": frozenset({"under_review", "won", "lost"}),
    "under_review": frozenset({"won", "lost"}),
    "won": frozenset(),
    "lost": frozenset(),
    # Stopped by the networks before it began.
    "prevented": frozenset(),
}

INQUIRIES = frozenset({"warning_needs_response", "warning_under_review", "warning_closed"})
ANSWERABLE = frozenset({"needs_response", "warning_needs_response"})
CLOSED = frozenset(status for status, after in DISPUTE.items() if not after)
UNDER_REVIEW = {"needs_response": "under_review", "warning_needs_response": "warning_under_review"}
GIVEN_UP = {"needs_response": "lost", "warning_needs_response": "warning_closed"}
WITHDRAWN = frozenset({"needs_response", "under_review", "won", "lost"})
"""States of a dispute that has taken its money back, whatever it gave back later."""


@cache
def reachable(before: str) -> frozenset[str]:
    """Every state that ``before`` may yet become, at once or by way of others that were never told."""
    found: frozenset[str] = DISPUTE[before]
    for after in DISPUTE[before]:
        found |= reachable(after)
    return found


def advances(before: str, after: str) -> bool:
    """Whether ``after`` is news about a dispute that we know as ``before``."""
    return after in reachable(before)


def opening(status: str) -> str:
    """The state in which a dispute that is first heard of as ``status`` must have begun."""
    if status == "prevented":
        return status
    return "warning_needs_response" if status in INQUIRIES else "needs_response"
