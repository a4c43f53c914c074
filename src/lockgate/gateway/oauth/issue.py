"""Makes what an app gets: access tokens, refresh tokens, and the answer that carries them."""

import hmac
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.identity.tokens import ACCESS
from lockgate.gateway.oauth import publishable
from lockgate.gateway.oauth.bind import Binding
from lockgate.gateway.oauth.core import handles, scopes
from lockgate.gateway.oauth.core.clients import Client
from lockgate.gateway.oauth.core.rows import RefreshRow, SessionRow
from lockgate.gateway.oauth.ports import Ports
from lockgate.kernel.ids import base62, random_token
from lockgate.kernel.principal import Access

ACCESS_S = 15 * 60
CODE_S = 60
PUSHED_S = 90
OPENED_S = 600
IDLE_S = 30 * 24 * 3600
LONGEST_S = 90 * 24 * 3600
GRACE_S = 10


async def for_grant(
    ports: Ports,
    client: Client,
    session: SessionRow,
    *,
    scope: Mapping[str, Access],
    refresh: str,
    binding: Binding,
    now: int,
) -> dict[str, Any]:
    """The answer for an app that a person let in. ``stripe_user_id`` is the dialect's word for the account."""
    token = await _access(
        ports, client, account=session.account, subject=session.account, sid=session.id, scope=scope, binding=binding,
        life_s=min(ACCESS_S, session.expires_at - now), now=now,
    )  # fmt: skip
    answer = {
        **token,
        "refresh_token": refresh,
        "livemode": session.livemode,
        "stripe_user_id": session.account,
    }
    if client.method == "secret_key":
        answer["stripe_publishable_key"] = publishable.text_of(
            ports, account=session.account, livemode=session.livemode, grant=session.grant_id
        )
    return answer


async def for_app(
    ports: Ports, client: Client, *, scope: Mapping[str, Access], binding: Binding, now: int
) -> dict[str, Any]:
    """The answer for an app that acts for its own account."""
    return await _access(
        ports, client, account=client.account, subject=client.id, sid=client.id, scope=scope, binding=binding,
        life_s=ACCESS_S, now=now,
    )  # fmt: skip


async def _access(
    ports: Ports,
    client: Client,
    *,
    account: str,
    subject: str,
    sid: str,
    scope: Mapping[str, Access],
    binding: Binding,
    life_s: int,
    now: int,
) -> dict[str, Any]:
    words = scopes.write(scope)
    claims = {
        "sub": subject,
        "sid": sid,
        "client_id": client.id,
        "account": account,
        "livemode": client.livemode,
        "scope": words,
        **binding.claim,
    }
    token = await ports.tokens.issue(ACCESS, claims, life_s=life_s, now=now)
    return {"access_token": token, "token_type": binding.token_type, "expires_in": life_s, "scope": words}


def first_refresh(session: SessionRow) -> str:
    """A session's first refresh token."""
    return handles.build("rt", account=session.account, random=random_token(handles.RANDOM_LENGTH))


def successor(ports: Ports, session: SessionRow, spent: str) -> str:
    """The token that follows ``spent``: always the same one, and to be guessed by nobody who lacks the room's key.

    So an answer that was lost can be given again, and is kept nowhere.
    """
    digest = hmac.digest(ports.secret, spent.encode(), "sha256")
    random = base62(int.from_bytes(digest, "big"), handles.RANDOM_LENGTH)
    return handles.build("rt", account=session.account, random=random)


def refresh_row(session: SessionRow, text: str, *, now: int) -> RefreshRow:
    """What is kept of a refresh token: it ends when nobody uses it for a month, and with its session at the latest."""
    ends = min(now + IDLE_S, session.expires_at)
    return RefreshRow(session.account, session.livemode, handles.hashed(text), session.id, now, ends, None)
