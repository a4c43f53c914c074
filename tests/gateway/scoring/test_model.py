"""A model file: the same data gives the same bytes, a changed byte is found, and scores keep the order of margins."""

from itertools import pairwise

import numpy as np
import pytest

from lockgate.gateway.scoring.core import features
from lockgate.gateway.scoring.core.measures import auc, average_precision, calibrate, psi, spread
from lockgate.gateway.scoring.core.model import MAGIC, Calibration, Model, Unreadable, level, read
from lockgate.gateway.scoring.core.reasons import reasons
from lockgate.gateway.scoring.score import NONE, Served, score
from lockgate.gateway.scoring.seal import opened, sealed
from lockgate.gateway.scoring.train import TooLittle, train
from tests.gateway.scoring.made import LATER_MS, PLAN, made_table

KEY = b"k" * 32


@pytest.fixture(scope="module")
def model() -> Model:
    return train(made_table(), now_ms=LATER_MS, origin="a test", plan=PLAN)


def test_the_same_data_gives_the_same_bytes_and_other_data_others(model: Model) -> None:
    again = train(made_table(), now_ms=LATER_MS, origin="a test", plan=PLAN)
    assert again.file == model.file
    assert train(made_table(seed=8), now_ms=LATER_MS, origin="a test", plan=PLAN).id != model.id
    assert model.header["trained"]["frauds"] > 50 and model.header["metrics"]["auc"] > 0.8


def test_what_was_read_is_what_was_written(model: Model) -> None:
    found = read(sealed(model, KEY).file)
    assert found.id == model.id and found.onnx == model.onnx and found.header == model.header
    assert opened(sealed(model, KEY).file, KEY).id == model.id


def test_only_the_installation_s_own_seal_opens_a_model(model: Model) -> None:
    with pytest.raises(Unreadable, match="sealed"):
        opened(model.file, KEY)
    with pytest.raises(Unreadable, match="sealed"):
        opened(sealed(model, KEY).file, b"x" * 32)


@pytest.mark.parametrize("place", [0, len(MAGIC) + 1, len(MAGIC) + 40, -2000, -20, -1])
def test_a_changed_byte_is_found(model: Model, place: int) -> None:
    file = bytearray(sealed(model, KEY).file)
    file[place] ^= 1
    with pytest.raises(Unreadable):
        opened(bytes(file), KEY)


@pytest.mark.parametrize("file", [b"", b"LOCKGATE", MAGIC, MAGIC + b"\xff" * 30, MAGIC + b"\0\0\0\2{}" + bytes(16)])
def test_what_is_no_model_is_refused(file: bytes) -> None:
    with pytest.raises(Unreadable):
        read(file)


def test_one_by_one_and_many_at_once_give_the_same_scores_in_the_order_of_margins(model: Model) -> None:
    served, data = Served(model), made_table()
    rows = data.rows[:400]
    many = served.scores(rows)
    assert [served.score(row)[0] for row in rows] == many
    margins = served.added(rows).sum(axis=1, dtype=np.float64)
    assert np.array_equal(np.argsort(margins, kind="stable"), np.argsort(np.array(many), kind="stable"))
    assert all(0 < one < 100 for one in many)


def test_reasons_add_up_to_the_margin_and_name_what_made_the_difference(model: Model) -> None:
    served = Served(model)
    row = made_table().rows[0].copy()
    row[features.NAMES.index("card_declines_1h")] = 9
    points, added = served.score(row)
    why = reasons(features.NAMES, row, added)
    assert why[0].feature == "card_declines_1h" and why[0].added > 0
    assert why[0].shown()["meaning"] == "Declined payments with the card in the last 1h."
    assert points == model.calibration.score(float(added.sum(dtype=np.float64)) + model.base)


def test_what_a_browser_says_can_only_raise_a_score(model: Model) -> None:
    served, random = Served(model), np.random.default_rng(3)
    for row in made_table().rows[:60]:
        name = str(random.choice(sorted(features.RAISING)))
        forged = row.copy()
        forged[features.NAMES.index(name)] += float(random.random() * 50)
        assert served.score(forged)[0] >= served.score(row)[0], name


def test_without_a_model_there_is_no_score_and_the_level_says_so() -> None:
    assert score(None, None, {"amount": 100}) == NONE
    assert NONE.score is None and NONE.level == "not_assessed"


def test_a_model_beside_it_changes_nothing_but_the_record(model: Model) -> None:
    served = Served(model)
    alone = score(served, None, {"amount": 100, "card_declines_1h": 9})
    both = score(served, served, {"amount": 100, "card_declines_1h": 9})
    assert (both.score, both.level, both.reasons, both.model) == (alone.score, alone.level, alone.reasons, alone.model)
    assert both.shadow == {"model": model.id, "score": alone.score}
    assert score(None, served, {"amount": 100}).level == "not_assessed"


def test_a_model_for_other_features_is_not_served(model: Model) -> None:
    changed = {**model.header, "features": {"version": 99, "names": list(features.NAMES)}}
    with pytest.raises(Unreadable, match="train it again"):
        Served(Model(changed, model.onnx, model.seal))


def test_too_few_frauds_teach_nothing() -> None:
    data = made_table()
    data.known_ms[np.flatnonzero(data.known_ms)[20:]] = 0
    with pytest.raises(TooLittle, match="20 of them known frauds"):
        train(data, now_ms=LATER_MS, origin="a test", plan=PLAN)


def test_a_fraud_that_is_not_known_yet_teaches_nothing() -> None:
    data = made_table()
    with pytest.raises(TooLittle):
        train(data, now_ms=int(data.at_ms[400]), origin="a test", plan=PLAN)


def test_levels() -> None:
    assert [level(one) for one in (None, 0.0, 29.999999, 30.0, 74.9, 75.0, 100.0)] == [
        "not_assessed", "normal", "normal", "elevated", "elevated", "highest", "highest",
    ]  # fmt: skip


def test_a_calibration_tells_shares_and_rises_strictly() -> None:
    random = np.random.default_rng(5)
    margins = random.normal(-3, 2, 40_000)
    fraud = random.random(40_000) < 1 / (1 + np.exp(-(1.5 * margins + 1)))
    made = calibrate(fraud, margins)
    for low, high in ((-3, -2), (-2, -1), (-1, 0), (0, 1)):
        there = (margins >= low) & (margins < high)
        told = np.mean([made.score(one) for one in margins[there].tolist()]) / 100
        assert abs(told - fraud[there].mean()) < 0.03
    steps = [made.score(one) for one in np.linspace(-9, 6, 300).tolist()]
    assert all(a < b for a, b in pairwise(steps))
    with pytest.raises(Unreadable):
        Calibration((0.0, 1.0), (2.0, 1.0))


def test_figures_agree_with_their_definitions() -> None:
    fraud = np.array([True, False, True, False, False, True, False])
    scores = np.array([0.9, 0.8, 0.8, 0.1, 0.1, 0.05, 0.7])
    pairs = [(float(a > b) + 0.5 * (a == b)) for a in scores[fraud] for b in scores[~fraud]]
    assert auc(fraud, scores) == pytest.approx(np.mean(pairs))
    # At 0.9: 1 of 1; at 0.8 (two together): 2 of 3; at 0.05: 3 of 7.
    assert average_precision(fraud, scores) == pytest.approx((1 + 2 / 3 + 3 / 7) / 3)


def test_psi_is_zero_for_the_same_and_large_for_what_moved() -> None:
    random = np.random.default_rng(6)
    before = spread(random.normal(0, 1, 20_000))
    assert psi(before, random.normal(0, 1, 20_000)) < 0.01
    assert psi(before, random.normal(1.5, 1, 20_000)) > 0.25
    assert psi(spread(np.zeros(100)), np.ones(100)) > 0.25
