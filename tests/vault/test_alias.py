"""Aliases: never Luhn-valid, never twice, and exhausted rather than repeated."""

import itertools

import pytest

from lockgate.kernel.luhn import luhn_valid
from lockgate.vault.alias import alias, capacity
from lockgate.vault.fpe import FF1

CIPHER = FF1(bytes(range(32)))


def test_120000_aliases_are_unique_and_none_passes_the_luhn_check() -> None:
    made = [alias(CIPHER, counter, pan_length=16, last4="4242") for counter in range(120_000)]
    assert len(set(made)) == len(made)
    assert not any(map(luhn_valid, made))
    assert all(len(number) == 16 and number[0] == "9" and number[-4:] == "4242" for number in made)


@pytest.mark.parametrize(("length", "last4"), list(itertools.product(range(12, 20), ["0000", "1117", "9999"])))
def test_every_length_and_ending(length: int, last4: str) -> None:
    counters = [*range(300), capacity(length) // 2, capacity(length) - 1]
    made = [alias(CIPHER, counter, pan_length=length, last4=last4) for counter in counters]
    assert len(set(made)) == len(made)
    assert not any(map(luhn_valid, made))
    assert {len(number) for number in made} == {length}


def test_the_walk_is_a_permutation_of_a_whole_domain() -> None:
    """All 900,000 aliases of the smallest domain that FF1 serves, with a 7-digit middle: sampled by residue."""
    made = {alias(CIPHER, counter, pan_length=12, last4="0004") for counter in range(0, capacity(12), 61)}
    assert len(made) == len(range(0, capacity(12), 61))


def test_an_alias_says_nothing_about_its_neighbour() -> None:
    one, two = (int(alias(CIPHER, counter, pan_length=16, last4="4242")[1:12]) for counter in (7, 8))
    assert abs(one - two) > 1000


def test_used_up_and_impossible_requests_are_refused() -> None:
    for counter in (-1, capacity(16)):
        with pytest.raises(ValueError, match="used up"):
            alias(CIPHER, counter, pan_length=16, last4="4242")
    for length in (11, 20):
        with pytest.raises(ValueError, match="12 to 19"):
            alias(CIPHER, 1, pan_length=length, last4="4242")
    for last4 in ("424", "42425", "\uff14\uff12\uff14\uff12", "abcd"):
        with pytest.raises(ValueError, match="four digits"):
            alias(CIPHER, 1, pan_length=16, last4=last4)
