"""Ids sort by age and do not repeat; money is integers and rates round half up."""

import time
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from lockgate.kernel import ids, money


def test_ids_sort_by_age_and_do_not_repeat() -> None:
    older = [ids.new_id("pi") for _ in range(2000)]
    time.sleep(0.002)
    newer = ids.new_id("pi")
    assert len(set(older)) == 2000
    assert all(id_ < newer for id_ in older)
    assert older == sorted(older), "ids of one process sort as they were made, within a millisecond too"
    assert all(len(id_) == 25 and id_.startswith("pi_") for id_ in older)


@given(st.integers(0, 2**128 - 1), st.integers(0, 2**128 - 1))
def test_base62_keeps_the_order(a: int, b: int) -> None:
    assert (ids.base62(a, 22) < ids.base62(b, 22)) == (a < b)


def test_random_tokens_have_their_length() -> None:
    assert {len(ids.random_token(n)) for n in range(1, 40)} == set(range(1, 40))


@given(st.integers(0, money.MAX_AMOUNT), st.integers(0, 10_000))
def test_a_share_is_rounded_half_up(amount: int, rate: int) -> None:
    exact = Fraction(amount * rate, 10_000)
    assert money.share(amount, rate) == int(exact + Fraction(1, 2))


def test_amounts_for_people() -> None:
    amounts = [(2000, "usd"), (5, "usd"), (2000, "jpy"), (1234, "kwd"), (-150, "eur")]
    shown = ["20.00 USD", "0.05 USD", "2000 JPY", "1.234 KWD", "-1.50 EUR"]
    assert [money.shown(*amount) for amount in amounts] == shown


def test_exponents() -> None:
    assert [money.exponent(c) for c in ("usd", "jpy", "kwd")] == [2, 0, 3]
    assert not money.ZERO_DECIMAL & money.THREE_DECIMAL
