"""Nothing that an order sent survives in its answer, and references do."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.kernel.luhn import with_check_digit
from lockgate.vault.clean import REMOVED, Cleaner, Sent

NUMBER = "4242424242424242"
KEY = "key/with+odd&chars=="
CLEANER = Cleaner(Sent(NUMBER, "987", (KEY,)), ("reference", "id"))


def _spellings(value: str) -> dict[str, bytes]:
    raw = value.encode()
    return {
        "plain": raw,
        "json": json.dumps({"echo": value}).encode(),
        "json escapes": b'{"echo":"' + b"".join(b"\\u%04x" % byte for byte in raw) + b'"}',
        "json inside json": json.dumps({"echo": json.dumps({"n": value})}).encode(),
        "json key": json.dumps({value: 1}).encode(),
        "form": b"a=1&echo=" + quote(value, safe="").encode(),
        "percent": b"".join(b"%%%02X" % byte for byte in raw),
        "html": "".join(f"&#{byte};" for byte in raw).encode(),
        "hex": raw.hex().encode(),
        "text around": b"<e>card " + raw + b" refused</e>",
        **{f"base64 {offset}": base64.b64encode(b"x" * offset + raw + b"yy") for offset in range(3)},
        "base64url": base64.urlsafe_b64encode(b'{"n":"' + raw + b'"}'),
    }


@pytest.mark.parametrize("spelling", _spellings(NUMBER))
@pytest.mark.parametrize("value", [NUMBER, KEY])
def test_a_value_goes_in_every_spelling(value: str, spelling: str) -> None:
    written = _spellings(value)[spelling]
    cleaned = CLEANER.body(written)
    assert cleaned != written
    assert written not in cleaned
    assert REMOVED.encode() in cleaned


@pytest.mark.parametrize(
    "written",
    [b"4242 4242 4242 4242", b"4242-4242-4242-4242", b'{"n":4242424242424242}', b'{"n":"x4242424242424242x"}'],
)
def test_a_number_goes_however_it_is_spaced(written: bytes) -> None:
    assert REMOVED.encode() in CLEANER.body(written)


def test_a_duplicate_name_hides_nothing() -> None:
    cleaned = CLEANER.body(b'{"reference":"4242424242424242","reference":"1"}')
    assert NUMBER.encode() not in cleaned


def test_the_code_goes_as_a_value_and_an_amount_that_looks_like_it_stays() -> None:
    body = {"cvc": "987", "cvv2": 987, "amount": 987, "id": "987", "text": "code 9876"}
    cleaned = json.loads(CLEANER.body(json.dumps(body).encode()))
    assert cleaned == {"cvc": REMOVED, "cvv2": REMOVED, "amount": 987, "id": "987", "text": "code 9876"}


def test_other_card_numbers_go_and_declared_references_stay() -> None:
    other = "5555555555554444"
    body = {"reference": other, "id": other, "card": other, "list": [{"deep": f"was {other}"}], "n": int(other)}
    cleaned = json.loads(CLEANER.body(json.dumps(body).encode()))
    assert cleaned == {
        "reference": other, "id": other, "card": REMOVED, "list": [{"deep": f"was {REMOVED}"}], "n": REMOVED,
    }  # fmt: skip
    assert CLEANER.body(f"reference={other}&card={other}".encode()) == f"reference={other}&card={REMOVED}".encode()


def test_this_orders_number_goes_even_from_a_reference() -> None:
    assert json.loads(CLEANER.body(json.dumps({"reference": NUMBER}).encode())) == {"reference": REMOVED}


@pytest.mark.parametrize("number", ["4242424242424241", "9999999999999995", "1234567890123456"])
def test_numbers_that_cannot_be_cards_stay(number: str) -> None:
    body = json.dumps({"trace": number}).encode()
    assert CLEANER.body(body) == body


def test_bytes_that_need_no_cleaning_are_the_same_bytes() -> None:
    body = b'{ "status" : "approved", "amount": 1.10, "id": "au_0PZ7abcdefghijklmnopqrst" }'
    assert CLEANER.body(body) is body


@given(st.integers(0, 10**15 - 1), st.binary(max_size=40), st.binary(max_size=40))
def test_no_number_ever_survives_in_plain_text(serial: int, before: bytes, after: bytes) -> None:
    number = with_check_digit(f"{serial:015d}")
    cleaned = Cleaner(Sent(number)).body(before + number.encode() + after)
    assert number.encode() not in cleaned


@given(st.recursive(st.text() | st.integers() | st.booleans() | st.none() | st.just(NUMBER),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))  # fmt: skip
def test_no_number_ever_survives_in_json(document: object) -> None:
    cleaned = CLEANER.body(json.dumps(document).encode())
    assert NUMBER.encode() not in cleaned
    json.loads(cleaned)
