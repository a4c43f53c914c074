"""When a delivery that failed is tried again: ever longer waits with jitter over three days, then no more. Pure."""

from datetime import UTC
from email.utils import parsedate_to_datetime

WINDOW_MS = 72 * 3600 * 1000
FIRST_WAIT_MS = 10_000
FACTOR = 3
LONGEST_WAIT_MS = 12 * 3600 * 1000
JITTER = 0.2
MAX_RETRY_AFTER_S = 24 * 3600


def next_try(
    *, now_ms: int, created_ms: int, tries: int, jitter: float, retry_after_s: int | None = None
) -> int | None:
    """When to try again after the ``tries``-th failure; None when the window is over.

    ``jitter`` (0 to 1, random) spreads the waits over 80 to 120 %, so that an outage's end is not a stampede. A
    receiver's Retry-After makes the wait longer, never shorter. The last try falls at the window's end.
    """
    wait = min(LONGEST_WAIT_MS, FIRST_WAIT_MS * FACTOR ** min(tries - 1, 20))
    wait = round(wait * (1 - JITTER + 2 * JITTER * jitter))
    if retry_after_s is not None:
        wait = max(wait, min(retry_after_s, MAX_RETRY_AFTER_S) * 1000)
    end_ms = created_ms + WINDOW_MS
    if now_ms >= end_ms:
        return None
    return min(now_ms + wait, end_ms)


def retry_after(header: str | None, *, now: int) -> int | None:
    """Seconds to wait by a Retry-After header: a number or an HTTP date (RFC 9110 10.2.3). None if it is neither."""
    if header is None or len(header) > 64:
        return None
    if header.isascii() and header.strip().isdigit():
        return int(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0, int(date.timestamp()) - now)
