"""Attributes are stored small, and come back as rules saw them; the places of a layout are for ever."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.gateway.rules.core import packed
from lockgate.gateway.rules.core.catalogue import ATTRIBUTES
from lockgate.gateway.rules.core.layout import LAYOUT, LISTED, LISTED_FROM, SLOTS, WIDTH
from lockgate.gateway.rules.core.packed import LARGEST, memberships, pack, path, settle, settled, unpack
from tests.gateway.rules.trees import UNHURRIED, payments

LENGTH, DIGEST = 249, "d3c2dba7157f54b0"
LISTED_LENGTH, LISTED_DIGEST = 18, "2b0904560c30bd3a"


def kept(written):
    """What is read again of what was written."""
    others, named, lists = json.loads(json.dumps(written[1:]))
    return packed.Packed(written.row, others, named, lists)


def stored_of(attributes):
    """``attributes`` as they come back."""
    row, others, named, _ = kept(pack(attributes))
    return unpack(row, others, named)


@settings(max_examples=150, deadline=None, suppress_health_check=UNHURRIED)
@given(payments())
def test_what_is_stored_is_the_settled_form(payment):
    attributes, lists = payment
    wanted = {name: value for name, given in attributes.items() if (value := settled(name, given)) is not None}
    row, others, named, said = kept(pack(settle(attributes), lists))
    stored = unpack(row, others, named)
    assert stored == wanted == settle(attributes)
    assert [type(stored[name]) for name in wanted] == [type(value) for value in wanted.values()]
    assert pack(stored, lists) == pack(settle(attributes), lists)
    assert "\\u0000" not in json.dumps([others, named]) and "NaN" not in json.dumps([others, named])
    assert {name: list(aliases) for name, aliases in memberships(row, said).items()} == lists


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
        settled(name, value)


def test_what_the_layout_does_not_know_is_kept_by_name(monkeypatch):
    slots = tuple(name for name in SLOTS if name not in ("tries", "ip_country", "is_setup"))
    monkeypatch.setattr(packed, "SLOTS", slots)
    monkeypatch.setattr(packed, "_PLACE", {name: place for place, name in enumerate(slots, start=1)})
    monkeypatch.setattr(packed, "_ROOM", bytes(LISTED_FROM - 1 - len(slots)))
    given_ = {"amount": 5, "tries": 2, "ip_country": "US", "is_setup": True, "risk_score": 0.5}
    row, others, named, _ = kept(pack(given_))
    assert named == {"tries": "2", "ip_country": "US", "is_setup": True}
    assert unpack(row, others, named) == given_
    assert path("tries") is None


def test_more_values_than_a_byte_can_name_are_kept_by_name():
    moneys = [name for name in SLOTS if ATTRIBUTES[name].type in ("money", "number")]
    many = {name: 1000 + number for number, name in enumerate(moneys)}
    row, others, named, _ = kept(pack(many))
    assert len(others) == packed.SMALL - 1 and len(named) == len(many) - len(others) + 1
    assert unpack(row, others, named) == many


def test_a_value_that_stands_twice_is_stored_once():
    row, others, named, _ = pack({"card_amount_1h": 4321, "card_amount_24h": 4321, "card_bin": "4321", "tries": 3})
    assert (others, named) == ([None, "4321"], {})
    assert [row[place] for name in ("tries", "is_setup") if (place := path(name))] == [packed.SMALL + 3, 0]


def test_rows_of_another_layout_are_not_guessed_at():
    row, others, named, _ = pack({"amount": 5})
    with pytest.raises(ValueError, match="layout"):
        unpack(bytes([LAYOUT + 1]) + row[1:], others, named)
    with pytest.raises(ValueError, match="layout"):
        unpack(row[:-1], others, named)


def test_places_are_for_ever():
    """Stored decisions are read by them: names are added at the end, or have no place; nothing else changes."""
    assert len(set(SLOTS)) == len(SLOTS)
    assert SLOTS[0] == "amount", "the back-test adds up what stands in the first place"
    assert hashlib.sha256(" ".join(SLOTS[:LENGTH]).encode()).hexdigest()[:16] == DIGEST
    assert not {name for name in SLOTS if ATTRIBUTES.get(name) and ATTRIBUTES[name].listed_only}
    assert len(set(LISTED)) == len(LISTED)
    assert hashlib.sha256(" ".join(LISTED[:LISTED_LENGTH]).encode()).hexdigest()[:16] == LISTED_DIGEST
    assert len(SLOTS) < LISTED_FROM and LISTED_FROM + len(LISTED) <= WIDTH


def test_a_payment_of_which_everything_is_known_is_half_a_kilobyte():
    row = {
        name: {"money": 123_456, "number": 17, "text": "US", "boolean": True}[one.type]
        for name, one in ATTRIBUTES.items()
        if not one.listed_only
    }
    stored = pack(row)
    assert len(stored.row) + len(json.dumps(stored.others)) < 500
    assert stored_of(row) == row
