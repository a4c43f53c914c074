"""A card's number is known where it is written, and nothing else is taken for one."""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.kernel.card_ranges import holds_card
from lockgate.kernel.errors import Refusal
from lockgate.kernel.params import Metadata, Object, Text, optional
from lockgate.kernel.testcards import BY_NUMBER, synthetic


def written(number: str) -> list[str]:
    groups = [number[i : i + 4] for i in range(0, len(number), 4)]
    return [number, " ".join(groups), "-".join(groups), f"card: {number}.", f"({number})", f"a=1;pan={number};b=2"]


@given(st.integers(0, 10**9 - 1))
def test_a_number_is_known_as_people_write_it(serial: int) -> None:
    for text in written(synthetic(serial)):
        assert holds_card(text), "a written card number was not known"


def test_every_published_number_is_known() -> None:
    for number in BY_NUMBER:
        assert holds_card(f"paid with {number}")
    assert holds_card("3782 822463 10005")


@pytest.mark.parametrize(
    "text",
    ["", "4242", "order 2026112100012345", "1795242425000", "+49 151 2345 6789", "+4915123456789", "4242424242424241",
     "2026-11-21 06:27:05", "0351HueotFvNWM7SZT5bI1Z", "a4242424242424242", "1234567890123456", "0000000000000000"],
)
def test_other_digits_are_not(text: str) -> None:
    assert not holds_card(text)


@given(st.uuids())
def test_a_uuid_never_is(value: uuid.UUID) -> None:
    assert not holds_card(str(value)) and not holds_card(f"order-{value}")


def test_parameters_refuse_it_by_name_and_never_show_it() -> None:
    number = synthetic(7)
    params = Object({"note": optional(Text()), "metadata": optional(Metadata()), "number": optional(Text(secret=True))})
    for raw in ({"note": f"card {number}"}, {"metadata": {"card": number}}, {"metadata": {number: "x"}}):
        with pytest.raises(Refusal) as refused:
            params.parse(raw, "")
        assert refused.value.code == "parameter_holds_card_number"
        assert refused.value.param == next(iter(raw))
        assert number not in refused.value.message
    assert params.parse({"number": number}, "") == {"number": number}
