"""The room's own statements beside its verbs: keyed hashes that older customers lack, and those of erased persons."""

from lockgate.gateway.storage.database import Connection, Pool
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


async def forget_hashes(connection: Connection, account: str, customer: str) -> None:
    """Forget by what an erased customer was found: else whoever knows her address could still ask whether she was here.

    In both modes, and not in answer to a request: it is no change of what the objects are.
    """
    await connection.execute(
        "update customer set email_index = null, data = jsonb_set(data, '{index}', '{}'), version = version + 1"
        " where account = $1 and id = $2",
        account,
        customer,
    )
    await connection.execute(
        "update checkout_session set email_index = null, version = version + 1 where account = $1 and customer = $2",
        account,
        customer,
    )
    await connection.execute(
        "update charge set data = data - 'index', version = version + 1"
        " where account = $1 and customer = $2 and data->'index' is not null",
        account,
        customer,
    )
