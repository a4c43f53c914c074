"""Explains a score at length: every feature that moved it, and how its decision compares with training."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from lockgate.gateway.scoring.core.features import MEANINGS


class Line(NamedTuple):
    """One feature: its value, what it added to the log-odds, and what it means."""

    feature: str
    value: float
    added: float
    meaning: str


def lines(names: Sequence[str], values: NDArray[np.float32], added: NDArray[np.float32]) -> list[Line]:
    """What moved the score at all, the strongest first, whichever way."""
    order: list[int] = np.argsort(-np.abs(added), kind="stable").tolist()
    return [
        Line(names[place], float(values[place]), float(added[place]), MEANINGS.get(names[place], ""))
        for place in order
        if added[place] != 0
    ]
