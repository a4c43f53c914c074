"""Reads of apps and of authorization requests: the account that an id or handle names comes first."""

from lockgate.gateway.oauth.core import handles
from lockgate.gateway.oauth.core.clients import AppRow, Client, client
from lockgate.gateway.oauth.core.rows import RequestRow
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page, no_cursor
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


async def client_by_id(pool: Pool, id_: str) -> Client | None:
    """The app that calls itself ``id_``, if there is one."""
    account = handles.account_of("ca", id_)
    if account is None:
        return None
    row = await pool.fetchrow(
        "select account, livemode, id, version, created, name, method, redirect_uris, scope, strict, data, created_by,"
        " deleted_at from app where account = $1 and livemode in (true, false) and id = $2 and deleted_at is null",
        account,
        id_,
    )
    return None if row is None else client(AppRow(*row))


async def app(pool: Pool, who: Principal, id_: str, *, param: str = "id") -> AppRow:
    """The app ``id_`` of ``who``'s account and mode; a deleted one is missing."""
    row = await pool.fetchrow(
        "select account, livemode, id, version, created, name, method, redirect_uris, scope, strict, data, created_by,"
        " deleted_at from app where account = $1 and livemode = $2 and id = $3 and deleted_at is null",
        *(who.account, who.livemode, id_),
    )
    if row is None:
        raise missing("app", id_, param=param)
    return AppRow(*row)


async def app_page(pool: Pool, who: Principal, page: Page) -> list[AppRow]:
    """One row more than the page holds."""
    cursor = page.before if page.backwards else page.after
    rows = [
        AppRow(*row)
        for row in await pool.fetch(
            "select account, livemode, id, version, created, name, method, redirect_uris, scope, strict, data,"
            " created_by, deleted_at from app where account = $1 and livemode = $2 and deleted_at is null"
            " order by id desc",
            *(who.account, who.livemode),
        )
    ]
    if cursor is None:
        return rows[: page.limit + 1]
    if cursor not in {row.id for row in rows}:
        raise no_cursor("app", page)
    if page.backwards:
        return [row for row in reversed(rows) if row.id > cursor][: page.limit + 1]
    return [row for row in rows if row.id < cursor][: page.limit + 1]


async def opened_request(pool: Pool, ticket: str, *, now: int) -> RequestRow | None:
    """The request that waits for a person's decision under ``ticket``."""
    account = handles.account_of("cr", ticket)
    if account is None:
        return None
    row = await pool.fetchrow(
        "select account, livemode, hash, state, app, asked, created, expires_at, person from app_request"
        " where account = $1 and livemode in (true, false) and hash = $2 and state = 'opened' and expires_at > $3",
        *(account, handles.hashed(ticket), now),
    )
    return None if row is None else RequestRow(*row)
