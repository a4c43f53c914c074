"""The oauth room's own writes to apps, requests and grants."""

from typing import NamedTuple

from lockgate.gateway.oauth.core.clients import AppRow
from lockgate.gateway.oauth.core.rows import GrantRow, RequestRow
from lockgate.gateway.storage.database import Connection, Pool


async def insert_app(connection: Connection, row: AppRow) -> None:
    await connection.execute(
        "insert into app (account, livemode, id, version, created, name, method, redirect_uris, scope, strict, data,"
        " created_by, deleted_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        *row,
    )


async def lock_app(connection: Connection, *, account: str, livemode: bool, id_: str) -> AppRow | None:
    """The app, held until this transaction ends."""
    row = await connection.fetchrow(
        "select account, livemode, id, version, created, name, method, redirect_uris, scope, strict, data, created_by,"
        " deleted_at from app where account = $1 and livemode = $2 and id = $3 and deleted_at is null for update",
        *(account, livemode, id_),
    )
    return None if row is None else AppRow(*row)


async def update_app(connection: Connection, row: AppRow) -> None:
    """Write what may change of an app that is held."""
    await connection.execute(
        "update app set version = version + 1, name = $4, redirect_uris = $5, scope = $6, strict = $7, data = $8,"
        " deleted_at = $9 where account = $1 and livemode = $2 and id = $3",
        *(row.account, row.livemode, row.id, row.name, row.redirect_uris, row.scope, row.strict, row.data),
        row.deleted_at,
    )


async def insert_request(pool: Pool, row: RequestRow) -> None:
    await pool.execute(
        "insert into app_request (account, livemode, hash, state, app, asked, created, expires_at, person)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *row,
    )


async def take_request(
    connection: Connection | Pool, *, account: str, hash_: bytes, state: str, app: str
) -> RequestRow | None:
    """The app's request, for whoever asks first: it is gone then."""
    row = await connection.fetchrow(
        "delete from app_request where account = $1 and livemode in (true, false) and hash = $2 and state = $3"
        " and app = $4 returning account, livemode, hash, state, app, asked, created, expires_at, person",
        *(account, hash_, state, app),
    )
    return None if row is None else RequestRow(*row)


async def claim_request(pool: Pool, row: RequestRow, *, person: str) -> bool:
    """Whether the opened request is ``person``'s: of whoever opens it first."""
    done = await pool.execute(
        "update app_request set person = $4 where account = $1 and livemode = $2 and hash = $3"
        " and (person is null or person = $4)",
        *(row.account, row.livemode, row.hash, person),
    )
    return done != "UPDATE 0"


async def keep_grant(connection: Connection, row: GrantRow) -> str:
    """Write what a person gives now, over what the same person gave the same app before; the grant's id."""
    kept = await connection.fetchrow(
        "insert into app_grant (account, livemode, id, created, updated, person, app_account, app, asked, scope,"
        " last_used_at, revoked_at, revoked_by) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        " on conflict (account, livemode, app, person) where revoked_at is null"
        " do update set asked = excluded.asked, scope = excluded.scope, updated = excluded.updated returning id",
        *row,
    )
    assert kept is not None, "an upsert returns its row"
    return kept["id"]


async def publishable_key(connection: Connection, *, account: str, livemode: bool, grant: str) -> str | None:
    """The id of the API key that was made beside the grant."""
    return await connection.fetchval(
        "select publishable_key from app_grant where account = $1 and livemode = $2 and id = $3",
        *(account, livemode, grant),
    )


async def keep_publishable_key(
    connection: Connection, *, account: str, livemode: bool, grant: str, key: str
) -> None:
    await connection.execute(
        "update app_grant set publishable_key = $4 where account = $1 and livemode = $2 and id = $3",
        *(account, livemode, grant, key),
    )


class Ended(NamedTuple):
    """A grant that has just ended, and the API key that was made beside it."""

    account: str
    livemode: bool
    id: str
    app: str
    publishable_key: str | None


async def revoke_grants(
    connection: Connection, *, account: str, livemode: bool, app: str | None, id_: str | None, by: str, now: int
) -> list[Ended]:
    """End the grants of ``app``, or the one called ``id_``; those that went on until now."""
    rows = await connection.fetch(
        "update app_grant set revoked_at = $6, revoked_by = $5 where account = $1 and livemode = $2"
        " and ($3::text is null or app = $3) and ($4::text is null or id = $4) and revoked_at is null"
        " returning account, livemode, id, app, publishable_key",
        *(account, livemode, app, id_, by, now),
    )
    return [Ended(*row) for row in rows]


async def revoke_grants_of_app(connection: Connection, *, app: str, by: str, now: int) -> list[Ended]:
    """End all grants of a deleted app, whoever gave them."""
    rows = await connection.fetch(
        "update app_grant set revoked_at = $3, revoked_by = $2 where app = $1 and revoked_at is null"
        " returning account, livemode, id, app, publishable_key",
        *(app, by, now),
    )
    return [Ended(*row) for row in rows]
