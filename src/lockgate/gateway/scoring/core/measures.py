"""How good a ranking is, how scores are calibrated, and how far inputs have moved: plain figures from arrays."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lockgate.gateway.scoring.core.model import Calibration, Spread

Numbers = NDArray[np.floating]
_BINS = 10
_LEAST_SHARE = 1e-4  # an empty bin is not infinitely surprising
DRIFTED = 0.25
"""The PSI beyond which a feature has moved so far that a model should be trained again."""


def auc(fraud: NDArray[np.bool_], scores: Numbers) -> float:
    """The chance that a fraud has a higher score than an honest payment; ties count half. NaN where one kind lacks."""
    frauds = int(fraud.sum())
    honest = len(fraud) - frauds
    if not frauds or not honest:
        return math.nan
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((ranks[place][fraud].sum() - frauds * (frauds + 1) / 2) / (frauds * honest))


def average_precision(fraud: NDArray[np.bool_], scores: Numbers) -> float:
    """The mean, over the frauds, of the precision at each one's score; equal scores are taken together."""
    frauds = int(fraud.sum())
    if not frauds:
        return math.nan
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(fraud[order])
    last = np.r_[np.flatnonzero(np.diff(ordered)), len(ordered) - 1]  # the last of each run of equal scores
    caught = np.diff(np.r_[0, hits[last]])
    return float((caught * hits[last] / (last + 1)).sum() / frauds)


def precision_at(fraud: NDArray[np.bool_], scores: Numbers, cards: NDArray[np.integer], *, most: int = 100) -> float:
    """Of one day's ``most`` cards with the highest scores, the part that had a fraud that day."""
    owners, place = np.unique(cards, return_inverse=True)
    highest, guilty = np.full(len(owners), -np.inf), np.zeros(len(owners), dtype=bool)
    np.maximum.at(highest, place, scores)
    np.logical_or.at(guilty, place, fraud)
    return float(guilty[np.argsort(-highest, kind="stable")[:most]].sum() / most)


def calibrate(fraud: NDArray[np.bool_], margins: Numbers, *, least_frauds: int = 5) -> Calibration:
    """Isotonic: neighbouring payments are pooled until the share of frauds rises from pool to pool.

    Pools have at least so many frauds, and the shares are smoothed by one payment of the overall share, so that no
    pool says never or always.
    """
    overall = (fraud.sum() + 0.5) / (len(fraud) + 1)
    order = np.argsort(margins, kind="stable")
    pools: list[list[float]] = []  # payments, frauds, sum of margins
    payments, frauds, total = 0, 0, 0.0
    least = max(50, len(fraud) // 200)
    for guilty, margin in zip(fraud[order].tolist(), margins[order].tolist(), strict=True):
        payments, frauds, total = payments + 1, frauds + guilty, total + margin
        if frauds >= least_frauds or payments >= least:
            pools.append([payments, frauds, total])
            payments, frauds, total = 0, 0, 0.0
            while len(pools) > 1 and _share(pools[-2], overall) >= _share(pools[-1], overall):
                later = pools.pop()
                pools[-1] = [a + b for a, b in zip(pools[-1], later, strict=True)]
    if not pools:
        pools.append([max(payments, 1), frauds, total])
    knots = {round(pool[2] / pool[0], 9): round(_logit(_share(pool, overall)), 9) for pool in pools}
    rising: list[tuple[float, float]] = []
    for margin, logit in sorted(knots.items()):
        if not rising or logit > rising[-1][1]:
            rising.append((margin, logit))
    return Calibration(tuple(margin for margin, _ in rising), tuple(logit for _, logit in rising))


def _share(pool: Sequence[float], overall: float) -> float:
    return (pool[1] + overall) / (pool[0] + 1)


def _logit(share: float) -> float:
    return math.log(share / (1 - share))


def spread(values: Numbers) -> Spread:
    """Ten bins with about equally many of ``values``; fewer where few values differ."""
    # A value that many rows share is an edge once: the bins are what lies up to and above the edges.
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1]).astype(np.float64))
    return Spread(tuple(edges.tolist()), tuple(round(share, 6) for share in shares(edges.tolist(), values)))


def shares(edges: Sequence[float], values: Numbers) -> list[float]:
    """Which part of ``values`` lies in each bin; an edge belongs to the bin below it."""
    counts = np.bincount(np.searchsorted(np.asarray(edges), values, side="left"), minlength=len(edges) + 1)
    return (counts / max(len(values), 1)).tolist()


def psi(before: Spread, values: Numbers) -> float:
    """The population stability index of ``values`` against a spread: 0 unmoved, 0.25 and more moved far."""
    total = 0.0
    for before_share, share in zip(before.shares, shares(before.edges, values), strict=True):
        was, now = max(before_share, _LEAST_SHARE), max(share, _LEAST_SHARE)
        total += (now - was) * math.log(now / was)
    return round(total, 6)


def worst(moved: Mapping[str, float], *, most: int = 5) -> list[tuple[str, float]]:
    """What moved farthest, first."""
    return sorted(moved.items(), key=lambda item: (-item[1], item[0]))[:most]
