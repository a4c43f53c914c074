"""G6: whose hand moved the pointer, by strokes as the collector sends them (``signals/core/pointer.py``).

The Balabit mouse challenge: of ten users some long sessions train, and short ones are to be told genuine or not; here
the labelled ones of five users. A model for each user (LightGBM, one hand against the nine others) sees one stroke at
a time and nothing of where on the screen it was; a session is the mean log odds of its strokes. AUC of each user,
averaged, and of all sessions in one ranking, where each user's scores are first measured against her training sessions
(each left out in turn), as a threshold for everybody needs it.
"""

from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm as lgb
import numpy as np
import pyarrow.parquet as parquet

from lockgate.gateway.signals.core import pointer
from tests.bench.risk.figures import Figure, Options
from tests.bench.risk.trails import Happening, Point, strokes

PROTOCOL = (
    "Balabit, train sessions of 10 users, labelled test sessions of 5; strokes as the collector sends them, no absolute"
    " position; one model per user, mean log odds over a session's strokes"
)
PUBLISHED, GOAL = 0.92, 0.94
_KINDS: dict[str, Happening] = {"Move": "move", "Drag": "move", "Pressed": "press", "Released": "release"}
_OPTIONS: dict[str, Any] = {
    "objective": "binary", "num_leaves": 31, "learning_rate": 0.06, "bagging_fraction": 0.7, "bagging_freq": 1,
    "feature_fraction": 0.5, "min_child_samples": 60, "lambda_l2": 2.0, "num_threads": 1, "verbose": -1, "seed": 6,
    "deterministic": True,
}  # fmt: skip
_ROUNDS, _QUICK_ROUNDS, _FOLDS = 200, 40, 3
_SURE = 0.001
_SHORT = 70
"""Strokes in a test session, about: training sessions are cut to this length before they are measured."""


class Visit(NamedTuple):
    """One session: whose it claims to be, whether it is not (None: training), and a row of features for each stroke."""

    user: str
    session: str
    is_other: bool | None
    rows: np.ndarray


def measure(options: Options) -> list[Figure]:
    if options.data is None:
        return [Figure("G6", "AUC", "-", f"{PUBLISHED}", f">= {GOAL}", None)]
    training = read(options.data / "balabit_train.parquet", every=4 if options.quick else 1)
    tests = read(options.data / "balabit_test_5users.parquet")
    rounds = _QUICK_ROUNDS if options.quick else _ROUNDS
    areas, scores, truth = [], [], []
    for user in sorted({visit.user for visit in tests}):
        found = [score(model_of(user, training, rounds), [v for v in tests if v.user == user])]
        usual = own_scores(user, training, rounds)
        mine = (found[0] - np.mean(usual)) / np.std(usual)
        is_other = np.array([visit.is_other for visit in tests if visit.user == user])
        areas.append(area(mine, is_other))
        scores.append(mine)
        truth.append(is_other)
    mean, pooled = float(np.mean(areas)), area(np.concatenate(scores), np.concatenate(truth))
    return [
        Figure("G6", "AUC, mean of users", f"{mean:.4f}", f"{PUBLISHED}", f">= {GOAL}", mean >= GOAL, PROTOCOL),
        Figure("G6", "AUC, all sessions in one ranking", f"{pooled:.4f}", "", f">= {GOAL}", pooled >= GOAL, PROTOCOL),
    ]


def read(file: Path, *, every: int = 1) -> list[Visit]:
    """The sessions of a file, or every so-many-th part of each."""
    table = parquet.read_table(file)
    names = [name for name in table.column_names if name not in ("t_ms", "x", "y", "is_illegal")]
    words = {name: table[name].combine_chunks().dictionary.to_pylist() for name in names}
    codes = {name: table[name].combine_chunks().indices.to_numpy() for name in names}
    numbers = {name: table[name].to_numpy() for name in table.column_names if name not in names}
    edges = np.flatnonzero(np.diff(codes["user"]) | np.diff(codes["session"])) + 1
    visits = []
    for start, end in zip([0, *edges], [*edges, len(codes["user"])], strict=True):
        stop = start + (end - start) // every
        trail = points(words["state"], codes["state"][start:stop], {n: v[start:stop] for n, v in numbers.items()})
        rows = np.array([pointer.features(stroke) for stroke in strokes(trail)], dtype=np.float32)
        if len(rows):
            label = bool(numbers["is_illegal"][start]) if "is_illegal" in numbers else None
            user, session = words["user"][codes["user"][start]], words["session"][codes["session"][start]]
            visits.append(Visit(user, session, label, rows))
    return visits


def points(states: list[str], codes: np.ndarray, numbers: dict[str, np.ndarray]) -> list[Point]:
    """What happened to the pointer; turns of the wheel, and the same place twice at one time, are left out."""
    found: list[Point] = []
    at, x, y = (numbers[name].tolist() for name in ("t_ms", "x", "y"))
    for place, code in enumerate(codes.tolist()):
        kind = _KINDS.get(states[code])
        if kind is None:
            continue
        point = Point(at[place], x[place], y[place], kind)
        if not found or point != found[-1]:
            found.append(point)
    return found


def model_of(user: str, training: list[Visit], rounds: int) -> lgb.Booster:
    """One user's hand against all others'."""
    rows = np.vstack([visit.rows for visit in training])
    mine = np.concatenate([np.full(len(visit.rows), visit.user == user) for visit in training])
    return lgb.train(_OPTIONS, lgb.Dataset(rows, mine.astype(int)), rounds)


def score(model: lgb.Booster, visits: list[Visit]) -> np.ndarray:
    """How unlike the model's user each session is."""
    found = []
    for visit in visits:
        sure = np.clip(np.asarray(model.predict(visit.rows)), _SURE, 1 - _SURE)
        found.append(-np.mean(np.log(sure / (1 - sure))))
    return np.array(found)


def own_scores(user: str, training: list[Visit], rounds: int) -> np.ndarray:
    """What the user's own sessions get from models that did not see them, cut as short as test sessions are."""
    folds: dict[int, list[Visit]] = defaultdict(list)
    for place, visit in enumerate(visit for visit in training if visit.user == user):
        folds[place % _FOLDS].append(visit)
    found = []
    for left_out in folds.values():
        kept = [visit for visit in training if not any(visit is other for other in left_out)]
        model = model_of(user, kept, rounds)
        short = [
            visit._replace(rows=visit.rows[at : at + _SHORT])
            for visit in left_out
            for at in range(0, len(visit.rows) - _SHORT // 2, _SHORT)
        ]
        found.append(score(model, short))
    return np.concatenate(found)


def area(scores: np.ndarray, is_other: np.ndarray) -> float:
    """The area under the curve: how often another's session scores above one's own; half for a tie."""
    others, own = scores[is_other], np.sort(scores[~is_other])
    below = np.searchsorted(own, others, side="left") + np.searchsorted(own, others, side="right")
    return float(np.mean(below) / 2 / len(own))
