"""Tells an app about a token of its own (RFC 7662): whether it is good now, and for what."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.identity.tokens import ACCESS, Invalid
from lockgate.gateway.oauth import find, find_grants
from lockgate.gateway.oauth.allowed import allowed
from lockgate.gateway.oauth.authenticate_client import Caller, authenticate
from lockgate.gateway.oauth.core import handles, scopes
from lockgate.gateway.oauth.core.asking import Asking
from lockgate.gateway.oauth.core.errors import OAuthError, invalid_client, invalid_request
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.oauth.standing import standing

_INACTIVE: Mapping[str, Any] = {"active": False}


async def introspect(ports: Ports, asking: Asking) -> Mapping[str, Any]:
    """The answer to POST /oauth/introspect. Of tokens that are not the caller's own nothing is said."""
    caller = await authenticate(ports, asking)
    if caller.client is not None and not caller.client.confidential:
        raise invalid_client("Only apps that prove who they are can ask about tokens.", why="public_introspection")
    text = asking.fields.get("token")
    if text is None:
        raise invalid_request("token is missing.")
    try:
        return await (_refresh(ports, asking, caller, text) if text.startswith("rt_") else
                      _access(ports, asking, caller, text))  # fmt: skip
    except OAuthError:  # not theirs
        return _INACTIVE


async def _access(ports: Ports, asking: Asking, caller: Caller, text: str) -> Mapping[str, Any]:
    try:
        claims = await ports.tokens.verify(text, typ=ACCESS, now=asking.now)
    except Invalid:
        return _INACTIVE
    await caller.must_be(ports, str(claims.get("client_id")))
    holder = await standing(ports, claims)
    if holder is None:
        return _INACTIVE
    names = ("iss", "aud", "sub", "exp", "iat", "nbf", "jti", "client_id", "cnf", "livemode")
    bound = claims.get("cnf", {})
    return {
        "active": True,
        "token_type": "DPoP" if "jkt" in bound else "Bearer",
        "scope": scopes.write(holder.accounts[claims["account"]]),
        "stripe_user_id": claims["account"],
        **{name: claims[name] for name in names if name in claims},
    }


async def _refresh(ports: Ports, asking: Asking, caller: Caller, text: str) -> Mapping[str, Any]:
    account = handles.account_of("rt", text)
    hash_ = handles.hashed(text)
    found = await find_grants.refresh(ports.pool, account=account, hash_=hash_) if account else None
    if found is None:
        return _INACTIVE
    row, session = found
    client = await caller.must_be(ports, session.app)
    held = await find_grants.held(
        ports.pool, account=row.account, livemode=row.livemode, session=session.id, jti=None, now=asking.now
    )
    if held is None or row.used_at is not None or row.expires_at <= asking.now:
        return _INACTIVE
    if await find.client_by_id(ports.pool, client.id) is None:
        return _INACTIVE
    scope = await allowed(
        ports, client, account=row.account, person=held.person,
        within=[scopes.read(session.scope), scopes.read(held.grant_scope)],
    )  # fmt: skip
    if not scope:
        return _INACTIVE
    bound = {"cnf": {"jkt": session.key_thumbprint}} if session.key_thumbprint else {}
    return {
        "active": True,
        "iss": ports.issuer,
        "client_id": client.id,
        "sub": row.account,
        "scope": scopes.write(scope),
        "stripe_user_id": row.account,
        "livemode": row.livemode,
        "iat": row.created,
        "exp": row.expires_at,
        **bound,
    }
