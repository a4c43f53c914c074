"""How a person types, as distances from her own past typing: a weak signal, weighed and never blocked on.

A profile is, for each feature, the median of her latest samples and their mean absolute deviation from it. The distance
of a new sample is the mean over features of how many deviations it lies away, each cut off at ``CLIP``: one slip of the
finger then weighs no more than one slip. (Killourhy and Maxion, DSN 2009, name the scaled Manhattan detector the best
of fourteen; the median and the cut are what make it robust.)
"""

from collections.abc import Sequence
from statistics import fmean, median
from typing import NamedTuple

CLIP = 4.0
LATEST = 50
"""How many samples a profile is made of: hands change, and a profile that remembers all of them is slow to follow."""

FEWEST = 5
"""Below this many samples nobody has a profile."""

_LEAST_SHARE = 0.05
_LEAST = 1.0


class Profile(NamedTuple):
    """``centre`` and ``spread`` per feature, and of how many samples they were made."""

    centre: tuple[float, ...]
    spread: tuple[float, ...]
    samples: int


def profile(samples: Sequence[Sequence[float]]) -> Profile | None:
    """The profile of ``samples`` in the order they came, the latest last; None of fewer than ``FEWEST``."""
    latest = samples[-LATEST:]
    if len(latest) < FEWEST:
        return None
    columns = list(zip(*latest, strict=True))
    centre = [median(column) for column in columns]
    spread = [fmean(abs(value - middle) for value in column) for column, middle in zip(columns, centre, strict=True)]
    # A feature that never moved in a few samples is not a certainty: it counts as moving a little.
    least = max(_LEAST, _LEAST_SHARE * fmean(spread))
    return Profile(tuple(centre), tuple(max(value, least) for value in spread), len(latest))


def distance(of: Profile, sample: Sequence[float]) -> float:
    """How unlike ``of`` the ``sample`` is: 0 alike, ``CLIP`` at most. About 1 is usual for the same person."""
    return fmean(
        min(abs(value - middle) / width, CLIP)
        for value, middle, width in zip(sample, of.centre, of.spread, strict=True)
    )
