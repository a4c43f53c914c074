"""When happenings become an alert: the sliding window, exact whatever the order in which it hears of them. Pure.

A window of W holds what lies less than W apart: with W of 60 s the instants 0 s and 60 s are never in one window.
"""

from collections.abc import Sequence
from typing import NamedTuple

LATE_MS = 60_000
"""How much later than a younger happening an older one may still be heard of: longer than any transaction runs."""


class State(NamedTuple):
    """Of one rule and subject: the times that count so far, or that an alert is open, and when it last happened."""

    pending: tuple[int, ...] = ()
    open: bool = False
    last_ms: int = 0


class Step(NamedTuple):
    """What one more happening does: ``closed`` ends an open alert first, ``fired`` opens one for ``number`` of them."""

    state: State
    closed: bool = False
    fired: bool = False
    first_ms: int = 0
    number: int = 0


def step(state: State, at_ms: int, *, threshold: int, window_ms: int, quiet_ms: int | None) -> Step:
    """One more happening at ``at_ms``."""
    closed = False
    if state.open:
        if quiet_ms is None or at_ms - state.last_ms < quiet_ms:
            return Step(State((), open=True, last_ms=max(state.last_ms, at_ms)))
        state, closed = State(), True
    pending = tuple(sorted((*state.pending, at_ms)))
    first = _full(pending, threshold, window_ms)
    if first is not None:
        newest = pending[-1]
        return Step(State((), open=True, last_ms=newest), closed, True, pending[first], len(pending) - first)
    horizon = pending[-1] - window_ms - LATE_MS
    return Step(State(tuple(at for at in pending if at > horizon), last_ms=pending[-1]), closed)


def _full(times: Sequence[int], threshold: int, window_ms: int) -> int | None:
    """Where a window that holds ``threshold`` of the sorted ``times`` begins."""
    for first in range(len(times) - threshold + 1):
        if times[first + threshold - 1] - times[first] < window_ms:
            return first
    return None
