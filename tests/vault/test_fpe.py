"""FF1 against all Wycheproof vectors, and the refusal of domains that are too small to hide in."""

import pytest

from lockgate.vault.fpe import DIGITS, FF1, MINIMUM_DOMAIN, DomainRefused
from tests.vault.conftest import vectors


@pytest.mark.parametrize("name", ["aes_ff1_base10_test", "aes_ff1_base36_test", "aes_ff1_radix10_test"])
def test_vectors(name: str) -> None:
    matched = 0
    for group in vectors(name):
        alphabet = group.get("alphabet", DIGITS)
        for test in group["tests"]:
            key, tweak = bytes.fromhex(test["key"]), bytes.fromhex(test["tweak"])
            text, expected = test["msg"], test["ct"]
            if test["result"] == "invalid" or group["radix"] ** len(text) < MINIMUM_DOMAIN:
                with pytest.raises(ValueError, match=r"."):
                    _encrypt(FF1(key, alphabet=alphabet), text, tweak)
                continue
            cipher = FF1(key, alphabet=alphabet)
            assert _encrypt(cipher, text, tweak) == expected, test["tcId"]
            assert _decrypt(cipher, expected, tweak) == text, test["tcId"]
            matched += 1
    assert matched > 2000


def _encrypt(cipher: FF1, text: str | list[int], tweak: bytes) -> str | list[int]:
    return cipher.encrypt(text, tweak) if isinstance(text, str) else cipher.encrypt_numerals(text, tweak)


def _decrypt(cipher: FF1, text: str | list[int], tweak: bytes) -> str | list[int]:
    return cipher.decrypt(text, tweak) if isinstance(text, str) else cipher.decrypt_numerals(text, tweak)


def test_nist_sample_one() -> None:
    """The first sample of NIST's FF1 examples, independent of the vector files."""
    cipher = FF1(bytes.fromhex("2B7E151628AED2A6ABF7158809CF4F3C"))
    assert cipher.encrypt("0123456789") == "2433477484"
    assert cipher.encrypt("0123456789", bytes.fromhex("39383736353433323130")) == "6124200773"
    assert cipher.decrypt("2433477484") == "0123456789"


def test_one_shared_context_gives_what_fresh_ones_give() -> None:
    key = bytes(range(32))
    shared = FF1(key)
    texts = [f"{n * 7919:0{6 + n % 40}d}" for n in range(500)]
    mixed = [shared.encrypt(text, bytes(n % 23)) for n, text in enumerate(texts)]
    assert mixed == [FF1(key).encrypt(text, bytes(n % 23)) for n, text in enumerate(texts)]
    assert [shared.decrypt(text, bytes(n % 23)) for n, text in enumerate(mixed)] == texts


def test_small_domains_are_refused() -> None:
    cipher = FF1(bytes(32))
    assert len(cipher.encrypt("424242")) == 6  # sixteen digits with 6+4 kept: exactly a million
    for refused in ("42424", "4242", "", "1"):
        with pytest.raises(DomainRefused):
            cipher.encrypt(refused)
    with pytest.raises(DomainRefused):
        FF1(bytes(32), alphabet="01").encrypt("1" * 19)
    assert len(FF1(bytes(32), alphabet="01").encrypt("1" * 20)) == 20


def test_what_lies_outside_the_format_is_refused() -> None:
    cipher = FF1(bytes(32))
    for refused in ("12345a", "123456 ", "\uff11\uff12\uff13\uff14\uff15\uff16", "-12345"):
        with pytest.raises(DomainRefused):
            cipher.encrypt(refused)
    with pytest.raises(DomainRefused):
        cipher.encrypt_number(10**6, 6)
    with pytest.raises(DomainRefused):
        cipher.encrypt_numerals([0, 0, 0, 0, 0, 10])
