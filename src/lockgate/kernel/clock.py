"""The only place that reads time."""

import time


def now_ms() -> int:
    """Milliseconds since the Unix epoch, UTC."""
    return time.time_ns() // 1_000_000


def now() -> int:
    """Whole seconds since the Unix epoch, UTC."""
    return int(time.time())


def monotonic() -> float:
    """Seconds that never run backwards: for durations, never for business time."""
    return time.monotonic()
