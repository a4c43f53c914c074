"""Whether a clock can be believed: against the machine's own steady one, and against the database server's. Pure."""

from typing import NamedTuple

TOLERATED_MS = 5_000


class Look(NamedTuple):
    """One look at the clocks, all in milliseconds; ``steady`` only ever runs ahead."""

    wall: int
    steady: int


def jumped(before: Look | None, now: Look) -> int:
    """How far the wall clock went astray between two looks; 0 where that is tolerable."""
    if before is None:
        return 0
    astray = (now.wall - before.wall) - (now.steady - before.steady)
    return astray if abs(astray) > TOLERATED_MS else 0


def differs(ours: int, theirs: int) -> int:
    """How far our clock is from another's; 0 where that is tolerable."""
    return ours - theirs if abs(ours - theirs) > TOLERATED_MS else 0
