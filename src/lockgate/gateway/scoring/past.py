"""Makes a table of what was decided: the attributes as they were stored, and what is known of each payment by now."""

from datetime import UTC, datetime

import numpy as np

from lockgate.gateway.scoring import find
from lockgate.gateway.scoring.core import features, measures
from lockgate.gateway.scoring.core.model import Model
from lockgate.gateway.scoring.core.table import Table
from lockgate.gateway.scoring.score import Served
from lockgate.gateway.storage.database import Pool

MOST = 5_000_000


class TooMuch(ValueError):
    """More decisions than fit into memory: name a shorter time."""


async def table(pool: Pool, account: str, livemode: bool, *, from_ms: int, until_ms: int) -> Table:
    """The decisions of a time, each with its vector. Raises TooMuch."""
    rows: list[np.ndarray] = []
    at_ms: list[int] = []
    known_ms: list[int] = []
    cards: list[int] = []
    numbers: dict[bytes | None, int] = {}
    async for portion in find.decided(pool, account, livemode, from_ms=from_ms, until_ms=until_ms):
        for decided in portion:
            rows.append(features.vector(decided.attributes))
            at_ms.append(decided.at_ms)
            known_ms.append(decided.known_ms or 0)
            cards.append(numbers.setdefault(decided.card, len(numbers)))
        if len(rows) > MOST:
            raise TooMuch(f"there are more than {MOST} decisions between these times: name a shorter time")
    vectors = np.stack(rows) if rows else np.empty((0, len(features.NAMES)), dtype=np.float32)
    times, known, numbered = (np.array(column, np.int64) for column in (at_ms, known_ms, cards))
    return Table(vectors, times, known, numbered)


def drift(model: Model, served: Served, data: Table) -> dict[str, float]:
    """Feature (``score`` for the score) -> PSI of ``data`` against what the model was trained on."""
    spreads = model.spreads
    moved = {name: measures.psi(spreads[name], data.rows[:, place]) for place, name in enumerate(features.NAMES)}
    moved["score"] = measures.psi(spreads["score"], np.array(served.scores(data.rows)))
    return moved


def day_of(at_ms: int) -> str:
    """The UTC day of a moment, as in 2026-01-31."""
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")
