"""What a model is trained and judged on: one row per payment, in time order, with what is known of it."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lockgate.gateway.scoring.core import features


@dataclass(frozen=True, slots=True)
class Table:
    """``rows`` are vectors of ``features.NAMES``; ``at_ms`` is when each was paid, rising; ``known_ms`` when it became
    known as fraud, 0 where it did not; ``card`` numbers the cards, for figures by card."""

    rows: NDArray[np.float32]
    at_ms: NDArray[np.int64]
    known_ms: NDArray[np.int64]
    card: NDArray[np.int64]

    def __post_init__(self) -> None:
        sizes = {len(self.rows), len(self.at_ms), len(self.known_ms), len(self.card)}
        assert len(sizes) == 1 and self.rows.shape[1:] == (len(features.NAMES),), "columns of different lengths"
        assert not len(self.at_ms) or bool((np.diff(self.at_ms) >= 0).all()), "payments out of time order"

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def fraud(self) -> NDArray[np.bool_]:
        """What is known by now, whenever it became known."""
        return self.known_ms > 0

    def known_at(self, now_ms: int) -> NDArray[np.bool_]:
        """What was known as fraud at ``now_ms``."""
        return (self.known_ms > 0) & (self.known_ms <= now_ms)

    def part(self, chosen: NDArray[np.bool_]) -> "Table":
        return Table(self.rows[chosen], self.at_ms[chosen], self.known_ms[chosen], self.card[chosen])

    def between(self, from_ms: int, until_ms: int) -> "Table":
        """What was paid from ``from_ms`` on, and before ``until_ms``."""
        return self.part((self.at_ms >= from_ms) & (self.at_ms < until_ms))

    def sha256(self, fraud: NDArray[np.bool_]) -> str:
        """A hash of everything that a model sees of it."""
        digest = hashlib.sha256(f"features {features.VERSION}\n".encode())
        for part in (self.rows, self.at_ms, fraud):
            digest.update(np.ascontiguousarray(part).tobytes())
        return digest.hexdigest()
