"""How often a processor is asked what there is to tell, and how patiently while it is silent."""

EVERY_MS = 60_000
LONGEST_MS = 15 * 60_000
PAGE = 100
SEND_WITHIN_MS = 5_000
TIMEOUT_MS = 10_000
LEASE_MS = 60_000
"""Longer than any question takes: whoever asks longer has lost the cursor to the next."""


def next_ms(now_ms: int, *, failures: int, more: bool = False) -> int:
    """When to ask again after so many questions without an answer; at once when there is more by now."""
    if more:
        return now_ms
    return now_ms + min(EVERY_MS << min(max(failures - 1, 0), 10), LONGEST_MS)
