"""Proofs of possession (RFC 9449 4.3): what a proof must say, read and compared without clock or storage."""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from lockgate.kernel import jws

TYPE = "dpop+jwt"
OLDEST_S = 60
AHEAD_S = 30  # clients whose clock is a little fast are no attackers
MAX_BYTES = 8192
MAX_JTI = 256
ALGORITHMS = tuple(name for name in jws.ASYMMETRIC)
_DEFAULT_PORT = {"https": 443, "http": 80}
_URL = re.compile(r"[!-~]+")  # the parser would pass over line breaks
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


class Refused(Exception):
    """The proof proves nothing. The message names the rule, never a value; ``why`` is for the audit record."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


class Proof(NamedTuple):
    """A proof that holds: whose key made it, its one-time id, and the second from which it is too old anyhow."""

    jkt: str
    jti: str
    expires_at: int


def proofs_in(header: str | None) -> tuple[str, ...]:
    """The proofs in a request's DPoP headers, which are one list however often the name was sent (RFC 9110 5.3)."""
    return () if header is None else tuple(part.strip() for part in header.split(","))


def check(proofs: Sequence[str], *, method: str, url: str, token: str | None, now: int) -> Proof:
    """The proof in the request's DPoP headers. That its ``jti`` was not seen before is for the caller to find out."""
    if len(proofs) != 1:
        raise Refused("There must be exactly one DPoP header.", "no_proof" if not proofs else "several_proofs")
    text = proofs[0]
    if len(text) > MAX_BYTES:
        raise Refused("The DPoP proof is too long.", "too_long")
    try:
        claims, key = _verified(text)
        jkt = jws.thumbprint(key)
    except jws.Forged:
        raise Refused("The DPoP proof's signature does not hold.", "forged") from None
    except jws.Malformed as fault:
        raise Refused(f"The DPoP proof was refused: {fault}.", "malformed") from None
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= MAX_JTI:
        raise Refused("The DPoP proof has no jti.", "no_jti")
    if claims.get("htm") != method:
        raise Refused("The DPoP proof's htm is not this request's method.", "wrong_htm")
    htu = claims.get("htu")
    if not isinstance(htu, str) or not same_target(htu, url):
        raise Refused("The DPoP proof's htu is not this request's URL.", "wrong_htu")
    made = _time(claims, "iat")
    if made is None or not now - OLDEST_S <= made <= now + AHEAD_S:
        raise Refused("The DPoP proof's iat is missing, too old, or in the future.", "wrong_iat")
    ends, begins = _time(claims, "exp"), _time(claims, "nbf")
    if (ends is not None and ends <= now) or (begins is not None and begins > now + AHEAD_S):
        raise Refused("The DPoP proof is not valid at this time.", "wrong_time")
    _check_token(claims.get("ath"), token)
    return Proof(jkt, jti, made + OLDEST_S + 1)


def same_target(one: str, other: str) -> bool:
    """Whether two URLs name one target: normalised by RFC 3986 6.2.2 and 6.2.3, query and fragment left aside."""
    first = _normal(one)
    return first is not None and first == _normal(other)


def _verified(text: str) -> tuple[dict[str, Any], Mapping[str, Any]]:
    head = jws.header(text)
    key, algorithm = head.get("jwk"), head.get("alg")
    if not isinstance(key, dict):
        raise jws.Malformed("its header has no jwk")
    if algorithm not in ALGORITHMS:
        raise jws.Malformed("its algorithm is not accepted here")
    whole = jws.with_algorithm(key, str(algorithm))
    jws.check_public(whole)
    return jws.parse_object(jws.verify(text, whole, typ=TYPE, own_key=True)), whole


def _check_token(ath: Any, token: str | None) -> None:
    """At the API a proof is for one access token; where none is shown, nothing can be compared."""
    if token is None:
        return
    made = jws.base64url(hashlib.sha256(token.encode()).digest())
    if not isinstance(ath, str) or not hmac.compare_digest(ath.encode(), made.encode()):
        raise Refused("The DPoP proof's ath is not this access token's hash.", "wrong_ath")


def _time(claims: Mapping[str, Any], name: str) -> int | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Refused(f"The DPoP proof's {name} is not a number.", "malformed_time")
    return int(value)


def _normal(url: str) -> tuple[str, str, int, str] | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORT or not parts.hostname or "@" in parts.netloc or not _URL.fullmatch(url) or port == 0:
        return None
    return scheme, parts.hostname.lower(), port or _DEFAULT_PORT[scheme], _path(parts.path)


def _path(path: str) -> str:
    """Escapes of characters that need none undone, others in capitals, and dots resolved."""

    def plain(match: re.Match[str]) -> str:
        sign = chr(int(match[1], 16))
        return sign if _UNRESERVED.fullmatch(sign) else match[0].upper()

    kept: list[str] = []
    segments = _ESCAPE.sub(plain, path or "/").split("/")[1:]
    for place, segment in enumerate(segments):
        last = place == len(segments) - 1
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
            continue
        if last:
            kept.append("")
    return "/" + "/".join(kept)
