"""Reads of grants, sessions, codes and refresh tokens."""

from collections.abc import Sequence
from typing import NamedTuple

from lockgate.gateway.oauth.core.rows import CodeRow, GrantRow, RefreshRow, SessionRow
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.paging import Page, no_cursor
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


class NamedGrant(NamedTuple):
    """A grant with its app's name, for whoever looks over what they gave."""

    row: GrantRow
    app_name: str


class Held(NamedTuple):
    """A session that goes on, with what bounds it now: its grant's scope and person, its app's scope."""

    session: SessionRow
    person: str
    grant_scope: str
    app_scope: str


async def grant(pool: Pool, who: Principal, id_: str) -> NamedGrant:
    """The grant ``id_`` on ``who``'s account, ended ones too."""
    row = await pool.fetchrow(
        "select g.account, g.livemode, g.id, g.created, g.updated, g.person, g.app_account, g.app, g.asked, g.scope,"
        " g.last_used_at, g.revoked_at, g.revoked_by, a.name from app_grant g"
        " join app a on (a.account, a.livemode, a.id) = (g.app_account, g.livemode, g.app)"
        " where g.account = $1 and g.livemode = $2 and g.id = $3",
        *(who.account, who.livemode, id_),
    )
    if row is None:
        raise missing("authorization", id_)
    return NamedGrant(GrantRow(*row[:13]), row[13])


async def grant_page(pool: Pool, who: Principal, page: Page) -> list[NamedGrant]:
    """One grant more than the page holds, of those that go on."""
    cursor = page.before if page.backwards else page.after
    if cursor is not None and not await pool.fetchval(
        "select exists (select from app_grant where account = $1 and livemode = $2 and id = $3)",
        *(who.account, who.livemode, cursor),
    ):
        raise no_cursor("authorization", page)
    rows = await pool.fetch(
        "select g.account, g.livemode, g.id, g.created, g.updated, g.person, g.app_account, g.app, g.asked, g.scope,"
        " g.last_used_at, g.revoked_at, g.revoked_by, a.name from app_grant g"
        " join app a on (a.account, a.livemode, a.id) = (g.app_account, g.livemode, g.app)"
        " where g.account = $1 and g.livemode = $2 and g.revoked_at is null and a.deleted_at is null"
        " and ($3::text is null or case when $4 then g.id > $3 else g.id < $3 end)"
        " order by case when $4 then g.id end, g.id desc limit $5",
        *(who.account, who.livemode, cursor, page.backwards, page.limit + 1),
    )
    return [NamedGrant(GrantRow(*row[:13]), row[13]) for row in rows]


async def grants_of_person(pool: Pool, person: str, *, accounts: Sequence[str]) -> list[NamedGrant]:
    """What ``person`` lets apps do with ``accounts`` in either mode, newest first."""
    rows = await pool.fetch(
        "select g.account, g.livemode, g.id, g.created, g.updated, g.person, g.app_account, g.app, g.asked, g.scope,"
        " g.last_used_at, g.revoked_at, g.revoked_by, a.name from app_grant g"
        " join app a on (a.account, a.livemode, a.id) = (g.app_account, g.livemode, g.app)"
        " where g.account = any($1::text[]) and g.person = $2 and g.revoked_at is null and a.deleted_at is null"
        " order by g.id desc",
        *(list(accounts), person),
    )
    return [NamedGrant(GrantRow(*row[:13]), row[13]) for row in rows]


class Given(NamedTuple):
    """What a person gave an app before, and what the app had asked for."""

    asked: str
    scope: str


async def live_grant(
    pool: Pool | Connection, *, account: str, livemode: bool, app: str, person: str
) -> Given | None:
    """What ``person`` gave ``app`` on ``account`` before, if that grant goes on."""
    row = await pool.fetchrow(
        "select asked, scope from app_grant where account = $1 and livemode = $2 and app = $3 and person = $4"
        " and revoked_at is null",
        *(account, livemode, app, person),
    )
    return None if row is None else Given(*row)


async def held(pool: Pool, *, account: str, livemode: bool, session: str, jti: str | None, now: int) -> Held | None:
    """The session unless it, its grant, its app or the token ``jti`` has ended."""
    row = await pool.fetchrow(
        "select s.account, s.livemode, s.id, s.grant_id, s.app_account, s.app, s.scope, s.created, s.expires_at,"
        " s.key_thumbprint, s.ended_at, s.ended_why, g.person, g.scope, a.scope from app_session s"
        " join app_grant g on (g.account, g.livemode, g.id) = (s.account, s.livemode, s.grant_id)"
        " join app a on (a.account, a.livemode, a.id) = (s.app_account, s.livemode, s.app)"
        " where s.account = $1 and s.livemode = $2 and s.id = $3 and s.ended_at is null and s.expires_at > $5"
        " and g.revoked_at is null and a.deleted_at is null"
        " and not exists (select from app_ended_token e where e.account = $1 and e.livemode = $2 and e.jti = $4)",
        *(account, livemode, session, jti, now),
    )
    return None if row is None else Held(SessionRow(*row[:12]), *row[12:])


async def token_ended(pool: Pool, *, account: str, livemode: bool, jti: str) -> bool:
    """Whether the access token ``jti`` was revoked by itself."""
    return await pool.fetchval(
        "select exists (select from app_ended_token where account = $1 and livemode = $2 and jti = $3)",
        *(account, livemode, jti),
    )


async def code(pool: Pool, *, account: str, hash_: bytes) -> CodeRow | None:
    """The code with this hash, used or not."""
    row = await pool.fetchrow(
        "select account, livemode, hash, created, expires_at, grant_id, app, scope, asked, session from app_code"
        " where account = $1 and livemode in (true, false) and hash = $2",
        *(account, hash_),
    )
    return None if row is None else CodeRow(*row)


async def refresh(pool: Pool, *, account: str, hash_: bytes) -> tuple[RefreshRow, SessionRow] | None:
    """The refresh token with this hash, spent or not, and its session."""
    row = await pool.fetchrow(
        "select r.account, r.livemode, r.hash, r.session, r.created, r.expires_at, r.used_at, s.account, s.livemode,"
        " s.id, s.grant_id, s.app_account, s.app, s.scope, s.created, s.expires_at, s.key_thumbprint, s.ended_at,"
        " s.ended_why from app_refresh r"
        " join app_session s on (s.account, s.livemode, s.id) = (r.account, r.livemode, r.session)"
        " where r.account = $1 and r.livemode in (true, false) and r.hash = $2",
        *(account, hash_),
    )
    return None if row is None else (RefreshRow(*row[:7]), SessionRow(*row[7:]))


async def grant_holder(pool: Pool, *, account: str, livemode: bool, id_: str) -> tuple[str, str] | None:
    """The person behind a grant that goes on, and its scope."""
    row = await pool.fetchrow(
        "select person, scope from app_grant where account = $1 and livemode = $2 and id = $3 and revoked_at is null",
        *(account, livemode, id_),
    )
    return None if row is None else (row[0], row[1])
