"""What an app asks of a person: an authorization request, read strictly once it is known whose it is."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lockgate.gateway.identity.core.permissions import beyond
from lockgate.gateway.oauth.core import pkce, scopes
from lockgate.gateway.oauth.core.clients import Client
from lockgate.gateway.oauth.core.errors import OAuthError, invalid_request, invalid_scope
from lockgate.kernel.card_ranges import holds_card
from lockgate.kernel.jws import Malformed, from_base64url

MAX_STATE = 1024


@dataclass(frozen=True, slots=True)
class Asked:
    """A checked request. ``named`` says whether it named its redirect URI, which the token request must then repeat."""

    redirect_uri: str
    named: bool
    state: str | None
    scope: str
    challenge: str | None
    dpop_jkt: str | None

    def stored(self) -> dict[str, Any]:
        return asdict(self)


def once(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Parameters by name; one that is sent twice is refused (RFC 6749 3.1), one without a value counts as not sent."""
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            raise invalid_request("A parameter was sent more than once.")
        fields[name] = value
    return {name: value for name, value in fields.items() if value}


def read(client: Client, fields: Mapping[str, str], *, redirect_uri: str) -> Asked:
    """The request in ``fields``. ``redirect_uri`` is the registered one that it goes back to; extras are ignored."""
    if "request" in fields:
        raise OAuthError("request_not_supported", "Request objects are not supported: push the request instead.")
    kind = fields.get("response_type")
    if kind is None:
        raise invalid_request("response_type is missing: it must be code.")
    if kind != "code":
        raise OAuthError("unsupported_response_type", "response_type must be code.")
    if fields.get("response_mode", "query") != "query":
        raise invalid_request("response_mode must be query.")
    challenge = pkce.check_challenge(fields.get("code_challenge"), fields.get("code_challenge_method"))
    jkt = fields.get("dpop_jkt")
    if jkt is not None and not _is_thumbprint(jkt):
        raise invalid_request("dpop_jkt is not a SHA-256 thumbprint of a key.")
    return Asked(
        redirect_uri=redirect_uri,
        named="redirect_uri" in fields,
        state=state_of(fields),
        scope=_scope(client, fields.get("scope")),
        challenge=challenge,
        dpop_jkt=jkt,
    )


def state_of(fields: Mapping[str, str]) -> str | None:
    """The app's ``state``, which goes back to it unread; never a card's number, which would stand in logs."""
    state = fields.get("state")
    if state is not None and (len(state) > MAX_STATE or not state.isprintable() or holds_card(state)):
        raise invalid_request(f"state must be printable text of at most {MAX_STATE} characters.")
    return state


def _scope(client: Client, text: str | None) -> str:
    """What is asked for: of what the app is registered for, reading only where it does not say."""
    if text is None:
        return scopes.write(scopes.reading(client.scope))
    if len(text) > scopes.MAX_LENGTH:
        raise invalid_scope("scope is too long.")
    wanted = scopes.read(text)
    if beyond(wanted, client.scope):
        raise invalid_scope("scope asks for more than the app is registered for.")
    return scopes.write(wanted)


def _is_thumbprint(text: str) -> bool:
    try:
        return len(from_base64url(text)) == 32
    except Malformed:
        return False
