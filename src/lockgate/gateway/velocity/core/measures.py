"""What velocity counts: keys, windows, measures and others, and the names and order in which all of it is told.

Everything here is also in the catalogue of attributes, which stands above this room; a test holds the two together.
"""

from collections.abc import Mapping, Sequence

KINDS = ("card", "customer", "ip", "device", "email", "bin")
"""What payments are counted by."""

WINDOWS = ("1m", "1h", "24h", "7d", "30d")
MEASURES = ("attempts", "amount", "declines", "blocks")
FRAUD_WINDOWS = ("7d", "30d")
DISTINCT_WINDOWS = ("1h", "24h", "7d")

OTHERS: Mapping[str, Sequence[str]] = {
    "card": ("ips", "devices", "emails", "customers"),
    "customer": ("cards",),
    "ip": ("cards", "emails"),
    "device": ("cards", "emails", "ips"),
    "email": ("cards", "ips"),
    "bin": ("cards", "ips"),
}
"""Kind of key -> the others of which it is counted how many different ones were seen with it."""

KIND_OF: Mapping[str, str] = {"cards": "card", "customers": "customer", "ips": "ip", "devices": "device",
                              "emails": "email"}  # fmt: skip
"""The kind that the others are of."""

STATES = ("open", "approved", "declined", "blocked", "void")
UNCERTAIN_OR_PAID = frozenset({"open", "approved"})
"""States in which an attempt's amount counts: what may still succeed counts as if it had."""

NAMES: Mapping[str, Sequence[str]] = {
    kind: tuple(
        [f"{kind}_{measure}_{window}" for window in WINDOWS for measure in MEASURES]
        + [f"{kind}_frauds_{window}" for window in FRAUD_WINDOWS]
        + [f"{kind}_{others}_{window}" for others in OTHERS[kind] for window in DISTINCT_WINDOWS]
    )
    for kind in KINDS
}
"""Kind -> the attributes of a key of that kind, in the order in which their values are told; its age apart."""

_SECOND = 1000
_HOUR = 3600 * _SECOND
_DAY = 24 * _HOUR


def since(now_ms: int) -> tuple[int, int, int, int, int]:
    """For each window the first millisecond that is in it at ``now_ms``.

    What happened 3599 s ago is in the last hour, what happened 3600 s ago is not. 24h goes by whole hours, 7d and 30d
    by whole days (UTC). No window has an upper end: what another machine, whose clock is ahead, dated a moment later
    has happened all the same.
    """
    hour, day = now_ms // _HOUR, now_ms // _DAY
    return (
        now_ms - 60 * _SECOND + 1,
        now_ms - _HOUR + 1,
        (hour - 23) * _HOUR,
        (day - 6) * _DAY,
        (day - 29) * _DAY,
    )


def day_after(now_ms: int) -> int:
    """The first millisecond of the next day: a fraud that will be known only later does not count yet."""
    return (now_ms // _DAY + 1) * _DAY


def contribution(state: str, amount: int) -> tuple[int, int, int, int]:
    """What an attempt in ``state`` adds to each of MEASURES. One that was never sent (void) adds nothing."""
    return (
        int(state != "void"),
        amount if state in UNCERTAIN_OR_PAID else 0,
        int(state == "declined"),
        int(state == "blocked"),
    )


def age_h(first_ms: int, now_ms: int) -> float:
    """Hours since a key was first seen; 0 the first time."""
    return round(max(0, now_ms - first_ms) / _HOUR, 3)
