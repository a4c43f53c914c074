"""Access tokens: short, signed, of one type each; what they say is believed only with a look at their holder's row."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.identity.signing_keys import LONGEST_TOKEN_S, SigningKeys
from lockgate.kernel import jws
from lockgate.kernel.ids import new_id

SESSION = "session+jwt"
ACCESS = "at+jwt"  # RFC 9068
SKEW_S = 60
_NUMBERS = ("iat", "nbf", "exp")
_TEXTS = ("iss", "aud", "sub", "sid", "jti")


class Invalid(Exception):
    """A token that proves nothing. ``why`` is for the audit record alone."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Tokens:
    """Signs and reads tokens of one issuer: this installation, by the URL of its API."""

    def __init__(self, keys: SigningKeys, *, issuer: str) -> None:
        self.keys = keys
        self.issuer = issuer

    def audience(self, typ: str) -> str:
        """Whom a token of this type is for: sessions are for people's own tools, the others for the API."""
        return f"{self.issuer}/session" if typ == SESSION else self.issuer

    async def issue(self, typ: str, claims: Mapping[str, Any], *, life_s: int, now: int) -> str:
        """A token that is good for ``life_s`` seconds. ``claims`` give ``sub``, ``sid`` and what else it is to say."""
        if not 0 < life_s <= LONGEST_TOKEN_S:
            raise ValueError("a token lives an hour at most")
        kid, key = await self.keys.current(now)
        own = {"iss": self.issuer, "aud": self.audience(typ), "iat": now, "nbf": now, "exp": now + life_s}
        return jws.sign({**claims, **own, "jti": new_id("jti")}, key, kid=kid, typ=typ)

    async def verify(self, text: str, *, typ: str, now: int) -> dict[str, Any]:
        """The claims of a token of this type that we signed and that is not over; else Invalid."""
        try:
            kid = jws.header(text).get("kid")
            public = await self.keys.public(kid) if isinstance(kid, str) else None
            if public is None:
                raise Invalid("unknown_signing_key")
            claims = jws.parse_object(jws.verify(text, public, typ=typ))
        except jws.Malformed:
            raise Invalid("malformed_token") from None
        except jws.Forged:
            raise Invalid("forged_token") from None
        well_typed = all(type(claims.get(name)) is int for name in _NUMBERS) and all(
            isinstance(claims.get(name), str) for name in _TEXTS
        )
        if not well_typed or claims["iss"] != self.issuer or claims["aud"] != self.audience(typ):
            raise Invalid("token_for_another")
        if claims["exp"] <= now:
            raise Invalid("expired_token")
        if claims["nbf"] > now + SKEW_S or claims["iat"] > now + SKEW_S:
            raise Invalid("token_not_yet_valid")
        return claims


def typ_of(text: str) -> str | None:
    """What a text that looks like a token says it is; believed only once it is verified."""
    try:
        typ = jws.header(text).get("typ", "").lower()
    except jws.Malformed:
        return None
    return typ if typ in (SESSION, ACCESS) else None

