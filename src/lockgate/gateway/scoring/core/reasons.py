"""Reasons: which features moved a score most, said in the words of the catalogue.

Every leaf of a model carries, beside its value, what each feature on the way to it added (path contributions), so one
pass gives the score and the reasons, and what the features added is the score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockgate.gateway.scoring.core.features import MEANINGS

MOST = 3
_LEAST = 0.05  # of log-odds: less than this moves nobody's mind


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature, its value, and what it added to the log-odds of fraud; below zero it spoke for the payment."""

    feature: str
    value: float
    added: float

    def shown(self) -> Mapping[str, Any]:
        """As it stands in a decision."""
        return {
            "feature": self.feature,
            "value": round(self.value, 4),
            "added": round(self.added, 3),
            "meaning": MEANINGS.get(self.feature, self.feature),
        }


def reasons(
    names: Sequence[str], values: NDArray[np.float32], added: NDArray[np.float32], *, most: int = MOST
) -> tuple[Reason, ...]:
    """The features that raised the score most, the strongest first; none of what hardly moved it."""
    strongest: list[int] = np.argsort(-added, kind="stable")[:most].tolist()
    return tuple(
        Reason(names[place], float(values[place]), float(added[place])) for place in strongest if added[place] >= _LEAST
    )
