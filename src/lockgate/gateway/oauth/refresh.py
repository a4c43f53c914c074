"""Exchanges a refresh token for the next one: each is good once, and the last one's answer can be had again at once."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity.core.permissions import beyond
from lockgate.gateway.oauth import find_grants, issue, store_tokens
from lockgate.gateway.oauth.allowed import allowed
from lockgate.gateway.oauth.authenticate_client import Caller, check_address
from lockgate.gateway.oauth.bind import Binding, bind, check_strict
from lockgate.gateway.oauth.core import handles, scopes
from lockgate.gateway.oauth.core.asking import Asking
from lockgate.gateway.oauth.core.errors import invalid_grant, invalid_request, invalid_scope
from lockgate.gateway.oauth.core.rows import RefreshRow, SessionRow
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.kernel.principal import Access


async def refresh(ports: Ports, asking: Asking, caller: Caller) -> dict[str, Any]:
    """The answer to grant_type=refresh_token.

    A client whose answer was lost asks again with the same token: it gets the same successor, as long as nobody used
    that one, and for GRACE_S. Any other second use is a thief's or follows one: the whole session ends.
    """
    text = asking.fields.get("refresh_token")
    if text is None:
        raise invalid_request("refresh_token is missing.")
    account = handles.account_of("rt", text)
    hash_ = handles.hashed(text)
    found = await find_grants.refresh(ports.pool, account=account, hash_=hash_) if account else None
    if found is None:
        raise invalid_grant("There is no such refresh token.", why="unknown_refresh_token")
    session = found[1]
    client = await caller.must_be(ports, session.app)
    await check_address(ports, asking, client, account=session.account)
    binding = await bind(ports, asking, caller)
    _check_key(session, binding)
    check_strict(client, binding)
    held = await find_grants.held(
        ports.pool, account=session.account, livemode=session.livemode, session=session.id, jti=None, now=asking.now
    )
    if held is None:
        raise invalid_grant("What this refresh token was given for has ended.", why="ended_session")
    scope = await allowed(
        ports, client, account=session.account, person=held.person,
        within=[scopes.read(session.scope), scopes.read(held.grant_scope)],
    )  # fmt: skip
    if not scope:
        raise invalid_grant("The permission behind this refresh token has ended.", why="ended_grant")
    scope = _wanted(asking.fields.get("scope"), scope)
    follower = issue.successor(ports, session, text)
    async with ports.pool.acquire() as connection, connection.transaction():
        good = await _rotate(connection, asking, session, hash_=hash_, follower=follower)
    if not good:
        raise invalid_grant("This refresh token was used before: all tokens that came of it have ended.",
                            why="refresh_reuse")  # fmt: skip
    return await issue.for_grant(
        ports, client, session, scope=scope, refresh=follower, binding=binding, now=asking.now
    )


def _check_key(session: SessionRow, binding: Binding) -> None:
    """A public app that began with a key goes on with it: nothing else tells it from a thief."""
    if session.key_thumbprint is not None and binding.key != session.key_thumbprint:
        raise invalid_grant("This refresh token is bound to a key: send a DPoP proof made by it.", why="another_key")


def _wanted(text: str | None, scope: Mapping[str, Access]) -> dict[str, Access]:
    """Less than was given, for this access token alone; the next refresh may ask for all of it again."""
    if text is None:
        return dict(scope)
    wanted = scopes.read(text) if len(text) <= scopes.MAX_LENGTH else {}
    if not wanted or beyond(wanted, scope):
        raise invalid_scope("scope asks for more than was given.")
    return wanted


async def _rotate(
    connection: Connection, asking: Asking, session: SessionRow, *, hash_: bytes, follower: str
) -> bool:
    """Spend the token and keep its successor, or see that just this was done a moment ago; else end the session."""
    place = {"account": session.account, "livemode": session.livemode}
    app = asking.app(session.account, session.app, livemode=session.livemode, session=session.id)
    now = asking.now
    held = await store_tokens.lock_session(connection, **place, id_=session.id)
    row = await store_tokens.read_refresh(connection, **place, hash_=hash_)
    if held is None or row is None or held.ended_at is not None:
        raise invalid_grant("What this refresh token was given for has ended.", why="ended_session")
    if row.used_at is None:
        if row.expires_at <= now:
            raise invalid_grant("This refresh token was not used for too long.", why="idle_refresh_token")
        await store_tokens.spend_refresh(connection, row, now=now)
        await store_tokens.insert_refresh(connection, issue.refresh_row(session, follower, now=now))
        await store_tokens.note_use(connection, **place, grant=session.grant_id, now=now)
        done = record(
            app, "token.refresh", object_=session.id, request=asking.request_id, detail={"grant": session.grant_id}
        )
        await insert_audits(connection, [done])
        return True
    next_ = await store_tokens.read_refresh(connection, **place, hash_=handles.hashed(follower))
    if _answer_was_lost(row, next_, now=now):
        again = record(app, "token.refresh", object_=session.id, request=asking.request_id, detail={"again": True})
        await insert_audits(connection, [again])
        return True
    await store_tokens.end_session(connection, **place, id_=session.id, why="refresh_reused", now=now)
    told = record(app, "token.reuse", object_=session.id, request=asking.request_id, outcome="refused")
    await insert_audits(connection, [told])
    return False


def _answer_was_lost(spent: RefreshRow, follower: RefreshRow | None, *, now: int) -> bool:
    """Whether the successor may be given once more: it is fresh, and nobody has used it."""
    recent = spent.used_at is not None and now - spent.used_at <= issue.GRACE_S
    return recent and follower is not None and follower.used_at is None
