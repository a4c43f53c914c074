"""When a notification that taught us nothing is taken up again, and when it is given up."""

DAY_MS = 86_400_000
WAITS_MS = (1_000, 2_000, 5_000, 30_000, 120_000, 600_000, 3_600_000, 21_600_000, *(DAY_MS for _ in range(30)))
KEPT_MS = 30 * 24 * 3_600_000
"""How long the processor's own id of a message is remembered: a copy that comes later is a new message."""


def wait_ms(tries: int) -> int | None:
    """How long to wait after so many tries; None when it is enough."""
    return WAITS_MS[tries - 1] if tries <= len(WAITS_MS) else None
