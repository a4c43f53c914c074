"""The authorization server's own description (RFC 8414), from the same tables that the endpoints go by."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.oauth.core import pkce, scopes
from lockgate.gateway.oauth.core.clients import METHODS
from lockgate.kernel.jws import ASYMMETRIC

AUTHORIZE, TOKEN, PAR = "/oauth/authorize", "/oauth/token", "/oauth/par"
INTROSPECT, REVOKE, DEAUTHORIZE = "/oauth/introspect", "/oauth/revoke", "/oauth/deauthorize"
JWKS, WELL_KNOWN, CONSENT = "/oauth/jwks", "/.well-known/oauth-authorization-server", "/oauth/consent"
GRANTS = ("authorization_code", "refresh_token", "client_credentials")


def auth_methods() -> list[str]:
    """How apps prove who they are, in the registered words: an API key travels as a client secret does."""
    spelled = {"secret_key": ["client_secret_basic", "client_secret_post"]}
    return [word for method in METHODS for word in spelled.get(method, [method])]


def document(issuer: str) -> Mapping[str, Any]:
    """The metadata of the server at ``issuer``."""
    methods = auth_methods()
    proven = [method for method in methods if method != "none"]
    algorithms = list(ASYMMETRIC)
    return {
        "issuer": issuer,
        "authorization_endpoint": issuer + AUTHORIZE,
        "token_endpoint": issuer + TOKEN,
        "pushed_authorization_request_endpoint": issuer + PAR,
        "introspection_endpoint": issuer + INTROSPECT,
        "revocation_endpoint": issuer + REVOKE,
        "jwks_uri": issuer + JWKS,
        "scopes_supported": scopes.supported(),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": list(GRANTS),
        "code_challenge_methods_supported": list(pkce.METHODS),
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": proven,
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "authorization_response_iss_parameter_supported": True,
        "require_pushed_authorization_requests": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "dpop_signing_alg_values_supported": algorithms,
        "tls_client_certificate_bound_access_tokens": True,
    }
