"""A small made-up history for tests of models: what is declined much, or over too much, is fraud more often."""

import numpy as np

from lockgate.gateway.scoring.core import features
from lockgate.gateway.scoring.core.table import Table
from lockgate.gateway.scoring.train import Plan

PLAN = Plan(rounds=30)
HOUR_MS = 3_600_000
LATER_MS = 10**12


def made_table(*, seed: int = 7, size: int = 3_000) -> Table:
    """The same seed gives the same table."""
    random = np.random.default_rng(seed)
    rows = np.tile(features.vector({"amount": 5_000}), (size, 1))
    declines, amount = features.NAMES.index("card_declines_1h"), features.NAMES.index("log_amount")
    rows[:, declines] = random.poisson(0.4, size)
    rows[:, amount] = random.normal(8, 1.5, size)
    for name in sorted(features.RAISING):
        rows[:, features.NAMES.index(name)] = random.exponential(1.0, size)
    chance = 1 / (1 + np.exp(-(1.4 * rows[:, declines] + 0.8 * (rows[:, amount] - 8) - 3.5)))
    at_ms = np.arange(size, dtype=np.int64) * HOUR_MS
    known_ms = np.where(random.random(size) < chance, at_ms + HOUR_MS, 0)
    return Table(rows.astype(np.float32), at_ms, known_ms, np.arange(size, dtype=np.int64) % 211)
