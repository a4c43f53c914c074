"""Strict reading of the one JOSE form that the vault opens: JWE compact by ECDH-ES with A256GCM."""

import hashlib
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from lockgate.kernel.jws import MAXIMUM_BYTES, Malformed, from_base64url, p256_public, parse_object
from lockgate.vault import crypto

_MEMBERS = {"alg", "enc", "kid", "epk", "apu", "apv", "typ", "cty"}
_TEXT_MEMBERS = ("alg", "enc", "kid", "apu", "apv", "typ", "cty")


def jwe_header(compact: str) -> dict[str, Any]:
    """The checked protected header of a JWE of our one form. Nothing in it is authenticated before `open_jwe`."""
    header = _header(compact.split(".", 1)[0])
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


def _header(segment: str) -> dict[str, Any]:
    header = parse_object(from_base64url(segment))
    # A closed list refuses crit and zip, and every way to bring one's own key (jwk, jku, x5c, x5u).
    if not set(header) <= _MEMBERS:
        raise Malformed("a header parameter is not accepted")
    if not all(isinstance(header[name], str) for name in _TEXT_MEMBERS if name in header):
        raise Malformed("a header parameter is not text")
    return header
