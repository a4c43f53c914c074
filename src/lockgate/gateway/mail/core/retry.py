"""When a mail is tried again, and when it is given up. Pure."""

FIRST_WAIT_MS = 30_000
FACTOR = 3
LONGEST_WAIT_MS = 3_600_000
WINDOW_MS = 3 * 24 * 3_600_000


def next_try(*, now_ms: int, created_ms: int, tries: int) -> int | None:
    """When to try again after the ``tries``-th failure: after 30 s, 90 s, 270 s ... an hour. None after three days."""
    end_ms = created_ms + WINDOW_MS
    if now_ms >= end_ms:
        return None
    return min(now_ms + min(LONGEST_WAIT_MS, FIRST_WAIT_MS * FACTOR ** min(tries - 1, 10)), end_ms)
