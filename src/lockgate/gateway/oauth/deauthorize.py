"""Disconnects an app from an account, on the app's own wish: the dialect's way."""

from typing import Any

from lockgate.gateway.oauth.authenticate_client import authenticate
from lockgate.gateway.oauth.core.asking import Asking
from lockgate.gateway.oauth.core.errors import invalid_client, invalid_request
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.oauth.revoke import revoke_grants


async def deauthorize(ports: Ports, asking: Asking) -> dict[str, Any]:
    """The answer to POST /oauth/deauthorize: every grant of the app on the account ends, whoever gave it."""
    caller = await authenticate(ports, asking)
    account = asking.fields.get("stripe_user_id")
    if caller.client is None:
        raise invalid_request("client_id is missing.")
    if not caller.client.confidential:
        raise invalid_client("Only apps that prove who they are can do this.", why="public_deauthorize")
    if account is None:
        raise invalid_request("stripe_user_id is missing.")
    app = asking.app(account, caller.client.id, livemode=caller.livemode)
    async with ports.pool.acquire() as connection, connection.transaction():
        ended = await revoke_grants(
            connection, app, app=caller.client.id, request=asking.request_id, now=asking.now
        )
    if not ended:
        raise invalid_client(
            "This app is not connected to that account, or there is no such account.", why="not_connected"
        )
    return {"stripe_user_id": account}
