"""How many codes may be tried: five wrong ones in five minutes, twenty in an hour, fifty in a day, for each person."""

from collections.abc import Sequence

LIMITS = ((5, 5 * 60), (20, 3600), (50, 24 * 3600))
MOST = max(most for most, _ in LIMITS)


def wait_s(failed: Sequence[int], now: int) -> int:
    """How long nothing more may be tried, given when tries failed (seconds, oldest first); 0: go on."""
    waits = (failed[-most] + window - now for most, window in LIMITS if len(failed) >= most)
    return max(0, *waits, 0)


def noted(failed: Sequence[int], now: int) -> list[int]:
    """``failed`` with one more; what no limit looks at any more is dropped."""
    return [*failed, now][-MOST:]
