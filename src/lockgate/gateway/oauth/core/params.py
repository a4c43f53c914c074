"""The parameters of operations on apps and on what people let them do."""

from lockgate.gateway.oauth.core import redirects, scopes
from lockgate.gateway.oauth.core.clients import METHODS
from lockgate.gateway.oauth.core.subjects import NAMES
from lockgate.kernel.params import Array, Boolean, Choice, Listing, Object, Text, optional, required

# No control characters, and none that turn the direction of writing: a person reads this name when asked.
_NAME = Text(80, pattern=r"[^\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")
_REDIRECT_URIS = Array(Text(redirects.MAX_LENGTH), redirects.MAX_URIS)
_JWKS = Text(30_000)
_CERTIFICATES = Array(Text(10_000), 5)
_SUBJECT = Object({name: optional(Text(500)) for name in NAMES})
_SCOPE = Text(scopes.MAX_LENGTH)
_CHANGES = {
    "redirect_uris": optional(_REDIRECT_URIS, "https, or http on 127.0.0.1 or [::1], where any port will do."),
    "jwks": optional(_JWKS, "The app's public keys as a JWK Set, in JSON; for private_key_jwt. Replaces the old set."),
    "tls_client_auth": optional(_SUBJECT, "What the app's certificate must name, one of these; for tls_client_auth."),
    "certificates": optional(
        _CERTIFICATES, "The app's own certificates, in PEM; for self_signed_tls_client_auth. Added to those it has."
    ),
    "strict": optional(
        Boolean(), "The app must push its requests, and gets bound tokens only. Without it both are its choice."
    ),
}
CREATE = Object(
    {
        "name": required(_NAME, "What people are asked about."),
        "token_endpoint_auth_method": required(Choice(*METHODS), "How the app proves who it is; none if it cannot."),
        "scope": required(_SCOPE, "The most that the app may ask for: read_only, read_write, or permission words."),
        **_CHANGES,
    }
)
UPDATE = Object({"name": optional(_NAME), "scope": optional(_SCOPE), **_CHANGES})
LIST = Listing().object()
NOTHING = Object({})
