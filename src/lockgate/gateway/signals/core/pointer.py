"""How a pointer was moved, from strokes that the browser has summed up: no place on the page is ever known here.

A stroke is a run of movements without a rest of a second, forty at most, that a press of the button ends. People speed
up and slow down, curve and correct; programs jump, or glide evenly along a ruler. A person's strokes are also somewhat
her own: `usual` gives one visit's features for the same kind of profile as typing has.
"""

from collections.abc import Sequence
from math import cos, log1p, radians, sin
from statistics import median
from typing import NamedTuple

MOST_STROKES = 12
FEWEST = 3
"""Below this many strokes a visit says nothing about whose hand it was."""

NUMBERS = 20


class Stroke(NamedTuple):
    """One stroke. Times in ms, lengths in pixels, speeds in pixels a second, ``straight`` and ``peak_at`` (when the
    fastest movement came) in thousandths, ``turning`` (mean change of direction) in thousandths of a radian, ``angle``
    from start to end in degrees. ``gap_...`` are the times between movements. ``pause`` is how long the pointer rested
    before the button was pressed and ``hold`` how long it stayed down, each 0 without a press, else 1 ms more.
    """

    moves: int
    ms: int
    path: int
    straight: int
    slow: int
    middle: int
    fast: int
    peak: int
    peak_at: int
    turning: int
    sharpest: int
    step: int
    still: int
    gap_short: int
    gap_middle: int
    gap_long: int
    gap_most: int
    angle: int
    pause: int
    hold: int


LIMITS = Stroke(
    moves=40, ms=60_000, path=99_999, straight=1000, slow=99_999, middle=99_999, fast=99_999, peak=99_999, peak_at=1000,
    turning=3142, sharpest=3142, step=9_999, still=40, gap_short=1_000, gap_middle=1_000, gap_long=1_000,
    gap_most=1_000, angle=360, pause=9_999, hold=2_001,
)  # fmt: skip
"""The most that each number can be."""


def features(stroke: Stroke) -> list[float]:
    """A stroke for a model that learns whose hand it was."""
    net, angle = stroke.path * stroke.straight / 1000, radians(stroke.angle)
    speeds = (stroke.peak / (stroke.middle + 1), stroke.path / (stroke.ms + 1))
    return [*stroke, net * cos(angle), net * sin(angle), *speeds]


def usual(strokes: Sequence[Stroke]) -> list[float]:
    """One visit's hand, as the middle of its strokes; [] where there were too few."""
    if len(strokes) < FEWEST:
        return []
    columns = (
        [1000 * log1p(one.middle) for one in strokes], [1000 * log1p(one.peak) for one in strokes],
        [one.straight for one in strokes], [one.turning for one in strokes], [one.peak_at for one in strokes],
        [one.gap_middle for one in strokes],
    )  # fmt: skip
    return [round(median(column), 1) for column in columns]


def mechanical(strokes: Sequence[Stroke]) -> float:
    """Which part of the longer strokes no hand draws: along a ruler, or at one speed from beginning to end; 0 to 1."""
    long = [one for one in strokes if one.moves >= 5 and one.path >= 50]
    if not long:
        return 0.0
    return sum(_ruled(one) or _even(one) for one in long) / len(long)


def _ruled(stroke: Stroke) -> bool:
    return stroke.straight >= 999 and stroke.turning <= 2 and stroke.moves >= 8


def _even(stroke: Stroke) -> bool:
    """Every movement as long as the others, and none turned."""
    return stroke.turning <= 2 and stroke.step * (stroke.moves - 1) <= 1.02 * stroke.path + stroke.moves
