"""Ends an API key at once; every process feels it within a second."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import store
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import ApiKeyRow
from lockgate.kernel import clock
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
        ended = row._replace(revoked_at=clock.now())
        owner = Principal(by.account, row.livemode, by.kind, by.id, address=by.address)
        await store.end_key(connection, ended)
        await insert_audits(connection, [record(owner, "api_key.revoke", object_=id_, request=None)])
    return ended
