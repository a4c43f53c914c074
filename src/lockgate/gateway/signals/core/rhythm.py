"""Whether a form's keys were pressed by a person, by how their times are spread: their order is not known, nor needed.

People's times lean to one side (a quick run, a search for a key, a thought), and every hand spreads its own way.
Programs fill in zeros, one constant, or a jitter that is spread evenly or like a bell. A few dozen small trees tell
these apart; they were grown on our own simulated typists and programs, and are measured on real people.
"""

from collections.abc import Mapping, Sequence
from math import exp, log, log1p, sqrt
from statistics import fmean, median
from typing import Any

FEWEST = 8
"""Below this many holds and gaps nothing is said."""

_QUANTILES = (0.0, 0.1, 0.25, 0.75, 0.9, 1.0)

Tree = Sequence[Sequence[float]]
"""Nodes ``(feature, threshold, left, right)``; a leaf is ``(-1, value, 0, 0)``. The root is the first."""


def features(holds: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """What the trees look at. Times are in steps of 5 ms, in any order: how long keys are held, and from key to key."""
    return [*_spread(holds), *_spread(gaps), log((median(gaps) + 1) / (median(holds) + 1)), log(min(len(holds), 64))]


def _spread(times: Sequence[float]) -> list[float]:
    ordered = sorted(times)
    middle, mean = median(ordered), fmean(ordered)
    deviation = sqrt(fmean((one - mean) ** 2 for one in ordered))
    logs = [log1p(one) for one in ordered]
    centre = fmean(logs)
    width = sqrt(fmean((one - centre) ** 2 for one in logs))
    lean = fmean((one - mean) ** 3 for one in ordered) / (deviation**3 + 1e-9)
    lean_of_logs = fmean((one - centre) ** 3 for one in logs) / (width**3 + 1e-9)
    last = len(ordered) - 1
    rows = [log1p(ordered[round(part * last)]) - log1p(middle) for part in _QUANTILES]
    aside = (mean - middle) / (deviation + 1e-9)
    return [log1p(middle), deviation / (mean + 1), width, lean, lean_of_logs, aside, *rows]


def machine(holds: Sequence[float], gaps: Sequence[float], trees: Mapping[str, Any]) -> float | None:
    """How sure it is that no person typed this, 0 to 1; None where too little was typed to tell."""
    if len(holds) < FEWEST or len(gaps) < FEWEST:
        return None
    row = features(holds, gaps)
    return 1 / (1 + exp(-sum(_leaf(tree, row) for tree in trees["trees"])))


def _leaf(tree: Tree, row: Sequence[float]) -> float:
    place = 0
    while True:
        feature, threshold, left, right = tree[place]
        if feature < 0:
            return threshold
        place = int(left if row[int(feature)] <= threshold else right)
