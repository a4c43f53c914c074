"""The room's own statements over all accounts: customers that no search finds by what is kept sealed."""

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import CustomerRow


async def unhashed(pool: Pool, *, most: int) -> list[CustomerRow]:
    """Customers with personal data and without its hashes."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, deleted, email_index, data, personal from customer"
        " where data->'index' is null and personal is not null and not deleted limit $1",
        most,
    )
    return [CustomerRow(*row) for row in rows]


async def keep_hashes(pool: Pool, row: CustomerRow, data: str) -> None:
    """Write ``data``, which has them, unless somebody has changed the customer since: it is looked at again."""
    await pool.execute(
        "update customer set data = $5, version = version + 1"
        " where account = $1 and livemode = $2 and id = $3 and version = $4",
        row.account,
        row.livemode,
        row.id,
        row.version,
        data,
    )
