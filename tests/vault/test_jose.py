"""The reader of sealed cards against Wycheproof: not one false accept, and every token of our own form opened."""

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from lockgate.kernel import jws
from lockgate.vault import crypto, jose
from tests.vault.conftest import vectors

REFUSALS = (jws.Malformed, crypto.Tampered)


def _private(jwk: dict[str, Any]) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(jws.from_base64url(jwk["d"]), "big"), ec.SECP256R1())


def _text(token: Any) -> str:
    """Some vectors carry the JSON serialisation: it reaches a reader of compact tokens as text like any other."""
    return token if isinstance(token, str) else json.dumps(token)


def _opened(token: Any, key: ec.EllipticCurvePrivateKey) -> bytes | None:
    try:
        return jose.open_jwe(_text(token), key)
    except REFUSALS:
        return None


@pytest.mark.parametrize("name", ["json_web_encryption_test", "json_web_crypto_test"])
def test_jwe_vectors(name: str) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    opened = 0
    for group in vectors(name):
        jwk = group.get("private", {})
        key = _private(jwk) if jwk.get("crv") == "P-256" else stranger
        for test in group["tests"]:
            if "jwe" not in test:
                continue
            plaintext = _opened(test["jwe"], key)
            if plaintext is None:
                ours = jwk.get("alg") == "ECDH-ES" and test.get("enc") == "A256GCM"
                assert not (ours and test["result"] == "valid"), test["tcId"]
            else:
                opened += 1
                assert test["result"] == "valid", test["tcId"]
                assert plaintext.hex() == test["pt"]
    assert opened == (1 if name == "json_web_encryption_test" else 0)


@pytest.mark.parametrize(
    "extra",
    [{"crit": ["exp"], "exp": 1}, {"zip": "DEF"}, {"jwk": {}}, {"alg": "ECDH-ES+A128KW"}, {"enc": "A128GCM"},
     {"epk": {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "d": "AA"}}, {"apu": 1}, {"epk": "x"}],
)  # fmt: skip
def test_other_headers_are_refused_before_a_key_is_used(extra: dict[str, Any]) -> None:
    epk = {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}
    header = {"alg": "ECDH-ES", "enc": "A256GCM", "kid": "k", "epk": epk} | extra
    with pytest.raises(jws.Malformed):
        jose.jwe_header(jws.base64url(json.dumps(header).encode()) + "....")
