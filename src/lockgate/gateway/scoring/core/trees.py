"""Trees as LightGBM dumps them, made into ONNX trees whose leaves say what each feature added on the way.

Every node has a value: the mean of the leaves below it, weighted by the rows that fell there in training. On the way
from root to leaf each split adds the difference to its feature; the roots' values add up to the base. So a tree
ensemble with one target per feature gives margin and reasons in one pass, and they agree by construction.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np


class Ensemble(NamedTuple):
    """The attributes of an ONNX TreeEnsembleRegressor (ai.onnx.ml 3), and the base beside it."""

    base: float
    attributes: dict[str, list[Any]]


_LEAF, _SPLIT = "LEAF", "BRANCH_LEQ"


def ensemble(roots: Sequence[Mapping[str, Any]]) -> Ensemble:
    """``roots``: the ``tree_structure`` of each tree. Raises ValueError for trees that are no plain comparisons."""
    nodes: dict[str, list[Any]] = {f"nodes_{name}": [] for name in _NODE}
    leaves: dict[str, list[Any]] = {f"target_{name}": [] for name in _TARGET}
    base = 0.0
    for tree, root in enumerate(roots):
        base += _value(root)[0]
        _walk(root, tree, nodes, leaves)
    return Ensemble(base, {**nodes, **leaves})


_NODE = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids",
         "missing_value_tracks_true")  # fmt: skip
_TARGET = ("treeids", "nodeids", "ids", "weights")


def _walk(root: Mapping[str, Any], tree: int, nodes: dict[str, list[Any]], leaves: dict[str, list[Any]]) -> None:
    """Number the nodes of one tree and append them; each waits with what was added on the way to it."""
    waiting: list[tuple[Mapping[str, Any], int, dict[int, float]]] = [(root, 0, {})]
    given = 1
    while waiting:
        node, number, added = waiting.pop()
        if "leaf_value" in node:
            _append(nodes, (tree, number, 0, 0.0, _LEAF, 0, 0, 0))
            for feature, weight in sorted(added.items()):
                for name, part in zip(_TARGET, (tree, number, feature, weight), strict=True):
                    leaves[f"target_{name}"].append(part)
            continue
        if node["decision_type"] != "<=":
            raise ValueError("only comparisons of numbers can be written")
        feature, here = node["split_feature"], _value(node)[0]
        left, right = given, given + 1
        given += 2
        _append(nodes, (tree, number, feature, _at_most(node["threshold"]), _SPLIT, left, right, 0))
        for child, its_number in ((node["right_child"], right), (node["left_child"], left)):
            step = _value(child)[0] - here
            waiting.append((child, its_number, {**added, feature: added.get(feature, 0.0) + step}))


def _append(nodes: dict[str, list[Any]], row: tuple[Any, ...]) -> None:
    for name, part in zip(_NODE, row, strict=True):
        nodes[f"nodes_{name}"].append(part)


def _value(node: Mapping[str, Any]) -> tuple[float, int]:
    """A node's value, and the rows that fell into it."""
    if "leaf_value" in node:
        return float(node["leaf_value"]), int(node.get("leaf_count", 1))
    (left, n_left), (right, n_right) = _value(node["left_child"]), _value(node["right_child"])
    rows = n_left + n_right
    return ((left * n_left + right * n_right) / rows if rows else (left + right) / 2), rows


def _at_most(threshold: float) -> float:
    """The largest single-precision number not above ``threshold``: with it, single-precision inputs part the same."""
    near = np.float32(threshold)
    return float(near if float(near) <= threshold else np.nextafter(near, np.float32(-np.inf)))
