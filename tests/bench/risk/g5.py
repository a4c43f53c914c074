"""G5: telling a typist from fifty others by the product's own typing profile (``signals/core/typing.py``).

Killourhy and Maxion's protocol (DSN 2009): of each of 51 subjects the first 200 repetitions train, the remaining ones
are genuine, the first 5 of each of the 50 others are impostors; the equal error rate of each subject, averaged. The
profile is made once, of what the product keeps: the latest 50 of the 200. Nothing adapts while it is tested.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lockgate.gateway.signals.core import typing
from tests.bench.risk.figures import Figure, Options

PROTOCOL = (
    "first 200 repetitions train (the product keeps the latest 50), the rest genuine, 5 first of the 50 others"
    " impostors; equal error rate per subject, averaged; no adaptation while testing"
)
TRAINING, IMPOSTORS = 200, 5
PUBLISHED, GOAL = 0.096, 0.066
_QUICK_SUBJECTS = 8


def measure(options: Options) -> list[Figure]:
    if options.data is None:
        return [Figure("G5", "equal error rate", "-", f"{PUBLISHED}", f"<= {GOAL}", None)]
    samples = read(options.data / "cmu_keystroke_z1000.npz")
    subjects = list(samples)[:_QUICK_SUBJECTS] if options.quick else list(samples)
    rates = [rate_of(samples, subject) for subject in subjects]
    mean = float(np.mean(rates))
    return [
        Figure("G5", "equal error rate", f"{mean:.4f}", f"{PUBLISHED}", f"<= {GOAL}", mean <= GOAL, PROTOCOL),
        Figure("G5", "its deviation over subjects", f"{np.std(rates):.4f}", "0.069", "", None, PROTOCOL),
    ]


def read(file: Path) -> dict[int, list[list[float]]]:
    """Each subject's repetitions in the order they were typed."""
    with np.load(file) as kept:
        rows, who = kept["X"], kept["subject"]
    return {int(subject): rows[who == subject].astype(float).tolist() for subject in np.unique(who)}


def rate_of(samples: dict[int, list[list[float]]], subject: int) -> float:
    """One subject's equal error rate."""
    own = samples[subject]
    known = typing.profile(own[:TRAINING])
    assert known is not None, "200 repetitions are enough"
    genuine = [typing.distance(known, one) for one in own[TRAINING:]]
    others = [one for who, rows in samples.items() if who != subject for one in rows[:IMPOSTORS]]
    return equal_error_rate(genuine, [typing.distance(known, one) for one in others])


def equal_error_rate(genuine: Sequence[float], impostors: Sequence[float]) -> float:
    """Where as many of the genuine are refused as of impostors are let in, by distances."""
    ours, theirs = np.sort(genuine), np.sort(impostors)
    at = np.unique(np.concatenate([[-np.inf], ours, theirs]))
    refused = 1 - np.searchsorted(ours, at, side="right") / len(ours)
    let_in = np.searchsorted(theirs, at, side="right") / len(theirs)
    meet = int(np.argmax(let_in >= refused))
    above, below = refused[meet - 1] - let_in[meet - 1], let_in[meet] - refused[meet]
    share = above / (above + below) if above + below else 0.0
    return float(let_in[meet - 1] + share * (let_in[meet] - let_in[meet - 1]))
