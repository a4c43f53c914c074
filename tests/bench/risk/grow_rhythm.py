"""Grows the trees of ``signals/core/rhythm.py``: ``python -m tests.bench.risk.grow_rhythm``.

They learn from simulated typists and programs. No data of real people goes in, so that the ones with which G7 measures
were never seen. Needs the extra ``train``.
"""

import json
from collections.abc import Callable
from pathlib import Path

import lightgbm as lgb
import numpy as np

from lockgate.gateway import signals
from lockgate.gateway.signals.core import rhythm

FILE = Path(signals.__file__).parent / "static" / "rhythm.json"
STEP_MS = 5
_TYPISTS, _FILLS, _TREES, _LEAVES = 27_000, 27_000, 80, 16
_MOST_GAP_MS = 2_000

Times = tuple[list[int], list[int]]


def typist(random: np.random.Generator) -> Times:
    """One form filled by somebody: every key and every pair of keys has its own usual time, and each press varies."""
    keys = int(random.choice([10, 11, 16, 22, 33, 44, 60]))
    hold, pace = np.exp(random.normal(4.42, 0.25)), np.exp(random.normal(5.15, 0.38))
    letters = random.normal(0, random.uniform(0.05, 0.25), 30)
    pairs = random.normal(0, random.uniform(0.15, 0.7), 60)
    vary_hold, vary_pace = random.uniform(0.06, 0.3), random.uniform(0.1, 0.35)
    text = random.integers(0, 30, keys)
    holds = hold * np.exp(letters[text] + random.normal(0, vary_hold, keys))
    slipped = random.random(keys) < random.uniform(0, 0.08)  # a key barely touched, or leant on
    holds = np.where(slipped, holds * np.exp(random.normal(0, 0.6, keys)), holds)
    walks = pairs[random.integers(0, 60, keys - 1)]
    gaps = pace * np.exp(walks + random.normal(0, vary_pace, keys - 1))
    searched = random.random(keys - 1) < random.uniform(0.02, 0.15)  # a key looked for, a thought
    gaps = np.where(searched, gaps * np.exp(random.exponential(0.8, keys - 1)), gaps)
    return steps(holds), steps(gaps)


def constant(random: np.random.Generator, keys: int) -> tuple[np.ndarray, np.ndarray]:
    return np.full(keys, random.uniform(0, 200)), np.full(keys - 1, random.uniform(0, 500))


def uniform(random: np.random.Generator, keys: int) -> tuple[np.ndarray, np.ndarray]:
    """An even jitter around a base, of a width that the program's writer chose."""
    wide = random.uniform(0.1, 1.0, 2)
    return (
        random.uniform(40, 160) * (1 + random.uniform(-1, 1, keys) * wide[0]),
        random.uniform(60, 450) * (1 + random.uniform(-1, 1, keys - 1) * wide[1]),
    )


def normal(random: np.random.Generator, keys: int) -> tuple[np.ndarray, np.ndarray]:
    """A jitter like a bell."""
    wide = random.uniform(0.05, 0.8, 2)
    return (
        random.uniform(40, 160) * (1 + random.normal(0, 1, keys) * wide[0]),
        random.uniform(60, 450) * (1 + random.normal(0, 1, keys - 1) * wide[1]),
    )


def instant(random: np.random.Generator, keys: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys that are let go as soon as they are pressed, as drivers of browsers do, at a jittered pace."""
    held = np.abs(random.normal(0, random.uniform(0.5, 5), keys))
    return held, random.uniform(0, 300) * (1 + random.uniform(-1, 1, keys - 1) * random.uniform(0, 1))


def replayed(random: np.random.Generator, keys: int) -> tuple[np.ndarray, np.ndarray]:
    """Gaps like a person's, from a recording or a better program, with keys that are not held or all held alike."""
    pace = np.exp(random.normal(5.15, 0.38)) * np.exp(random.normal(0, random.uniform(0.3, 0.8), keys - 1))
    held = instant(random, keys)[0] if random.random() < 0.6 else np.full(keys, random.uniform(5, 200))
    return held, pace


FILLS: tuple[Callable[[np.random.Generator, int], tuple[np.ndarray, np.ndarray]], ...] = (
    constant, uniform, uniform, normal, normal, instant, replayed,
)  # fmt: skip


def program(random: np.random.Generator) -> Times:
    """One form filled by a program."""
    keys = int(random.choice([10, 11, 16, 22, 33, 44, 60]))
    holds, gaps = FILLS[int(random.integers(len(FILLS)))](random, keys)
    return steps(np.maximum(holds, 0)), steps(np.maximum(gaps, 0))


def steps(times: np.ndarray) -> list[int]:
    """As the collector sends them: in steps, and without pauses."""
    return [round(float(time) / STEP_MS) for time in times if time < _MOST_GAP_MS]


def main() -> None:
    random = np.random.default_rng(20)
    people = [rhythm.features(*typist(random)) for _ in range(_TYPISTS)]
    programs = [rhythm.features(*program(random)) for _ in range(_FILLS)]
    data = lgb.Dataset(np.array(people + programs), np.array([0] * len(people) + [1] * len(programs)))
    options = {
        "objective": "binary", "num_leaves": _LEAVES, "learning_rate": 0.15, "min_child_samples": 40, "verbose": -1,
        "seed": 20, "deterministic": True, "num_threads": 1, "lambda_l2": 5.0,
    }  # fmt: skip
    grown = lgb.train(options, data, _TREES).dump_model()
    trees = [flat(tree["tree_structure"]) for tree in grown["tree_info"]]
    FILE.write_text(json.dumps({"trees": trees}, separators=(",", ":")) + "\n")
    print(f"{FILE.name}: {len(trees)} trees, {FILE.stat().st_size} bytes")


def flat(root: dict) -> list[list[float]]:
    """A tree as the nodes that ``rhythm.machine`` walks."""
    nodes: list[list[float]] = []

    def put(node: dict) -> int:
        place = len(nodes)
        nodes.append([])
        if "split_feature" not in node:
            nodes[place] = [-1, round(node["leaf_value"], 4), 0, 0]
        else:
            left, right = put(node["left_child"]), put(node["right_child"])
            nodes[place] = [node["split_feature"], round(node["threshold"], 5), left, right]
        return place

    put(root)
    return nodes


if __name__ == "__main__":
    main()
