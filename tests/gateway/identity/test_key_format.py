"""The form of API keys: a typo is told from a guess, and random text never looks like a key."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.identity import keys
from lockgate.gateway.identity.core import key_format

ACCOUNT = "acct_0123456789abcdef"
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(("kind", "prefix"), [("secret", "sk"), ("publishable", "pk"), ("restricted", "rk")])
@pytest.mark.parametrize(("livemode", "mode"), [(False, "test"), (True, "live")])
def test_a_key_says_what_it_is(kind, prefix, livemode, mode):
    text = keys.draw(kind, livemode=livemode, account=ACCOUNT)
    assert text.startswith(f"{prefix}_{mode}_0123456789abcdef")
    assert key_format.parse(text) == (kind, livemode, ACCOUNT)
    assert len(text) == 8 + 16 + 27 + 6


def test_two_keys_are_never_alike():
    assert len({keys.draw("secret", livemode=False, account=ACCOUNT) for _ in range(1000)}) == 1000


@given(place=st.integers(0, 56), letter=st.sampled_from(LETTERS))
def test_every_single_typo_is_noticed(place, letter):
    text = key_format.build("secret", livemode=False, account=ACCOUNT, random="A" * 27)
    wrong = text[:place] + letter + text[place + 1 :]
    assert (key_format.parse(wrong) is None) == (wrong != text)


def test_swapped_neighbours_are_noticed():
    text = keys.draw("secret", livemode=False, account=ACCOUNT)
    for place in range(8, len(text) - 1):
        swapped = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
        assert swapped == text or key_format.parse(swapped) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sk_test_",
        "sk_test_abc",
        "pk",
        "sk_prod_" + "a" * 49,
        "xk_test_" + "a" * 49,
        "sk_test_" + "é" * 49,
        "sk_test_" + "a" * 5000,
        " sk_test_" + "a" * 49,
    ],
)
def test_other_text_is_no_key(text):
    assert key_format.parse(text) is None


def test_the_scanner_finds_keys_and_nothing_else_in_ten_megabytes():
    noise = random.Random(7)
    planted = [keys.draw("secret", livemode=True, account=ACCOUNT) for _ in range(3)]
    pieces = []
    for number in range(10):
        body = "".join(noise.choices(LETTERS + "_ \n", k=700_000))
        pieces.append(body + " " + " ".join(f"sk_live_{''.join(noise.choices(LETTERS, k=49))}" for _ in range(5_200)))
        if number < 3:
            pieces.append(f' key="{planted[number]}" ')
    text = "".join(pieces)
    assert len(text) > 10_000_000
    assert list(key_format.find_in(text)) == planted


def test_a_hint_does_not_open_anything():
    text = keys.draw("secret", livemode=True, account=ACCOUNT)
    assert key_format.hint(text) == f"sk_live_...{text[-4:]}"


def test_the_hash_needs_the_pepper():
    text = keys.draw("secret", livemode=True, account=ACCOUNT)
    assert keys.hashed(b"a" * 32, text) != keys.hashed(b"b" * 32, text)
    assert len(keys.hashed(b"a" * 32, text)) == 32
