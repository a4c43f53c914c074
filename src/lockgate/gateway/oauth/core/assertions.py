"""The claims of a client assertion (RFC 7523, and its revision's rule for the audience)."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.oauth.core.errors import OAuthError, invalid_client

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES = (None, "jwt", "client-authentication+jwt")
LONGEST_S = 600
SKEW_S = 10
MAX_JTI = 256


def check(claims: Mapping[str, Any], *, client_id: str, issuer: str, now: int) -> tuple[str, int]:
    """The assertion's ``jti`` and the second it ends at; the caller sees to it that it is used once.

    The audience is our issuer and nothing else, as a string: an assertion that names several parties, or an endpoint's
    URL, could have been made for another server.
    """
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise _refused("iss and sub must both be the client_id", "wrong_subject")
    if claims.get("aud") != issuer:
        raise _refused("aud must be the issuer, as one string", "wrong_audience")
    ends = _time(claims, "exp")
    if ends is None:
        raise _refused("exp is missing", "no_expiry")
    if ends <= now:
        raise _refused("it has expired", "expired")
    if ends > now + LONGEST_S:
        raise _refused(f"it may live for {LONGEST_S} seconds at most", "too_long")
    for name in ("nbf", "iat"):
        begins = _time(claims, name)
        if begins is not None and begins > now + SKEW_S:
            raise _refused(f"{name} lies in the future", "not_yet")
    jti = claims.get("jti")
    if not isinstance(jti, str) or not 1 <= len(jti) <= MAX_JTI:
        raise _refused("jti is missing", "no_jti")
    return jti, ends


def _time(claims: Mapping[str, Any], name: str) -> int | None:
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(f"{name} must be a number", "malformed_time")
    return int(value)


def _refused(why: str, reason: str) -> OAuthError:
    return invalid_client(f"client_assertion was refused: {why}.", why=f"assertion_{reason}")
