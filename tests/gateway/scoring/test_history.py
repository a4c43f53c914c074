"""A history from elsewhere: read strictly, refused by line and column without quoting it, replayed as if live."""

import pytest

from lockgate.gateway.scoring.core import features
from lockgate.gateway.scoring.core.habits import SETTLES_MS
from lockgate.gateway.scoring.core.replay import Paid, attributes, table
from lockgate.gateway.scoring.history import BadHistory, read
from lockgate.gateway.velocity.core.keys import Keys

DAY_MS = 86_400_000


def _read(*lines: str) -> list[Paid]:
    return read([f"{line}\n" for line in lines])


def test_payments_are_read_in_the_order_of_their_times_and_values_only_name_things() -> None:
    later, earlier = "2026-01-02T00:00:01Z,700,4242,declined,0,,DE", "1767312000.5,500,4242,,1,2026-01-02T12:00:00Z,"
    first, second = _read("time,amount,card,outcome,fraud,known_at,card_country", later, earlier)
    assert (first.at_ms, first.amount, first.state, first.known_ms) == (1767312000500, 500, "approved", 1767355200000)
    assert (second.at_ms, second.state, second.known_ms) == (1767312001000, "declined", None)
    assert first.keys.card == second.keys.card and first.keys.device is None and b"4242" not in (first.keys.card or b"")
    assert second.facts == {"hour_of_day": 0, "day_of_week": 5, "card_country": "DE"}
    [known] = _read("time,amount,fraud", "1000,1,1")
    assert known.known_ms == 1_000_000 + SETTLES_MS


@pytest.mark.parametrize(
    ("header", "row", "told"),
    [
        ("time", "1", "no column amount"),
        ("", "", "no column time"),
        ("time,amount,password", "1,2,hunter2", "column 3"),
        ("time,amount,amount", "1,2,3", "column 3 stands there twice"),
        ("time,amount", "1,2,3", "line 2 has more or fewer cells"),
        ("time,amount", "1,-2", "line 2: amount"),
        ("time,amount", "1,2.5", "line 2: amount"),
        ("time,amount", "1," + "9" * 5_000, "line 2: amount"),
        ("time,amount", "hunter2,1", "line 2: time"),
        ("time,amount", "-1,1", "line 2: time"),
        ("time,amount", "nan,1", "line 2: time"),
        ("time,amount", "sNaN,1", "line 2: time"),
        ("time,amount", "Infinity,1", "line 2: time"),
        ("time,amount", "1e999999,1", "line 2: time"),
        ("time,amount", "1e999990,1", "line 2: time"),
        ("time,amount", "2026-01-02T00:00:01,1", "line 2: time needs a time zone"),
        ("time,amount,fraud", "1,1,yes", "line 2: fraud"),
        ("time,amount,outcome", "1,1,blocked", "line 2: outcome"),
        ("time,amount,fraud,known_at", "5,1,1,4", "line 2: known_at"),
        ("time,amount,tries", "1,1,1e400", "line 2: tries"),
        ("time,amount,has_cvc", "1,1,maybe", "line 2: has_cvc"),
        ("time,amount", "1,\0", "line 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_named_and_never_quoted(header: str, row: str, told: str) -> None:
    with pytest.raises(BadHistory) as refused:
        _read(header, row)
    assert told in str(refused.value) and "hunter2" not in str(refused.value)


def test_a_fraud_counts_for_nothing_before_it_is_known() -> None:
    keys = Keys(card=b"c" * 16)
    paid = [Paid(day * DAY_MS, 500, keys, known_ms=3 * DAY_MS if day == 0 else None) for day in range(6)]
    told = [(found.get("card_past_frauds", 0), found["card_frauds_7d"]) for _, found in attributes(paid)]
    assert told == [(0, 0), (0, 0), (0, 0), (1, 1), (1, 1), (1, 1)]
    data = table(paid)
    assert data.rows[:, features.NAMES.index("card_past_frauds")].tolist() == [0, 0, 0, 1, 1, 1]
    assert [int(data.known_at(day * DAY_MS).sum()) for day in range(4)] == [0, 0, 0, 1]


def test_a_history_out_of_order_is_refused() -> None:
    keys = Keys(card=b"c" * 16)
    with pytest.raises(ValueError, match="order"):
        table([Paid(2, 1, keys), Paid(1, 1, keys)])
