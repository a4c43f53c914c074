"""Signed compact tokens (RFC 7515), strictly: one spelling of each, and the key alone says which algorithm. Pure."""

import base64
import hashlib
import hmac
import json
import math
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

MAXIMUM_BYTES = 16 * 1024
# jwk is read by those who ask for it (RFC 9449); crit, zip, jku, x5u and x5c by nobody.
_MEMBERS = {"alg", "kid", "typ", "cty", "jwk"}
_TEXT_MEMBERS = ("alg", "kid", "typ", "cty")
_KEY_TYPES = {"HS256": "oct", "ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP", "PS256": "RSA"}
ASYMMETRIC = ("ES256", "EdDSA", "Ed25519", "PS256")
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_THUMBPRINT_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n")}
_HMAC_KEY_BYTES = 32  # RFC 7518, 3.2: at least as long as the hash
_RSA_BITS = (2048, 4096)
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class Malformed(Exception):
    """Not a token or key of a form accepted here. The message names the rule, never a value."""


class Forged(Exception):
    """The form is right and the signature is not."""


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
    """A JSON object of UTF-8 text with no name twice, no number outside JSON or too large, and no half characters."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            raise Malformed("a JSON name stands twice")
        return members

    def refuse(_constant: str) -> None:
        raise Malformed("not a JSON number")

    def finite(text: str) -> float:
        number = float(text)
        if not math.isfinite(number):
            raise Malformed("a number is too large")
        return number

    try:
        parsed = json.loads(data.decode(), object_pairs_hook=unique, parse_constant=refuse, parse_float=finite)
        if b"\\u" in data:
            json.dumps(parsed, ensure_ascii=False).encode()  # an escape may stand for half a character: no text
    except (ValueError, RecursionError):
        raise Malformed("not JSON") from None
    if not isinstance(parsed, dict):
        raise Malformed("not a JSON object")
    return parsed


def header(compact: str) -> dict[str, Any]:
    """The checked protected header. Nothing in it is authenticated before `verify`."""
    if len(compact) > MAXIMUM_BYTES:
        raise Malformed("the token is too long")
    segments = compact.split(".")
    if len(segments) != 3:
        raise Malformed("a JWS has three segments")
    read = parse_object(from_base64url(segments[0]))
    if not set(read) <= _MEMBERS:
        raise Malformed("a header parameter is not accepted")
    if not all(isinstance(read[name], str) for name in _TEXT_MEMBERS if name in read):
        raise Malformed("a header parameter is not text")
    return read


def verify(compact: str, jwk: Mapping[str, Any], *, typ: str | None = None, own_key: bool = False) -> bytes:
    """The payload of a token signed by ``jwk``, whose own ``alg`` alone decides the algorithm.

    ``typ`` is the media type that the header must name (RFC 8725, 3.11). ``own_key`` lets the header carry the key
    itself, as a DPoP proof does. Raises `Malformed`, or `Forged` when the signature does not hold.
    """
    read = header(compact)
    algorithm = _algorithm(jwk)
    if read.get("alg") != algorithm or ("kid" in read and read["kid"] != jwk.get("kid")):
        raise Malformed("the token names another algorithm or key")
    if "jwk" in read and not own_key:
        raise Malformed("a header parameter is not accepted")
    if typ is not None and read.get("typ", "").lower() != typ:
        raise Malformed("the token is of another type")
    first, second, third = compact.split(".")
    payload, signature = from_base64url(second), from_base64url(third)
    if not _holds(algorithm, jwk, signature=signature, data=f"{first}.{second}".encode()):
        raise Forged("the signature does not hold")
    return payload


def sign(claims: Mapping[str, Any], key: ec.EllipticCurvePrivateKey, *, kid: str, typ: str) -> str:
    """A compact token over ``claims``, signed ES256 by a P-256 key."""
    head = {"alg": "ES256", "kid": kid, "typ": typ}
    start = ".".join(base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (head, claims))
    r, s = decode_dss_signature(key.sign(start.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{start}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def public_jwk(key: ec.EllipticCurvePublicKey, *, kid: str) -> dict[str, str]:
    """A P-256 public key as a JWK for signatures."""
    numbers = key.public_numbers()
    x, y = (base64url(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": kid, "use": "sig", "alg": "ES256"}


def check_public(jwk: Mapping[str, Any]) -> None:
    """Refuse a key that is not a public key for asymmetric signatures by an algorithm accepted here."""
    if _PRIVATE & set(jwk):
        raise Malformed("a public key has no private members")
    algorithm = _algorithm(jwk)
    if algorithm not in ASYMMETRIC:
        raise Malformed("the key is not for public-key signatures")
    _public_key(algorithm, jwk)


def with_algorithm(jwk: Mapping[str, Any], algorithm: str) -> dict[str, Any]:
    """``jwk`` for the one algorithm that the caller has chosen, where the key itself names none."""
    return {**jwk, "alg": jwk.get("alg", algorithm)}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The key's SHA-256 thumbprint (RFC 7638)."""
    members = _THUMBPRINT_MEMBERS.get(str(jwk.get("kty")))
    if members is None or not all(isinstance(jwk.get(name), str) for name in members):
        raise Malformed("the key lacks a member")
    canonical = json.dumps({name: jwk[name] for name in members}, separators=(",", ":"), sort_keys=True)
    return base64url(hashlib.sha256(canonical.encode()).digest())


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


def verify_es256(public: ec.EllipticCurvePublicKey, signature: bytes, *, data: bytes) -> bool:
    """ECDSA P-256 with SHA-256 over the fixed 64-byte form r | s (IEEE P1363, as JOSE has it)."""
    if len(signature) != 64 or not isinstance(public.curve, ec.SECP256R1):
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (0 < r < _P256_ORDER and 0 < s < _P256_ORDER):
        return False
    try:
        public.verify(encode_dss_signature(r, s), data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def verify_ed25519(public: bytes, signature: bytes, *, data: bytes) -> bool:
    """RFC 8032 verification of a raw 32-byte public key."""
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _algorithm(jwk: Mapping[str, Any]) -> str:
    algorithm = jwk.get("alg")
    if not isinstance(algorithm, str) or _KEY_TYPES.get(algorithm) != jwk.get("kty"):
        raise Malformed("the key names no algorithm that is accepted here")
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or not {"sign", "verify"} & set(operations):
        raise Malformed("the key is not for signatures")
    return algorithm


def _public_key(algorithm: str, jwk: Mapping[str, Any]) -> Any:
    if algorithm == "ES256":
        return p256_public(jwk)
    if algorithm == "PS256":
        return _rsa_public(jwk)
    if jwk.get("crv") != "Ed25519" or len(_member(jwk, "x")) != 32:
        raise Malformed("the key is not on Ed25519")
    return _member(jwk, "x")


def _holds(algorithm: str, jwk: Mapping[str, Any], *, signature: bytes, data: bytes) -> bool:
    if algorithm == "HS256":
        key = _member(jwk, "k")
        if len(key) < _HMAC_KEY_BYTES:
            raise Malformed("an HS256 key has at least 32 bytes")
        return hmac.compare_digest(hmac.digest(key, data, "sha256"), signature)
    public = _public_key(algorithm, jwk)
    if algorithm == "ES256":
        return verify_es256(public, signature, data=data)
    if algorithm == "PS256":
        return _verify_ps256(public, signature, data)
    return verify_ed25519(public, signature, data=data)


def _verify_ps256(public: rsa.RSAPublicKey, signature: bytes, data: bytes) -> bool:
    scheme = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=hashes.SHA256().digest_size)
    try:
        public.verify(signature, data, scheme, hashes.SHA256())
    except InvalidSignature:
        return False
    return True


def _rsa_public(jwk: Mapping[str, Any]) -> rsa.RSAPublicKey:
    n, e = (int.from_bytes(_member(jwk, name), "big") for name in ("n", "e"))
    if not _RSA_BITS[0] <= n.bit_length() <= _RSA_BITS[1] or e != 65537:
        raise Malformed("an RSA key has 2048 to 4096 bits and the exponent 65537")
    try:
        return rsa.RSAPublicNumbers(e, n).public_key()
    except ValueError:
        raise Malformed("not an RSA key") from None


def _member(jwk: Mapping[str, Any], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str):
        raise Malformed("the key lacks a member")
    return from_base64url(value)
