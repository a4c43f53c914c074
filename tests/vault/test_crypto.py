"""The cryptographic wrappers against Wycheproof's vectors, and their promise to notice every altered bit."""

import pytest

from lockgate.kernel import jws
from lockgate.vault import crypto
from tests.vault.conftest import vectors


def _hex(test: dict, *names: str) -> list[bytes]:
    return [bytes.fromhex(test[name]) for name in names]


def test_aes_gcm_vectors() -> None:
    valid = 0
    for group in vectors("aes_gcm_test"):
        for test in group["tests"]:
            key, nonce, aad, text, ciphertext, tag = _hex(test, "key", "iv", "aad", "msg", "ct", "tag")
            if group["ivSize"] != 96:
                with pytest.raises((crypto.Tampered, ValueError)):
                    crypto.decrypt(key, nonce, ciphertext=ciphertext + tag, associated=aad)
            elif test["result"] == "valid":
                valid += 1
                assert crypto.encrypt(key, nonce, plaintext=text, associated=aad) == ciphertext + tag
                assert crypto.decrypt(key, nonce, ciphertext=ciphertext + tag, associated=aad) == text
            else:
                with pytest.raises(crypto.Tampered):
                    crypto.decrypt(key, nonce, ciphertext=ciphertext + tag, associated=aad)
    assert valid > 100


def test_key_wrap_vectors() -> None:
    valid = 0
    for group in vectors("aes_wrap_test"):
        for test in group["tests"]:
            kek, key, wrapped = _hex(test, "key", "msg", "ct")
            if test["result"] == "invalid":
                with pytest.raises(crypto.Tampered):
                    crypto.unwrap_raw(kek, wrapped)
            elif test["result"] == "valid":
                valid += 1
                assert crypto.unwrap_raw(kek, wrapped) == key
                assert crypto.wrap_raw(kek, key) == wrapped
    assert valid > 20


def test_padded_key_wraps_are_not_taken_for_ours() -> None:
    for group in vectors("aes_kwp_test"):
        for test in group["tests"]:
            kek, _key, wrapped = _hex(test, "key", "msg", "ct")
            if test["result"] == "valid":  # some invalid ones are sound wraps without padding
                with pytest.raises(crypto.Tampered):
                    crypto.unwrap_raw(kek, wrapped)


def test_hmac_vectors() -> None:
    for group in vectors("hmac_sha256_test"):
        for test in group["tests"]:
            key, text, tag = _hex(test, "key", "msg", "tag")
            same = crypto.equal(crypto.mac(key, text)[: group["tagSize"] // 8], tag)
            assert same == (test["result"] == "valid"), test["tcId"]


def test_hkdf_vectors() -> None:
    for group in vectors("hkdf_sha256_test"):
        for test in group["tests"]:
            key, salt, info, expected = _hex(test, "ikm", "salt", "info", "okm")
            if test["result"] == "valid":
                assert crypto.derive(key, info=info, salt=salt, length=test["size"]) == expected
            else:
                with pytest.raises(ValueError, match="8160"):
                    crypto.derive(key, info=info, salt=salt, length=test["size"])


def test_ed25519_vectors() -> None:
    for group in vectors("ed25519_test"):
        public = bytes.fromhex(group["publicKey"]["pk"])
        for test in group["tests"]:
            text, signature = _hex(test, "msg", "sig")
            assert jws.verify_ed25519(public, signature, data=text) == (test["result"] == "valid"), test["tcId"]


def test_every_flipped_bit_and_every_foreign_context_is_noticed() -> None:
    key = crypto.new_key()
    sealed = crypto.seal(key, b"4242424242424242", associated=b"here")
    assert crypto.unseal(key, sealed, associated=b"here") == b"4242424242424242"
    for bit in range(len(sealed) * 8):
        altered = bytearray(sealed)
        altered[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(crypto.Tampered):
            crypto.unseal(key, bytes(altered), associated=b"here")
    for short in range(len(sealed)):
        with pytest.raises(crypto.Tampered):
            crypto.unseal(key, sealed[:short], associated=b"here")
    with pytest.raises(crypto.Tampered):
        crypto.unseal(key, sealed, associated=b"there")


def test_a_wrapped_key_serves_in_its_own_context_only() -> None:
    kek, key = crypto.new_key(), crypto.new_key()
    wrapped = crypto.wrap_key(kek, key, context=crypto.bind("a", "bc"))
    assert len(wrapped) == crypto.WRAPPED_KEY_BYTES
    assert crypto.unwrap_key(kek, wrapped, context=crypto.bind("a", "bc")) == key
    with pytest.raises(crypto.Tampered):
        crypto.unwrap_key(kek, wrapped, context=crypto.bind("ab", "c"))
    with pytest.raises(crypto.Tampered):
        crypto.unwrap_key(crypto.new_key(), wrapped, context=crypto.bind("a", "bc"))


def test_bind_is_unambiguous() -> None:
    assert len({crypto.bind("a", "bc"), crypto.bind("ab", "c"), crypto.bind("abc"), crypto.bind("a", "b", "c")}) == 4
