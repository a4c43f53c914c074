"""The columns that a benchmark makes at once are what the code that makes features online gives, payment by payment."""

import numpy as np
import pytest

from lockgate.gateway.scoring.core.habits import SETTLES_MS
from lockgate.gateway.scoring.core.replay import table
from tests.bench.risk import columns

START_MS = 1_522_540_800_000


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_columns_are_what_replaying_gives(seed: int) -> None:
    random = np.random.default_rng(seed)
    size = 1_500
    at_ms = START_MS + np.sort(random.integers(0, 60 * 24, size)) * 3_600_000  # many in the same millisecond
    history = columns.History(
        at_ms=at_ms,
        amount=random.integers(0, 30_000, size),
        card=random.integers(0, 7, size),
        device=random.integers(0, 5, size),
        known_ms=np.where(random.random(size) < 0.1, at_ms + SETTLES_MS, 0),
    )
    made = columns.made(history)
    assert np.array_equal(made.rows, table(history.payments()).rows)
    assert columns.proven(history, made, keys=3)
