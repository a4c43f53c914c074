"""Scores one payment by its model, in this process: the trees run in onnxruntime, in one thread."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockgate.gateway.rules.core.catalogue import Attributes
from lockgate.gateway.scoring.core import features
from lockgate.gateway.scoring.core.model import Level, Model, Unreadable, level
from lockgate.gateway.scoring.core.reasons import Reason, reasons
from lockgate.gateway.scoring.runtime import onnxruntime


@dataclass(frozen=True, slots=True)
class Score:
    """What a model says of a payment: 0 to 100, its level, the strongest reasons, which model said so.

    Without a model there is no score and the level is ``not_assessed``. ``shadow`` is what a model beside it says
    (``{"model": ..., "score": ...}``): recorded, and felt by nobody.
    """

    score: float | None
    level: Level
    reasons: tuple[Reason, ...] = ()
    model: str | None = None
    shadow: Mapping[str, Any] | None = None


NONE = Score(None, "not_assessed")
"""Where no model is served."""


class Served:
    """A model ready to score. Its trees give what each feature adds; the sum of that is the margin."""

    def __init__(self, model: Model) -> None:
        """Raises Unreadable where the trees cannot be run, or want features that this version does not make."""
        if model.features_version != features.VERSION or tuple(model.names) != features.NAMES:
            raise Unreadable(f"the model wants features of version {model.features_version}: train it again")
        self.model = model
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(model.onnx, options, providers=["CPUExecutionProvider"])
            shapes = (session.get_inputs()[0].shape[1], session.get_outputs()[0].shape[1])
        except Exception as error:
            # onnxruntime raises its own kinds, all straight below Exception.
            raise Unreadable("the model's trees cannot be run") from error
        if shapes != (len(model.names), len(model.names)):
            raise Unreadable("the model's trees do not fit its features")
        self._session, self._input = session, session.get_inputs()[0].name
        self._base, self._calibration = model.base, model.calibration
        self._vector = np.zeros((1, len(model.names)), dtype=np.float32)
        self._added = np.zeros_like(self._vector)
        self._bound = session.io_binding()
        self._bound.bind_input(self._input, "cpu", 0, np.float32, self._vector.shape, self._vector.ctypes.data)
        self._bound.bind_output(
            session.get_outputs()[0].name, "cpu", 0, np.float32, self._added.shape, self._added.ctypes.data
        )

    def added(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """What each feature adds to the margin, for each row."""
        return np.asarray(self._session.run(None, {self._input: rows})[0], dtype=np.float32)

    def scores(self, rows: NDArray[np.float32]) -> list[float]:
        """The scores of many rows: the very figures that one by one gives."""
        margins = self.added(rows).sum(axis=1, dtype=np.float64) + self._base
        return [self._calibration.score(margin) for margin in margins.tolist()]

    def score(self, values: NDArray[np.float32]) -> tuple[float, NDArray[np.float32]]:
        """The score of one vector, and what each feature added.

        Not for two threads at once: a call of its own kind costs half of what ``added`` does, since it reads and
        writes where it did the last time.
        """
        self._vector[0] = values
        self._session.run_with_iobinding(self._bound)
        added = self._added[0].copy()
        return self._calibration.score(float(np.add.reduce(added, dtype=np.float64)) + self._base), added


def score(serving: Served | None, shadow: Served | None, attributes: Attributes) -> Score:
    """What ``serving`` says of a payment with these attributes, with its reasons; what ``shadow`` says beside it."""
    if serving is None and shadow is None:
        return NONE
    values = features.vector(attributes)
    beside = None if shadow is None else {"model": shadow.model.id, "score": shadow.score(values)[0]}
    if serving is None:
        return Score(None, "not_assessed", shadow=beside)
    points, added = serving.score(values)
    why = reasons(features.NAMES, values, added)
    return Score(points, level(points), why, serving.model.id, beside)
