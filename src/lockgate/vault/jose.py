"""Strict reading of the two JOSE compact forms the vault meets: JWE by ECDH-ES with A256GCM, and signed JWS."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from lockgate.vault import crypto

MAXIMUM_BYTES = 16 * 1024
_JWE_MEMBERS = {"alg", "enc", "kid", "epk", "apu", "apv", "typ", "cty"}
_JWS_MEMBERS = {"alg", "kid", "typ", "cty"}
_TEXT_MEMBERS = ("alg", "enc", "kid", "apu", "apv", "typ", "cty")
_KEY_TYPES = {"HS256": "oct", "ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP"}
_HMAC_KEY_BYTES = 32  # RFC 7518, 3.2: at least as long as the hash


class Malformed(Exception):
    """Not a token of the one form accepted here. The message names the rule, never a value."""


def base64url(data: bytes) -> str:
    """RFC 4648 section 5 without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str) -> bytes:
    """The inverse, only for the canonical spelling: one byte string has exactly one text, so replays cannot hide."""
    try:
        data = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (ValueError, UnicodeEncodeError):
        raise Malformed("a segment is not base64url") from None
    if base64url(data) != text:
        raise Malformed("a segment is not in canonical base64url")
    return data


def parse_object(data: bytes) -> dict[str, Any]:
    """A JSON object of UTF-8 text with no name twice and no number outside JSON."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise Malformed("a JSON name stands twice")
        return members

    def refuse(_constant: str) -> None:
        raise Malformed("not a JSON number")

    try:
        parsed = json.loads(data.decode(), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(parsed, dict):
        raise Malformed("not a JSON object")
    return parsed


def jwe_header(compact: str) -> dict[str, Any]:
    """The checked protected header of a JWE of our one form. Nothing in it is authenticated before `open_jwe`."""
    header = _header(compact.split(".", 1)[0], _JWE_MEMBERS)
    if header.get("alg") != "ECDH-ES" or header.get("enc") != "A256GCM":
        raise Malformed("only ECDH-ES with A256GCM is accepted")
    epk = header.get("epk")
    if not isinstance(epk, dict) or set(epk) != {"kty", "crv", "x", "y"}:
        raise Malformed("epk must be a public EC key of kty, crv, x and y")
    return header


def open_jwe(compact: str, private_key: ec.EllipticCurvePrivateKey) -> bytes:
    """The plaintext of a JWE compact token (RFC 7516) with ECDH-ES direct agreement on P-256 and A256GCM.

    Raises `Malformed` before any key is used and `crypto.Tampered` after.
    """
    if len(compact) > MAXIMUM_BYTES:
        raise Malformed("the token is too long")
    segments = compact.split(".")
    if len(segments) != 5:
        raise Malformed("a JWE has five segments")
    header = jwe_header(compact)
    if segments[1]:
        raise Malformed("direct key agreement has no encrypted key")
    nonce, ciphertext, tag = (from_base64url(segment) for segment in segments[2:])
    if len(nonce) != crypto.NONCE_BYTES or len(tag) != crypto.TAG_BYTES:
        raise Malformed("A256GCM has a 12-byte nonce and a 16-byte tag")
    shared = private_key.exchange(ec.ECDH(), p256_public(header["epk"]))
    key = concat_kdf(shared, apu=from_base64url(header.get("apu", "")), apv=from_base64url(header.get("apv", "")))
    return crypto.decrypt(key, nonce, ciphertext=ciphertext + tag, associated=segments[0].encode())


def concat_kdf(shared: bytes, *, apu: bytes, apv: bytes) -> bytes:
    """The content key of RFC 7518, 4.6: one SHA-256 block of the Concat KDF for A256GCM."""
    other = crypto.bind("A256GCM", apu, apv) + (256).to_bytes(4, "big")
    return hashlib.sha256((1).to_bytes(4, "big") + shared + other).digest()


def p256_public(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    """A P-256 public key from its JWK members; the point must lie on the curve."""
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise Malformed("the key is not on P-256")
    x, y = _member(jwk, "x"), _member(jwk, "y")
    if len(x) != 32 or len(y) != 32:
        raise Malformed("a P-256 coordinate has 32 bytes")
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
    except ValueError:
        raise Malformed("the point is not on the curve") from None


def verify_jws(compact: str, jwk: Mapping[str, Any]) -> bytes:
    """The payload of a JWS compact token (RFC 7515) signed by ``jwk``, whose own ``alg`` alone decides the algorithm.

    Raises `Malformed`, or `crypto.Tampered` when the signature does not hold.
    """
    if len(compact) > MAXIMUM_BYTES:
        raise Malformed("the token is too long")
    segments = compact.split(".")
    if len(segments) != 3:
        raise Malformed("a JWS has three segments")
    header = _header(segments[0], _JWS_MEMBERS)
    algorithm = jwk.get("alg")
    if not isinstance(algorithm, str) or _KEY_TYPES.get(algorithm) != jwk.get("kty"):
        raise Malformed("the key names no algorithm that is accepted here")
    if jwk.get("use", "sig") != "sig" or not {"sign", "verify"} & set(jwk.get("key_ops", ["verify"])):
        raise Malformed("the key is not for signatures")
    if header.get("alg") != algorithm or ("kid" in header and header["kid"] != jwk.get("kid")):
        raise Malformed("the token names another algorithm or key")
    payload, signature = from_base64url(segments[1]), from_base64url(segments[2])
    data = f"{segments[0]}.{segments[1]}".encode()
    if not _signature_holds(algorithm, jwk, signature=signature, data=data):
        raise crypto.Tampered("the signature does not hold")
    return payload


def _signature_holds(algorithm: str, jwk: Mapping[str, Any], *, signature: bytes, data: bytes) -> bool:
    if algorithm == "HS256":
        key = _member(jwk, "k")
        if len(key) < _HMAC_KEY_BYTES:
            raise Malformed("an HS256 key has at least 32 bytes")
        return hmac.compare_digest(crypto.mac(key, data), signature)
    if algorithm == "ES256":
        return crypto.verify_es256(p256_public(jwk), signature, data=data)
    return jwk.get("crv") == "Ed25519" and crypto.verify_ed25519(_member(jwk, "x"), signature, data=data)


def _member(jwk: Mapping[str, Any], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise Malformed("the key lacks a member")
    return from_base64url(value)


def _header(segment: str, allowed: set[str]) -> dict[str, Any]:
    header = parse_object(from_base64url(segment))
    # A closed list refuses crit and zip, and every way to bring one's own key (jwk, jku, x5c, x5u).
    if not set(header) <= allowed:
        raise Malformed("a header parameter is not accepted")
    if not all(isinstance(header[name], str) for name in _TEXT_MEMBERS if name in header):
        raise Malformed("a header parameter is not text")
    return header
