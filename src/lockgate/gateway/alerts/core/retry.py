"""When an alert is tried again on a route that did not take it, and when it is given up. Pure."""

FIRST_WAIT_MS = 5_000
FACTOR = 3
LONGEST_WAIT_MS = 1_800_000
WINDOW_MS = 24 * 3_600_000
FAILING_TRIES = 3
"""After so many failures of one alert the route counts as failing, and the others tell of it."""


def next_try(*, now_ms: int, created_ms: int, tries: int) -> int | None:
    """When to try again after the ``tries``-th failure: 5 s, 15 s, 45 s ... half an hour. None after a day."""
    end_ms = created_ms + WINDOW_MS
    if now_ms >= end_ms:
        return None
    return min(now_ms + min(LONGEST_WAIT_MS, FIRST_WAIT_MS * FACTOR ** min(tries - 1, 10)), end_ms)
