"""G1: how well frauds rank above honest payments, on a public simulated year of cards and terminals.

Protocol (Le Borgne et al., Fraud Detection Handbook): payments in time order, each fraud known seven days later; before
each of four weeks a model is trained on what was known then. As in the handbook a day's test leaves out cards with
fraud that was known by that morning from the last week of training on, and, for the precision at 100 cards, cards that
were caught on an earlier day of the week; both kinds of figures, with and without, are printed.

The features are what the code that makes them online gives: for the payments of some cards and terminals it is asked,
and must agree to the last bit with what was made column by column. A card is customer and card, a terminal the device.
"""

import sys

import numpy as np
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from lockgate.gateway.scoring.backtest import DAY_MS, WEEK_MS, Week, weeks
from lockgate.gateway.scoring.core import measures
from lockgate.gateway.scoring.core.habits import SETTLES_MS
from lockgate.gateway.scoring.core.table import Table
from lockgate.gateway.scoring.train import Plan
from tests.bench.risk import columns
from tests.bench.risk.figures import Figure, Options

START_MS = 1_522_540_800_000  # the first of April 2018, UTC
FIRST_WEEK = 129  # the eighth of August
FILE = "handbook_0401_0904.parquet"
PUBLISHED = {"AUC": 0.879, "average precision": 0.694, "card precision at 100": 0.304}
GOALS = {"AUC": 0.884, "average precision": 0.735, "card precision at 100": 0.308}
PROTOCOL = "time order, labels 7 days late, 4 prequential weeks 08-08 to 09-04, mean of the weeks"


def measure(options: Options) -> list[Figure]:
    if options.data is None:
        return [_figure(name, None) for name in GOALS]
    given = history(options)
    data = columns.made(given)
    compared = columns.proven(given, data)
    _tell(f"{len(data)} payments, {int(data.fraud.sum())} frauds; {compared} of them replayed are the same")
    plan = Plan(rounds=30) if options.quick else Plan()
    judged = [
        _judged(week, data)
        for week in weeks(data, first_ms=START_MS + FIRST_WEEK * DAY_MS, count=4, plan=plan, tell=_tell)
    ]
    found = {name: float(np.mean([one[name] for one in judged])) for name in judged[0]}
    return [
        *(_figure(name, found[name], goal=not options.quick) for name in GOALS),
        *(_figure(name, value, goal=False) for name, value in found.items() if name not in GOALS),
    ]


def history(options: Options) -> columns.History:
    """The file, in time order. ``--quick``: the cards whose number is one in fifteen; terminals then see less."""
    assert options.data is not None
    read = parquet.read_table(options.data / FILE)
    column = {name: read[name].to_numpy() for name in read.column_names}
    order = np.lexsort((column["TRANSACTION_ID"], column["TX_TIME_SECONDS"]))
    if options.quick:
        order = order[column["CUSTOMER_ID"][order] % 15 == 0]
    at_ms = START_MS + column["TX_TIME_SECONDS"][order].astype(np.int64) * 1000
    return columns.History(
        at_ms=at_ms,
        amount=np.round(column["TX_AMOUNT"][order].astype(np.float64) * 100).astype(np.int64),
        card=column["CUSTOMER_ID"][order].astype(np.int64),
        device=column["TERMINAL_ID"][order].astype(np.int64),
        known_ms=np.where(column["TX_FRAUD"][order] > 0, at_ms + SETTLES_MS, 0),
    )


def _judged(week: Week, data: Table) -> dict[str, float]:
    """The week's figures: known compromised cards removed, then of all cards."""
    test, scores = week.table, week.scores
    kept = np.ones(len(test), dtype=bool)
    caught: NDArray[np.int64] = np.array([], dtype=np.int64)
    precisions = []
    for day in range(7):
        morning = week.start_ms + day * DAY_MS
        today = (test.at_ms >= morning) & (test.at_ms < morning + DAY_MS)
        # Paid in the last week whose frauds were known when the model was trained, or since then and known by today.
        recent = data.between(week.start_ms - 2 * WEEK_MS, morning - SETTLES_MS)
        kept &= ~(today & np.isin(test.card, recent.card[recent.fraud]))
        fresh = today & kept & ~np.isin(test.card, caught)
        precisions.append(measures.precision_at(test.fraud[fresh], scores[fresh], test.card[fresh]))
        caught = np.concatenate([caught, _caught(test.fraud[fresh], scores[fresh], test.card[fresh])])
    return {
        "AUC": measures.auc(test.fraud[kept], scores[kept]),
        "average precision": measures.average_precision(test.fraud[kept], scores[kept]),
        "card precision at 100": float(np.mean(precisions)),
        "AUC, all cards": week.auc,
        "average precision, all cards": week.average_precision,
        "card precision at 100, all cards": week.precision_at(),
    }


def _caught(fraud: NDArray[np.bool_], scores: NDArray[np.float64], cards: NDArray[np.int64]) -> NDArray[np.int64]:
    """The guilty ones of the hundred cards with the highest scores."""
    owners, place = np.unique(cards, return_inverse=True)
    highest, guilty = np.full(len(owners), -np.inf), np.zeros(len(owners), dtype=bool)
    np.maximum.at(highest, place, scores)
    np.logical_or.at(guilty, place, fraud)
    top = np.argsort(-highest, kind="stable")[:100]
    return owners[top][guilty[top]]


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _figure(name: str, value: float | None, *, goal: bool = True) -> Figure:
    wanted, published = GOALS.get(name), PUBLISHED.get(name)
    return Figure(
        "G1", name, "-" if value is None else f"{value:.4f}",
        "" if published is None else f"{published:.3f}",
        "" if wanted is None else f">= {wanted:.3f}",
        None if value is None or wanted is None or not goal else value >= wanted,
        PROTOCOL,
    )  # fmt: skip
