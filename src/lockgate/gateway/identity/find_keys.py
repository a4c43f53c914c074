"""Reads of an account's lasting API keys in one mode, for those who may manage them."""

from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.paging import Page, no_cursor
from lockgate.gateway.storage.rows import ApiKeyRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


async def key(pool: Pool | Connection, who: Principal, id_: str) -> ApiKeyRow:
    """The key, or a refusal that says that there is none."""
    row = await pool.fetchrow(
        "select account, livemode, id, kind, hash, hint, name, permissions, created, expires_at, revoked_at,"
        " last_used_at, rate_per_s, burst, customer, created_by, replaced_by from api_key"
        " where account = $1 and livemode = $2 and id = $3 and kind <> 'ephemeral'",
        who.account,
        who.livemode,
        id_,
    )
    if row is None:
        raise missing("api_key", id_, param="api_key")
    return ApiKeyRow(*row)


async def key_page(pool: Pool, who: Principal, page: Page, *, kind: str | None) -> list[ApiKeyRow]:
    """Keys, newest first; one row more than the page holds."""
    cursor = page.after or page.before
    if cursor is not None and not await _known(pool, who, cursor):
        raise no_cursor("api_key", page)
    values = (who.account, who.livemode, page.limit + 1, cursor, kind)
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, kind, hash, hint, name, permissions, created, expires_at, revoked_at,"
            " last_used_at, rate_per_s, burst, customer, created_by, replaced_by from api_key"
            " where account = $1 and livemode = $2 and kind <> 'ephemeral' and id > $4"
            " and ($5::text is null or kind = $5) order by id limit $3",
            *values,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, kind, hash, hint, name, permissions, created, expires_at, revoked_at,"
            " last_used_at, rate_per_s, burst, customer, created_by, replaced_by from api_key"
            " where account = $1 and livemode = $2 and kind <> 'ephemeral' and ($4::text is null or id < $4)"
            " and ($5::text is null or kind = $5) order by id desc limit $3",
            *values,
        )
    return [ApiKeyRow(*row) for row in rows]


async def _known(pool: Pool, who: Principal, id_: str) -> bool:
    return await pool.fetchval(
        "select exists (select from api_key where account = $1 and livemode = $2 and id = $3 and kind <> 'ephemeral')",
        who.account,
        who.livemode,
        id_,
    )
