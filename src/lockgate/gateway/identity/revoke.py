"""Ends an API key at once; every process feels it within a second."""

from dataclasses import replace

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import store
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.rows import ApiKeyRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


async def revoke(pool: Pool, by: Principal, id_: str) -> ApiKeyRow:
    """The key, revoked; revoking it again changes nothing and is not an error."""
    async with pool.acquire() as connection, connection.transaction():
        row = await store.lock_key(connection, account=by.account, id_=id_)
        if row is None:
            raise missing("api_key", id_)
        if row.revoked_at is not None:
            return row
        now = await business_time.now(connection, row.account, row.livemode)
        return await revoke_within(connection, replace(by, livemode=row.livemode), row, now=now)


async def revoke_companion(connection: Connection, by: Principal, id_: str, *, request: str | None) -> None:
    """End a key that was made beside something that ends now, in the caller's transaction."""
    row = await store.lock_key(connection, account=by.account, id_=id_)
    if row is not None and row.revoked_at is None:
        now = await business_time.now(connection, row.account, row.livemode)
        await revoke_within(connection, by, row, now=now, request=request)


async def revoke_within(
    connection: Connection, by: Principal, row: ApiKeyRow, *, now: int, request: str | None = None
) -> ApiKeyRow:
    """End a key that is locked, in the caller's transaction. ``now`` is the account's own time."""
    ended = row._replace(revoked_at=now)
    await store.end_key(connection, ended)
    await insert_audits(connection, [record(by, "api_key.revoke", object_=row.id, request=request)])
    return ended
