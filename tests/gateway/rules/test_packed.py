"""Attributes are stored small, and come back as rules saw them; the places of a layout are for ever."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.gateway.rules.core import packed
from lockgate.gateway.rules.core.catalogue import ATTRIBUTES
from lockgate.gateway.rules.core.layout import LAYOUT, SLOTS
from lockgate.gateway.rules.core.packed import LARGEST, pack, path, settled, unpack
from tests.gateway.rules.trees import UNHURRIED, payments

LENGTH, DIGEST = 249, "d3c2dba7157f54b0"


@settings(max_examples=150, deadline=None, suppress_health_check=UNHURRIED)
@given(payments())
def test_what_is_stored_is_the_settled_form(payment):
    attributes, _ = payment
    wanted = {name: value for name, given in attributes.items() if (value := settled(name, given)) is not None}
    stored = unpack(json.loads(json.dumps(pack(attributes))))
    assert stored == wanted
    assert [type(stored[name]) for name in wanted] == [type(value) for value in wanted.values()]
    assert pack(stored) == pack(attributes)
    assert "\\u0000" not in json.dumps(pack(attributes)) and "NaN" not in json.dumps(pack(attributes))


@settings(max_examples=300, deadline=None)
@given(st.integers(-(10**15) + 1, 10**15 - 1))
def test_six_decimals_survive_below_a_milliard(micro):
    value = settled("card_distance_km", micro / 10**6)
    assert value is not None
    assert round(float(value) * 10**6) == micro


@pytest.mark.parametrize(("given", "kept"), [
    (0.1 + 0.2, 0.3), (-0.0, 0), (5.0, 5), (4e-7, 0), (1e9 + 0.5, 1_000_000_000), (1e300, LARGEST), (-1e300, -LARGEST),
    (float("nan"), None), (float("inf"), None), (float("-inf"), None), (10**18, LARGEST), (7, 7),
])  # fmt: skip
def test_numbers(given, kept):
    value = settled("risk_score", given)
    assert value == kept
    assert kept is None or type(value) is type(kept)


@pytest.mark.parametrize(("name", "value"), [
    ("amount", 1.5), ("amount", True), ("amount", "5"), ("is_setup", 1), ("ip_country", 5), ("tries", False),
])  # fmt: skip
def test_a_value_of_another_type_is_a_bug(name, value):
    with pytest.raises(TypeError, match=name):
        pack({name: value})


def test_what_the_layout_does_not_know_is_kept_by_name(monkeypatch):
    monkeypatch.setattr(packed, "_PLACE", {"amount": 1})
    monkeypatch.setattr(packed, "_NUMBERS", {"amount": 1})
    row = pack({"amount": 5, "tries": 2, "ip_country": "US"})
    assert row[0] == {"layout": LAYOUT, "tries": "2", "ip_country": "US"}
    assert unpack(row) == {"amount": 5, "tries": 2, "ip_country": "US"}
    assert path("tries") == "tries"


def test_rows_of_another_layout_are_not_guessed_at():
    with pytest.raises(ValueError, match="layout"):
        unpack([{"layout": LAYOUT + 1}, "5"])


def test_places_are_for_ever():
    """Stored decisions are read by them: names are added at the end, or have no place; nothing else changes."""
    assert len(set(SLOTS)) == len(SLOTS)
    assert SLOTS[0] == "amount", "the back-test adds up what stands in the first place"
    assert hashlib.sha256(" ".join(SLOTS[:LENGTH]).encode()).hexdigest()[:16] == DIGEST
    assert not {name for name in SLOTS if ATTRIBUTES.get(name) and ATTRIBUTES[name].listed_only}


def test_a_payment_of_which_everything_is_known_is_two_kilobytes():
    row = {
        name: {"money": 123_456, "number": 17, "text": "US", "boolean": True}[one.type]
        for name, one in ATTRIBUTES.items()
        if not one.listed_only
    }
    assert len(json.dumps(pack(row), separators=(",", ":"))) < 2_600
