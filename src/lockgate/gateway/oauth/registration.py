"""What an app registers, checked: where people go back to, how it proves itself, the most it may ask for."""

from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from lockgate.gateway.certificates.core import read
from lockgate.gateway.certificates.register import for_app
from lockgate.gateway.identity.core.strength import check_strength
from lockgate.gateway.oauth.core import clients, redirects, scopes, subjects
from lockgate.gateway.oauth.core.clients import STRONG, AppRow
from lockgate.gateway.oauth.core.errors import OAuthError
from lockgate.gateway.storage.database import Connection
from lockgate.kernel.errors import invalid
from lockgate.kernel.principal import Principal


def redirect_uris(method: str, given: Sequence[str]) -> list[str]:
    """Each as it must be. Only an app that can act for itself may have none, and no person ever sees it then."""
    if not given and method not in STRONG:
        raise invalid("Missing required param: redirect_uris.", param="redirect_uris", code="parameter_missing")
    return [redirects.check(uri) for uri in dict.fromkeys(given)]


def scope(text: str) -> str:
    """The shortest words for the most that the app may ask for."""
    try:
        return scopes.write(scopes.read(text))
    except OAuthError:
        raise invalid(
            "scope must be read_only, read_write, or permission words like refunds=write, separated by single spaces.",
            param="scope",
        ) from None


def check_own_strength(who: Principal, method: str, text: str) -> None:
    """An app that can act for itself does so with whoever has its key: it may do no more than who sets it up may."""
    if method in STRONG:
        check_strength(who, scopes.read(text), param="scope")


def proof(params: Mapping[str, Any]) -> dict[str, Any]:
    """What of ``params`` the app proves itself by, as it is kept."""
    kept: dict[str, Any] = {}
    if "jwks" in params:
        kept["jwks"] = clients.check_key_set(params["jwks"])
    if "tls_client_auth" in params:
        kept["subject"] = subjects.check(params["tls_client_auth"])
    return kept


async def keep_certificates(
    connection: Connection, by: Principal, row: AppRow, pems: Sequence[str], *, request: str | None
) -> None:
    """Believe the app's own certificates from now on, in the caller's transaction."""
    for place, pem in enumerate(pems):
        found = read.certificate(pem, param=f"certificates[{place}]")
        await for_app(connection, by, row.id, found.public_bytes(Encoding.DER), request=request)
