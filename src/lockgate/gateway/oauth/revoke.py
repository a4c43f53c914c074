"""Ends what was given: a token by the app that holds it (RFC 7009), a grant by people of the account."""

from collections.abc import Sequence
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity.revoke import revoke_companion
from lockgate.gateway.identity.tokens import ACCESS, Invalid
from lockgate.gateway.oauth import find_grants, store, store_tokens
from lockgate.gateway.oauth.authenticate_client import Caller, authenticate
from lockgate.gateway.oauth.core import handles
from lockgate.gateway.oauth.core.asking import Asking
from lockgate.gateway.oauth.core.errors import OAuthError, invalid_request
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.kernel.principal import Principal

WORD = "account.application.deauthorized"


async def revoke(ports: Ports, asking: Asking) -> dict[str, Any]:
    """The answer to POST /oauth/revoke: the same whatever the token was."""
    caller = await authenticate(ports, asking)
    text = asking.fields.get("token")
    if text is None:
        raise invalid_request("token is missing.")
    try:
        if text.startswith("rt_"):
            await _refresh(ports, asking, caller, text)
        else:
            await _access(ports, asking, caller, text)
    except OAuthError as refusal:  # not theirs: nothing ends, and nothing is told
        who = asking.app(caller.account, caller.client.id if caller.client else "-", livemode=caller.livemode)
        await ports.witness.refused(who, "token.revoke", reason=refusal.why, request=asking.request_id)
    return {}


async def _refresh(ports: Ports, asking: Asking, caller: Caller, text: str) -> None:
    """A refresh token takes everything with it that came of the same code."""
    account = handles.account_of("rt", text)
    hash_ = handles.hashed(text)
    found = await find_grants.refresh(ports.pool, account=account, hash_=hash_) if account else None
    if found is None:
        return
    session = found[1]
    client = await caller.must_be(ports, session.app)
    place = {"account": session.account, "livemode": session.livemode}
    app = asking.app(session.account, client.id, livemode=session.livemode, session=session.id)
    async with ports.pool.acquire() as connection, connection.transaction():
        if await store_tokens.end_session(connection, **place, id_=session.id, why="revoked", now=asking.now):
            await insert_audits(
                connection, [record(app, "token.revoke", object_=session.id, request=asking.request_id)]
            )


async def _access(ports: Ports, asking: Asking, caller: Caller, text: str) -> None:
    try:
        claims = await ports.tokens.verify(text, typ=ACCESS, now=asking.now)
    except Invalid:
        return
    client = await caller.must_be(ports, str(claims.get("client_id")))
    account, livemode, jti = claims["account"], claims["livemode"], claims["jti"]
    app = asking.app(account, client.id, livemode=livemode, session=claims["sid"])
    async with ports.pool.acquire() as connection, connection.transaction():
        await store_tokens.end_token(
            connection, account=account, livemode=livemode, jti=jti, expires_at=claims["exp"]
        )
        await insert_audits(connection, [record(app, "token.revoke", object_=jti, request=asking.request_id)])


async def revoke_grants(
    connection: Connection,
    by: Principal,
    *,
    app: str | None = None,
    id_: str | None = None,
    request: str | None,
    now: int,
) -> Sequence[str]:
    """End grants on ``by``'s account, of one app or one by its id, in the caller's transaction; their ids.

    Every process feels it within a second: what an app holds is looked up anew that often.
    """
    ended = await store.revoke_grants(
        connection, account=by.account, livemode=by.livemode, app=app, id_=id_, by=f"{by.kind}:{by.id}", now=now
    )
    for grant in ended:
        await tell_ended(connection, by, grant, request=request)
    return [grant.id for grant in ended]


async def tell_ended(connection: Connection, by: Principal, grant: store.Ended, *, request: str | None) -> None:
    """Record that a grant has ended, and end the API key that was made beside it."""
    told = record(by, WORD, object_=grant.id, request=request, detail={"app": grant.app})
    await insert_audits(connection, [told])
    if grant.publishable_key is not None:
        await revoke_companion(connection, by, grant.publishable_key, request=request)
