"""Gives an app a token for its own account, without a person (client_credentials)."""

from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity.core.permissions import beyond
from lockgate.gateway.oauth import issue
from lockgate.gateway.oauth.authenticate_client import Caller
from lockgate.gateway.oauth.bind import bind, check_strict
from lockgate.gateway.oauth.core import scopes
from lockgate.gateway.oauth.core.asking import Asking
from lockgate.gateway.oauth.core.clients import STRONG
from lockgate.gateway.oauth.core.errors import OAuthError, invalid_scope
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.storage.audits import insert_audits


async def act_for_itself(ports: Ports, asking: Asking, caller: Caller) -> dict[str, Any]:
    """The answer to grant_type=client_credentials: for apps that prove themselves by a key of their own."""
    client = caller.client
    if client is None or client.method not in STRONG:
        raise OAuthError(
            "unauthorized_client", "Only apps with private_key_jwt or a client certificate can act for themselves."
        )
    binding = await bind(ports, asking, caller)
    check_strict(client, binding)
    text = asking.fields.get("scope")
    if text is not None and len(text) > scopes.MAX_LENGTH:
        raise invalid_scope("scope is too long.")
    scope = scopes.reading(client.scope) if text is None else scopes.read(text)
    if beyond(scope, client.scope):
        raise invalid_scope("scope asks for more than the app is registered for.")
    answer = await issue.for_app(ports, client, scope=scope, binding=binding, now=asking.now)
    app = asking.app(client.account, client.id, livemode=client.livemode)
    detail = {"scope": scopes.write(scope), "type": "client_credentials"}
    await insert_audits(
        ports.pool, [record(app, "token.issue", object_=client.id, request=asking.request_id, detail=detail)]
    )
    return answer
