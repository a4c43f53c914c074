"""One measured figure beside the published one and the goal, and the table that shows many."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

GOALS = {
    "G1": "ranking of frauds, trained on what was known at the time",
    "G2": "latency of a decision",
    "G3": "exactness of velocity",
    "G4": "rules: hostile input, online against back-test",
    "G5": "keystrokes",
    "G6": "pointer",
    "G7": "bots",
    "G8": "card testing",
}
_SHARED = Path(__file__).resolve().parents[4] / "shared" / "data" / "fraud"


@dataclass(frozen=True, slots=True)
class Options:
    """``data`` is the folder with the fraud data, or None where it is absent: what needs it is skipped then."""

    data: Path | None
    quick: bool

    @classmethod
    def of(cls, given: str | None, *, quick: bool) -> "Options":
        folder = Path(given) if given else _SHARED
        return cls(folder if folder.is_dir() else None, quick)


@dataclass(frozen=True, slots=True)
class Figure:
    """``value`` as measured, ``published`` as others reached it, ``goal`` in words; ``holds`` None: not measured."""

    goal_name: str
    measure: str
    value: str
    published: str
    goal: str
    holds: bool | None
    protocol: str = ""


def table(figures: Sequence[Figure]) -> str:
    """The figures in columns, with their protocol below each."""
    rows = [("", "measure", "here", "published", "goal", "")]
    rows += [(f.goal_name, f.measure, f.value, f.published, f.goal, _word(f.holds)) for f in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(6)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    notes = sorted({f"{f.goal_name}: {f.protocol}" for f in figures if f.protocol})
    return "\n".join([*lines, *notes])


def _word(holds: bool | None) -> str:
    return {True: "holds", False: "MISSED", None: "not measured"}[holds]
