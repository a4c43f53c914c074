"""What the holder of an app's access token may do at this moment; the authenticator asks at most once a second."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.identity.core.permissions import intersection
from lockgate.gateway.identity.standing import Standing
from lockgate.gateway.oauth import find, find_grants
from lockgate.gateway.oauth.allowed import allowed
from lockgate.gateway.oauth.core import scopes
from lockgate.gateway.oauth.core.errors import OAuthError
from lockgate.gateway.oauth.ports import Ports
from lockgate.kernel import clock


async def standing(ports: Ports, claims: Mapping[str, Any]) -> Standing | None:
    """The app behind verified ``claims``; None once it, its grant or this token has ended, or may do nothing more."""
    client = await find.client_by_id(ports.pool, str(claims.get("client_id")))
    account = claims.get("account")
    try:
        scope = scopes.read(str(claims.get("scope")))
    except OAuthError:  # a word that an older release knew
        return None
    if client is None or not isinstance(account, str) or claims.get("livemode") is not client.livemode:
        return None
    livemode = client.livemode
    person: str | None = None
    if claims["sid"] == client.id:
        ended = await find_grants.token_ended(ports.pool, account=account, livemode=livemode, jti=claims["jti"])
        scope = {} if ended or account != client.account else intersection(scope, client.scope)
    else:
        held = await find_grants.held(
            ports.pool, account=account, livemode=livemode, session=claims["sid"], jti=claims["jti"], now=clock.now()
        )
        if held is None or held.session.app != client.id:
            return None
        person = held.person
        scope = await allowed(
            ports, client, account=account, person=person, within=[scope, scopes.read(held.grant_scope)]
        )
    if not scope:
        return None
    return Standing(
        kind="app", id=client.id, session=claims["sid"], accounts={account: scope}, livemode=livemode, person=person
    )
