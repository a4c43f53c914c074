"""Every sort of credential for a running Lockgate, made directly: what each may do is what the sweeps find out."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lockgate.gateway.identity.bootstrap import Desk, desk
from lockgate.gateway.identity.signing_keys import SigningKeys
from lockgate.gateway.identity.tokens import ACCESS, SESSION, Tokens
from lockgate.gateway.oauth.core import handles
from lockgate.kernel import clock
from lockgate.kernel.config import Home
from lockgate.kernel.ids import new_id
from lockgate.kernel.principal import Access
from tests.support.cluster import run_apart
from tests.sweeps.conftest import Place

LIFE_S = 900


@dataclass(frozen=True)
class Token:
    """A token, and who it stands for; ``session`` is what it ends with."""

    text: str = field(repr=False)
    id: str
    session: str


def person(place: Place, account: str, *roles: str) -> Token:
    """Somebody of these roles who has just signed in with two factors."""

    async def work(at: Desk, tokens: Tokens) -> Token:
        now, id_, session = clock.now(), new_id("usr"), new_id("ses")
        personal = await at.box.seal("platform", id_, {"email": f"{id_}@shop.test", "name": "Somebody"})
        async with at.pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "insert into person (id, created, email_index, personal, status, active_since, last_seen_at)"
                " values ($1, $2, $3, $4, 'active', $2, $2)", id_, now, os.urandom(16), personal,
            )
            await connection.execute(
                "insert into membership (account, person, created, roles, status, granted_by, changed_at)"
                " values ($1, $2, $3, $4, 'active', 'internal:sweep', $3)", account, id_, now, list(roles),
            )
            await connection.execute(
                "insert into session (id, person, created, began_at, last_seen_at, expires_at, proved_at, factors)"
                " values ($1, $2, $3, $3, $3, $4, $3, '{password,totp}')", session, id_, now, now + 12 * 3600,
            )
        text = await tokens.issue(SESSION, {"sub": id_, "sid": session}, life_s=LIFE_S, now=now)
        return Token(text, id_, session)

    return _made(place, work)


def app(place: Place, account: str, by: str, scope: Mapping[str, Access]) -> Token:
    """An app that person ``by`` let into ``account``'s test mode with this scope."""
    words = " ".join(f"{name}={access}" for name, access in sorted(scope.items()))

    async def work(at: Desk, tokens: Tokens) -> Token:
        now, grant, session = clock.now(), new_id("apg"), new_id("aps")
        id_ = handles.build("ca", account=account, random=new_id("ca").removeprefix("ca_"))
        async with at.pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "insert into app (account, livemode, id, version, created, name, method, redirect_uris, scope, strict,"
                " data, created_by) values ($1, false, $2, 1, $3, 'Sweep', 'none', '{}', $4, false, $5, $6)",
                account, id_, now, words, json.dumps({}), by,
            )
            await connection.execute(
                "insert into app_grant (account, livemode, id, created, updated, person, app_account, app, scope,"
                " asked) values ($1, false, $2, $3, $3, $4, $1, $5, $6, $6)", account, grant, now, by, id_, words,
            )
            await connection.execute(
                "insert into app_session (account, livemode, id, grant_id, app_account, app, scope, created,"
                " expires_at) values ($1, false, $2, $3, $1, $4, $5, $6, $7)",
                account, session, grant, id_, words, now, now + LIFE_S,
            )
        claims = {
            "sub": grant, "sid": session, "client_id": id_, "account": account, "livemode": False, "scope": words,
        }
        return Token(await tokens.issue(ACCESS, claims, life_s=LIFE_S, now=now), id_, session)

    return _made(place, work)


def forged(place: Place, claims: Mapping[str, Any], *, typ: str = SESSION, life_s: int = LIFE_S, ago_s: int = 0) -> str:
    """A token that we sign with whatever it says."""

    async def work(_: Desk, tokens: Tokens) -> Token:
        text = await tokens.issue(typ, claims, life_s=life_s, now=clock.now() - ago_s)
        return Token(text, "", "")

    return _made(place, work).text


def _made(place: Place, work: Any) -> Token:
    async def run() -> Token:
        async with desk(Home(place.running.home)) as at:
            return await work(at, Tokens(SigningKeys(at.pool, at.box), issuer=place.running.settings()["api"]["url"]))

    return run_apart(run())


def wipe(place: Place, query: str, *values: Any) -> Sequence[Any]:
    """Change a row as the database's superuser."""
    return place.fetch(query, *values)
