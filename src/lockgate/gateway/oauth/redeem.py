"""Exchanges an authorization code for tokens: once, for the app, place and secret that it was made for."""

import hmac
import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.oauth import find_grants, issue, store_tokens
from lockgate.gateway.oauth.allowed import allowed
from lockgate.gateway.oauth.authenticate_client import Caller, check_address
from lockgate.gateway.oauth.bind import Binding, bind, check_strict
from lockgate.gateway.oauth.core import handles, pkce, scopes
from lockgate.gateway.oauth.core.asking import Asking
from lockgate.gateway.oauth.core.clients import Client
from lockgate.gateway.oauth.core.errors import invalid_grant, invalid_request
from lockgate.gateway.oauth.core.rows import CodeRow, SessionRow
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.kernel.ids import new_id


async def redeem(ports: Ports, asking: Asking, caller: Caller) -> dict[str, Any]:
    """The answer to grant_type=authorization_code. Of parallel uses one wins; any other ends what the winner got."""
    text = asking.fields.get("code")
    if text is None:
        raise invalid_request("code is missing.")
    account = handles.account_of("ac", text)
    code = await find_grants.code(ports.pool, account=account, hash_=handles.hashed(text)) if account else None
    if code is None:
        raise invalid_grant("There is no such code.", why="unknown_code")
    client = await caller.must_be(ports, code.app)
    await check_address(ports, asking, client, account=code.account)
    binding = await bind(ports, asking, caller)
    _check(asking, client, binding, json.loads(code.asked))
    check_strict(client, binding)
    holder = await find_grants.grant_holder(
        ports.pool, account=code.account, livemode=code.livemode, id_=code.grant_id
    )
    scope = await allowed(
        ports, client, account=code.account, person=holder[0], within=[scopes.read(code.scope)]
    ) if holder else {}  # fmt: skip
    session = _session(code, client, binding, now=asking.now)
    refresh = issue.first_refresh(session)
    won = await _take(ports, asking, code, session, refresh=refresh, good=bool(scope))
    if not won:
        raise invalid_grant("This code was used before: everything that came of it has ended.", why="code_reuse")
    return await issue.for_grant(
        ports, client, session, scope=scope, refresh=refresh, binding=binding, now=asking.now
    )


def _check(asking: Asking, client: Client, binding: Binding, asked: Mapping[str, Any]) -> None:
    """Whether the token request fits the authorization request that it ends.

    The dialect's SDKs do not repeat the redirect URI; for them the API key and PKCE say enough.
    """
    repeated = asking.fields.get("redirect_uri")
    if repeated is None and asked["named"] and client.method != "secret_key":
        raise invalid_grant("redirect_uri must be repeated.", why="no_redirect_uri")
    if repeated is not None and not hmac.compare_digest(repeated.encode(), asked["redirect_uri"].encode()):
        raise invalid_grant("redirect_uri is not the one of the authorization request.", why="another_redirect_uri")
    pkce.check_verifier(asking.fields.get("code_verifier"), asked["challenge"])
    if asked["dpop_jkt"] is not None and binding.key != asked["dpop_jkt"]:
        raise invalid_grant("This code is bound to a key: send a DPoP proof made by it.", why="another_key")


def _session(code: CodeRow, client: Client, binding: Binding, *, now: int) -> SessionRow:
    return SessionRow(
        account=code.account,
        livemode=code.livemode,
        id=new_id("aps"),
        grant_id=code.grant_id,
        app_account=client.account,
        app=client.id,
        scope=code.scope,
        created=now,
        expires_at=now + issue.LONGEST_S,
        key_thumbprint=None if client.confidential else binding.key,
        ended_at=None,
        ended_why=None,
    )


async def _take(
    ports: Ports, asking: Asking, code: CodeRow, session: SessionRow, *, refresh: str, good: bool
) -> bool:
    """Begin the session if this is the code's first use, else end the one that the first use began."""
    place = {"account": code.account, "livemode": code.livemode}
    app = asking.app(code.account, code.app, livemode=code.livemode, session=session.id)
    async with ports.pool.acquire() as connection, connection.transaction():
        earlier = await store_tokens.spend_code(connection, code, session=session.id)
        if earlier is not None:
            ended = await store_tokens.end_session(
                connection, **place, id_=earlier, why="code_reused", now=asking.now
            )
            told = record(
                app, "code.reuse", object_=earlier, request=asking.request_id, outcome="refused",
                detail={"ended": ended},
            )  # fmt: skip
            await insert_audits(connection, [told])
            return False
        if code.expires_at <= asking.now:
            raise invalid_grant("This code has expired.", why="expired_code")
        if not good:
            raise invalid_grant("The permission behind this code has ended.", why="ended_grant")
        await store_tokens.insert_session(connection, session)
        await store_tokens.insert_refresh(connection, issue.refresh_row(session, refresh, now=asking.now))
        await store_tokens.note_use(connection, **place, grant=code.grant_id, now=asking.now)
        detail = {"grant": code.grant_id, "scope": code.scope, "type": "authorization_code"}
        await insert_audits(
            connection, [record(app, "token.issue", object_=session.id, request=asking.request_id, detail=detail)]
        )
    return True
