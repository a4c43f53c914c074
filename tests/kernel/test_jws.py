"""The reader of signed tokens against Wycheproof, and against the ways in which tokens have been forged."""

import json
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from lockgate.kernel import jws
from tests.vault.conftest import vectors

REFUSALS = (jws.Malformed, jws.Forged)
KEY = ec.generate_private_key(ec.SECP256R1())
JWK = jws.public_jwk(KEY.public_key(), kid="k1")


def _text(token: Any) -> str:
    """Some vectors carry the JSON serialisation: it reaches a reader of compact tokens as text like any other."""
    return token if isinstance(token, str) else json.dumps(token)


def _verified(token: Any, jwk: dict[str, Any]) -> bytes | None:
    try:
        return jws.verify(_text(token), jwk)
    except REFUSALS:
        return None


@pytest.mark.parametrize("name", ["json_web_signature_test", "json_web_crypto_test", "json_web_key_test"])
def test_jws_vectors(name: str) -> None:
    """The file contradicts itself twice: 367 and 370 repeat the valid 357, and 372 and 373 hold a "?" yet are valid."""
    accepted = refused = 0
    for group in vectors(name):
        keys = [group.get("public") or group["private"]]
        keys = keys[0].get("keys", keys)
        if len(keys) > 1:
            continue  # about choosing from a key set; this reader is given the one key
        valid = {_text(test["jws"]) for test in group["tests"] if "jws" in test and test["result"] == "valid"}
        for test in group["tests"]:
            if "jws" not in test:
                continue
            token = _text(test["jws"])
            if _verified(token, keys[0]) is not None:
                accepted += 1
                assert token in valid, (group["comment"], test["tcId"])
            else:
                refused += 1
                ours = keys[0].get("alg") in ("HS256", "ES256") and re.fullmatch(r"[\w.-]+", token, re.ASCII)
                assert token not in valid or not ours, (group["comment"], test["tcId"])
    assert accepted >= 1
    assert refused >= 20


def test_ecdsa_vectors() -> None:
    for group in vectors("ecdsa_secp256r1_sha256_p1363_test"):
        point = bytes.fromhex(group["publicKey"]["uncompressed"])
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        for test in group["tests"]:
            held = jws.verify_es256(public, bytes.fromhex(test["sig"]), data=bytes.fromhex(test["msg"]))
            assert held == (test["result"] == "valid"), test["tcId"]


@pytest.mark.parametrize("text", ["YQ==", "YR", "Y", "Y+", "Y/", " YQ", "YQ\n", "Y\u0661"])
def test_only_canonical_base64url(text: str) -> None:
    with pytest.raises(jws.Malformed):
        jws.from_base64url(text)


def test_base64url_round_trip() -> None:
    for size in range(70):
        assert jws.from_base64url(jws.base64url(bytes(range(size)))) == bytes(range(size))


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', "[]", "{", '{"a":NaN}', '"a"', "\xff", "[" * 100_000])
def test_only_strict_json_objects(text: str) -> None:
    with pytest.raises(jws.Malformed):
        jws.parse_object(text.encode("latin-1"))


def _token(head: dict[str, Any], *, claims: bytes = b"{}") -> str:
    """A token whose header is ``head``, signed properly over just these bytes."""
    good = jws.sign({}, KEY, kid="k1", typ="at+jwt")
    return ".".join((jws.base64url(json.dumps(head).encode()), jws.base64url(claims), good.split(".")[2]))


def test_what_was_signed_is_read_back() -> None:
    token = jws.sign({"sub": "x"}, KEY, kid="k1", typ="at+jwt")
    assert json.loads(jws.verify(token, JWK, typ="at+jwt")) == {"sub": "x"}


@pytest.mark.parametrize("typ", ["session+jwt", "jwt", "", "dpop+jwt"])
def test_a_token_of_one_type_is_none_of_another(typ: str) -> None:
    with pytest.raises(jws.Malformed):
        jws.verify(jws.sign({}, KEY, kid="k1", typ="at+jwt"), JWK, typ=typ)


@pytest.mark.parametrize(
    "change",
    [{"alg": "none"}, {"alg": "HS256"}, {"alg": "RS256"}, {"alg": "ES384"}, {"kid": "../../etc/passwd"},
     {"kid": "' or 1=1 --"}, {"jku": "https://x.example"}, {"x5u": "https://x.example"}, {"x5c": ["AA"]},
     {"jwk": {"kty": "EC"}}, {"crit": ["exp"]}, {"b64": False}, {"zip": "DEF"}, {"typ": 1}],
)  # fmt: skip
def test_a_header_that_asks_for_something_else_is_refused(change: dict[str, Any]) -> None:
    head = {"alg": "ES256", "kid": "k1", "typ": "at+jwt"} | change
    with pytest.raises(REFUSALS):
        jws.verify(_token(head), JWK, typ="at+jwt")


def test_no_public_key_serves_as_a_shared_secret() -> None:
    with pytest.raises(jws.Malformed):
        jws.verify(_token({"alg": "HS256", "kid": "k1"}), {**JWK, "kty": "oct", "alg": "HS256"})


@pytest.mark.parametrize("part", [0, 1, 2])
def test_every_changed_part_is_found(part: int) -> None:
    parts = jws.sign({"sub": "x"}, KEY, kid="k1", typ="at+jwt").split(".")
    for place in range(len(parts[part])):
        flipped = "A" if parts[part][place] != "A" else "B"
        changed = [*parts]
        changed[part] = parts[part][:place] + flipped + parts[part][place + 1 :]
        with pytest.raises(REFUSALS):
            jws.verify(".".join(changed), JWK, typ="at+jwt")


def test_the_thumbprint_is_that_of_rfc_7638() -> None:
    known = {  # the example of section 3.1
        "kty": "RSA", "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjB"
        "ZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8"
        "KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
        "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    }  # fmt: skip
    assert jws.thumbprint(known) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


@pytest.mark.parametrize(
    "extra",
    [{"d": "AA"}, {"alg": "HS256"}, {"alg": "RS256"}, {"use": "enc"}, {"key_ops": ["encrypt"]}, {"x": "AA"}],
)
def test_only_public_keys_for_signatures_are_taken(extra: dict[str, Any]) -> None:
    jws.check_public(JWK)
    with pytest.raises(jws.Malformed):
        jws.check_public(JWK | extra)
