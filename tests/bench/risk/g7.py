"""G7: programs that fill forms, told from people by the rhythm of their keys, at one false alarm in a hundred people.

People: the CMU keystroke data (51 typists). The file holds standardised times; they become milliseconds again by what
holds between them (from key to key = how long held + from release to press) and by the fact that no time is below
zero, with a deviation of 30 ms for how long keys are held. A form is three of their repetitions: 33 keys, about as many
as an e-mail address and a name have. Programs fill the same keys: with zeros, with constants, and with jitter, even or
bell-shaped, of the mean and the deviation that the people of the other half have. The threshold is set on every other
typist, and false alarms are counted on the rest.
"""

from pathlib import Path

import numpy as np

from lockgate.gateway.signals.core import rhythm
from lockgate.gateway.signals.core.bots import SURE_RHYTHM
from lockgate.gateway.signals.rhythm_trees import trees
from tests.bench.risk import g7_browser
from tests.bench.risk.figures import Figure, Options
from tests.bench.risk.grow_rhythm import Times, steps

PROTOCOL = (
    "honest: CMU keystrokes, a form = 3 repetitions, threshold at 1 % on 26 typists, false alarms on the other 25;"
    " fills of 33 keys, jitter with people's own mean and deviation; trees grown on simulated typists only"
)
HOLD_DEVIATION_MS = 30.0
REPETITIONS = 3
_BROWSER_ROUNDS = 4
FALSE_ALARMS = 0.01
GOALS = {"zero": 1.0, "constant": 1.0, "uniform jitter": 0.90, "normal jitter": 0.83}

Person = tuple[np.ndarray, np.ndarray]
"""Milliseconds, a row for each repetition: how long keys are held, and from key to key."""


def measure(options: Options) -> list[Figure]:
    if options.data is None:
        return [Figure("G7", "bots", "-", "up to 60 %", "100, 100, 90, 83 %", None)]
    people = typists(options.data / "cmu_keystroke_z1000.npz")
    one_in = 5 if options.quick else 1
    half, others = people[::2], people[1::2]
    honest = [sure(form) for person in half for form in forms(person)[::one_in]]
    threshold = float(np.quantile(honest, 1 - FALSE_ALARMS))
    alarms = [sure(form) > threshold for person in others for form in forms(person)[::one_in]]
    own = np.mean([sure(form) >= SURE_RHYTHM for person in people for form in forms(person)[::one_in]])
    found = [
        Figure("G7", "false alarms on people", f"{np.mean(alarms):.2%}", "", "1 %", None, PROTOCOL),
        Figure("G7", "the same at the product's own threshold", f"{own:.2%}", "", "", None, PROTOCOL),
    ]
    holds, gaps = (np.concatenate([person[place].ravel() for person in half]) for place in (0, 1))
    for kind, goal in GOALS.items():
        random = np.random.default_rng(7)
        fills = [fill(random, kind, holds, gaps=gaps) for _ in range(2_000 // one_in)]
        told = float(np.mean([sure(one) > threshold for one in fills]))
        name = f"fills told from people, {kind}"
        found.append(Figure("G7", name, f"{told:.1%}", "up to 60 %", f"{goal:.0%}", told >= goal, PROTOCOL))
    return found if options.quick else [*found, *g7_browser.measure(_BROWSER_ROUNDS)]


def typists(file: Path) -> list[Person]:
    """The people of the data, in milliseconds."""
    with np.load(file) as kept:
        rows, who = kept["X"].astype(float) / 1000, kept["subject"]
    held, between, released = rows[:, 0::3], rows[:, 1::3], rows[:, 2::3]
    holds = (held - held.min(axis=0)) * HOLD_DEVIATION_MS
    columns = []
    for pair in range(between.shape[1]):
        parts = np.column_stack([held[:, pair], released[:, pair]])
        usual = (np.abs(parts) < 4).all(axis=1)
        share = np.linalg.lstsq(parts[usual], between[usual, pair], rcond=None)[0][0]
        columns.append((between[:, pair] - between[:, pair].min()) * HOLD_DEVIATION_MS / share)
    gaps = np.column_stack(columns)
    return [(holds[who == one], gaps[who == one]) for one in np.unique(who)]


def forms(person: Person) -> list[Times]:
    """Every three repetitions as one form."""
    holds, gaps = person
    starts = range(0, len(holds) - REPETITIONS + 1, REPETITIONS)
    return [
        (steps(holds[at : at + REPETITIONS].ravel()), steps(gaps[at : at + REPETITIONS].ravel())) for at in starts
    ]


def fill(random: np.random.Generator, kind: str, holds: np.ndarray, *, gaps: np.ndarray) -> Times:
    """A form filled by a program that knows how fast people are (``holds``, ``gaps``), and how much that varies."""
    held = drawn(random, kind, holds, keys=11 * REPETITIONS)
    between = drawn(random, kind, gaps, keys=10 * REPETITIONS)
    return steps(np.maximum(held, 0)), steps(np.maximum(between, 0))


def drawn(random: np.random.Generator, kind: str, people: np.ndarray, *, keys: int) -> np.ndarray:
    """Times of one kind of program, with the mean and the deviation of ``people``'s."""
    mean, deviation = float(people.mean()), float(people.std())
    match kind:
        case "zero":
            return np.zeros(keys)
        case "constant":
            return np.full(keys, random.choice(people))
        case "uniform jitter":
            return random.uniform(mean - 3**0.5 * deviation, mean + 3**0.5 * deviation, keys)
        case _:
            return random.normal(mean, deviation, keys)


def sure(form: Times) -> float:
    """How sure the product's own code is that this was a program."""
    found = rhythm.machine(*form, trees())
    assert found is not None, "a form is long enough"
    return found
