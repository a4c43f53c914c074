"""Trains a model: boosted trees by LightGBM, calibrated on the latest part of the time, written as ONNX trees.

This is the only file that needs the train extra. The same table and seed give the same bytes, on any number of cores.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lightgbm
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper

from lockgate.gateway.scoring.core import features, measures
from lockgate.gateway.scoring.core.habits import SETTLES_MS
from lockgate.gateway.scoring.core.model import Calibration, Model, Spread, build
from lockgate.gateway.scoring.core.table import Table
from lockgate.gateway.scoring.core.trees import Ensemble, ensemble
from lockgate.gateway.scoring.score import Served

LEAST_FRAUDS = 50
"""With fewer known frauds a model learns their accidents."""

_SPREAD_OVER = 200_000
"""Ten bins need no more payments: of a longer history every so manieth is taken."""

_OPSETS = (("", 17), ("ai.onnx.ml", 3))
_IR_VERSION = 8


class TooLittle(ValueError):
    """There is not enough to learn from. The message says what is there and what is needed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to train. Few leaves, many payments in each and strong shrinkage: fraud is rare, and a tree that fits five
    of them fits chance. ``held_back`` is the latest part, which calibrates and is judged by."""

    rounds: int = 200
    learning_rate: float = 0.05
    leaves: int = 10
    least_in_leaf: int = 400
    held_back: float = 0.2
    seed: int = 1


def train(
    table: Table, *, now_ms: int, origin: str, plan: Plan | None = None, tell: Callable[[str], None] = lambda _: None
) -> Model:
    """An unsealed model of what is known of ``table`` at ``now_ms``. ``tell`` is told what is under way.

    What was paid in the last 7 days is left out: word on it is still to come, and it would teach that fraud is honest.
    Trained once without the latest part, whose margins calibrate the scores and whose figures go into the file; then
    on everything. Raises TooLittle.
    """
    plan = plan or Plan()
    table = table.part(table.at_ms <= now_ms - SETTLES_MS)
    fraud = table.known_at(now_ms)
    if int(fraud.sum()) < LEAST_FRAUDS or int((~fraud).sum()) < LEAST_FRAUDS:
        raise TooLittle(
            f"{len(table)} payments, {int(fraud.sum())} of them known frauds, are too few to learn from:"
            f" there must be {LEAST_FRAUDS} of each kind"
        )
    split = _split(fraud, plan)
    tell(f"training on the earlier {split} of {len(table)} payments, to be judged by the later ones")
    earlier = _margins(_trees(table.rows[:split], fraud[:split], plan, tell), table.rows[split:])
    late = fraud[split:]
    calibration = measures.calibrate(late, earlier)
    metrics = {
        "auc": round(measures.auc(late, earlier), 6),
        "average_precision": round(measures.average_precision(late, earlier), 6),
        "payments": len(late),
        "frauds": int(late.sum()),
    }
    tell(f"training on all {len(table)} payments")
    trees = _trees(table.rows, fraud, plan, tell)
    some = table.rows[:: max(1, len(table) // _SPREAD_OVER)]
    scores = np.array([calibration.score(margin) for margin in _margins(trees, some).tolist()])
    spreads: dict[str, Spread] = {name: measures.spread(some[:, place]) for place, name in enumerate(features.NAMES)}
    model = build(
        origin=origin,
        names=features.NAMES,
        features_version=features.VERSION,
        base=trees.base,
        onnx=_onnx(trees),
        calibration=calibration,
        spreads={**spreads, "score": measures.spread(scores)},
        metrics=metrics,
        trained={
            "from_ms": int(table.at_ms[0]),
            "until_ms": int(table.at_ms[-1]),
            "known_until_ms": now_ms,
            "payments": len(table),
            "frauds": int(fraud.sum()),
            "seed": plan.seed,
            "rounds": plan.rounds,
            "data_sha256": table.sha256(fraud),
        },
    )
    Served(model)  # what cannot be served is not handed out
    return model


def _split(fraud: NDArray[np.bool_], plan: Plan) -> int:
    """Where the latest part begins; each side has a tenth of the frauds at least."""
    found = np.flatnonzero(fraud)
    few = max(5, len(found) // 10)
    return int(np.clip(int(len(fraud) * (1 - plan.held_back)), found[few] + 1, found[-few]))


def _trees(rows: NDArray[np.float32], fraud: NDArray[np.bool_], plan: Plan, tell: Callable[[str], None]) -> Ensemble:
    def progress(state: Any) -> None:
        done = state.iteration + 1
        if done % 50 == 0:
            tell(f"  {done} of {plan.rounds} trees")

    settings = {
        "objective": "binary",
        "learning_rate": plan.learning_rate,
        "num_leaves": plan.leaves,
        "min_child_samples": min(plan.least_in_leaf, max(5, len(rows) // 200)),
        "lambda_l2": 20.0,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "monotone_constraints": [int(feature.raising) for feature in features.FEATURES],
        "use_missing": False,
        "deterministic": True,
        "force_col_wise": True,
        "seed": plan.seed,
        "verbose": -1,
    }
    data = lightgbm.Dataset(rows, fraud.astype(np.float32), feature_name=list(features.NAMES), free_raw_data=True)
    booster = lightgbm.train(settings, data, num_boost_round=plan.rounds, callbacks=[progress])
    return ensemble([tree["tree_structure"] for tree in booster.dump_model()["tree_info"]])


def _margins(trees: Ensemble, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """By the very trees that will be served."""
    blank = build(
        origin="", names=features.NAMES, features_version=features.VERSION, base=trees.base, onnx=_onnx(trees),
        calibration=Calibration((0.0,), (0.0,)), spreads={}, metrics={}, trained={},
    )  # fmt: skip
    served = Served(blank)
    starts = range(0, len(rows), 65_536)
    parts = [served.added(rows[start : start + 65_536]).sum(axis=1, dtype=np.float64) for start in starts]
    return np.concatenate(parts) + trees.base


def _onnx(trees: Ensemble) -> bytes:
    wide = len(features.NAMES)
    settings: dict[str, Any] = {
        "n_targets": wide, "aggregate_function": "SUM", "post_transform": "NONE", **trees.attributes,
    }  # fmt: skip
    node = helper.make_node("TreeEnsembleRegressor", ["features"], ["added"], domain="ai.onnx.ml", **settings)
    graph = helper.make_graph(
        [node],
        "lockgate",
        [helper.make_tensor_value_info("features", onnx.TensorProto.FLOAT, [None, wide])],
        [helper.make_tensor_value_info("added", onnx.TensorProto.FLOAT, [None, wide])],
    )
    made = helper.make_model(
        graph, producer_name="lockgate", opset_imports=[helper.make_opsetid(*opset) for opset in _OPSETS]
    )
    made.ir_version = _IR_VERSION
    return made.SerializeToString(deterministic=True)
