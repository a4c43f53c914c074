"""A model as a file: what it is, how it was made, its trees as ONNX, how a margin becomes a score, and a seal.

``LOCKGATE-MODEL 1\\n``, the header's length (4 bytes), the header (canonical JSON), the trees (ONNX), the seal (16
bytes, zeros while unsealed). The same data gives the same bytes, and the model's id is made of them. Whether a seal is
right is for who holds the key to say: nothing of a file is used before that.
"""

import hashlib
import json
import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

MAGIC = b"LOCKGATE-MODEL 1\n"
SEAL_BYTES = 16
LARGEST = 16_000_000
_UNSEALED = bytes(SEAL_BYTES)

Level = Literal["normal", "elevated", "highest", "not_assessed"]

ELEVATED_FROM = 30.0
HIGHEST_FROM = 75.0


class Unreadable(ValueError):
    """The bytes are no model that this version can use. The message says why."""


def level(score: float | None) -> Level:
    """The level of a score: elevated from 30, highest from 75; without a score a payment was not assessed."""
    if score is None:
        return "not_assessed"
    return "highest" if score >= HIGHEST_FROM else "elevated" if score >= ELEVATED_FROM else "normal"


@dataclass(frozen=True, slots=True)
class Calibration:
    """From a margin (log-odds, as trees add up) to the share of payments with that margin that were fraud.

    ``margins`` and ``logits`` rise strictly together, so that the order of payments stays the model's own; between two
    knots the line is straight, beyond the last ones it has slope 1.
    """

    margins: Sequence[float]
    logits: Sequence[float]

    def __post_init__(self) -> None:
        for knots in (self.margins, self.logits):
            if not knots or any(a >= b for a, b in pairwise(knots)):
                raise Unreadable("the calibration does not rise")
        if len(self.margins) != len(self.logits):
            raise Unreadable("the calibration's knots are not pairs")

    def score(self, margin: float) -> float:
        """0 to 100: how many of a hundred such payments were fraud, to six decimals."""
        logit = self._logit(margin)
        share = 1 / (1 + math.exp(-logit)) if logit > -700 else 0.0
        return round(100 * share, 6)

    def _logit(self, margin: float) -> float:
        x, y = self.margins, self.logits
        place = bisect_right(x, margin)
        if place == 0:
            return y[0] + margin - x[0]
        if place == len(x):
            return y[-1] + margin - x[-1]
        part = (margin - x[place - 1]) / (x[place] - x[place - 1])
        return y[place - 1] + part * (y[place] - y[place - 1])


@dataclass(frozen=True, slots=True)
class Spread:
    """How a feature (or the score) was spread where the model was trained: inner edges, and each bin's share."""

    edges: Sequence[float]
    shares: Sequence[float]


@dataclass(frozen=True)
class Model:
    """One readable file. ``header`` is what it says of itself; see ``build`` for its parts."""

    header: Mapping[str, Any]
    onnx: bytes
    seal: bytes

    @cached_property
    def body(self) -> bytes:
        """Everything that is sealed: the file without its seal."""
        return _body(self.header, self.onnx)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    @property
    def id(self) -> str:
        """The model's name, made of its content."""
        return "rmdl_" + self.sha256[:24]

    @property
    def file(self) -> bytes:
        return self.body + self.seal

    @property
    def features_version(self) -> int:
        return self.header["features"]["version"]

    @property
    def names(self) -> Sequence[str]:
        return self.header["features"]["names"]

    @property
    def base(self) -> float:
        """The margin of a payment of which nothing is known."""
        return self.header["base"]

    @cached_property
    def calibration(self) -> Calibration:
        return Calibration(*(tuple(self.header["calibration"][side]) for side in ("margins", "logits")))

    @cached_property
    def spreads(self) -> Mapping[str, Spread]:
        """Feature (``score`` for the score itself) -> how it was spread in training."""
        return {name: Spread(tuple(edges), tuple(shares)) for name, (edges, shares) in self.header["spreads"].items()}

    def sealed(self, seal: bytes) -> "Model":
        assert len(seal) == SEAL_BYTES, "a seal of another length"
        return Model(self.header, self.onnx, seal)


def build(
    *,
    origin: str,
    names: Sequence[str],
    features_version: int,
    base: float,
    onnx: bytes,
    calibration: Calibration,
    spreads: Mapping[str, Spread],
    metrics: Mapping[str, float],
    trained: Mapping[str, int | float | str],
) -> Model:
    """An unsealed model. ``origin`` says in words what it was trained on; ``trained`` holds the window, the number of
    rows and frauds, the seed, and the hash of the data."""
    header = {
        "origin": origin,
        "features": {"version": features_version, "names": list(names)},
        "base": base,
        "calibration": {"margins": list(calibration.margins), "logits": list(calibration.logits)},
        "spreads": {name: [list(spread.edges), list(spread.shares)] for name, spread in spreads.items()},
        "metrics": dict(metrics),
        "trained": dict(trained),
    }
    return Model(header, onnx, _UNSEALED)


def read(file: bytes) -> Model:
    """The model in ``file``; its seal is not checked. Raises Unreadable."""
    if len(file) > LARGEST:
        raise Unreadable(f"the file is larger than {LARGEST} bytes")
    start = len(MAGIC) + 4
    if not file.startswith(MAGIC) or len(file) < start + SEAL_BYTES:
        raise Unreadable("the file is not a model of Lockgate, or of a later version")
    end = start + int.from_bytes(file[len(MAGIC) : start])
    if end > len(file) - SEAL_BYTES:
        raise Unreadable("the file is cut off")
    try:
        header = json.loads(file[start:end])
        model = Model(header, file[end:-SEAL_BYTES], file[-SEAL_BYTES:])
        readable = (
            isinstance(model.features_version, int)
            and all(isinstance(name, str) for name in model.names)
            and math.isfinite(model.base)
            and bool(model.calibration.margins)
            and model.body == file[:-SEAL_BYTES]
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise Unreadable("the file's header cannot be read") from error
    if not readable:
        raise Unreadable("the file's header is not in its one form")
    return model


def _body(header: Mapping[str, Any], onnx: bytes) -> bytes:
    text = json.dumps(header, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
    return MAGIC + len(text).to_bytes(4) + text + onnx
