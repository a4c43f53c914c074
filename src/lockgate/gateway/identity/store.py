"""The identity room's own statements: keys and accounts."""

from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.rows import ApiKeyRow

_INSERT_KEY = (
    "insert into api_key (account, livemode, id, kind, hash, hint, name, permissions, created, expires_at, revoked_at,"
    " last_used_at, rate_per_s, burst, customer, created_by, replaced_by)"
    " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
)


async def lock_accounts(connection: Connection) -> None:
    """One maker of accounts at a time, until this transaction ends."""
    await connection.execute("select pg_advisory_xact_lock(hashtext('lockgate.accounts'))")


async def hasten_deliveries(pool: Pool, account: str, livemode: bool, *, seconds: int) -> None:
    """Bring waiting webhook deliveries nearer: for them, too, that time has gone by."""
    await pool.execute(
        "update delivery set next_try_ms = next_try_ms - $3::bigint * 1000, created = created - $3::bigint"
        " where account = $1 and livemode = $2 and state = 'waiting'",
        account,
        livemode,
        seconds,
    )


async def insert_account(
    connection: Connection, *, id_: str, created: int, name: str, country: str, currency: str, api_version: str
) -> None:
    await connection.execute(
        "insert into account (id, created, name, country, default_currency, api_version)"
        " values ($1, $2, $3, $4, $5, $6)",
        id_,
        created,
        name,
        country,
        currency,
        api_version,
    )


async def insert_key(connection: Connection, row: ApiKeyRow) -> None:
    await connection.execute(_INSERT_KEY, *row)


async def lock_key(connection: Connection, *, account: str, id_: str) -> ApiKeyRow | None:
    """The key, held until this transaction ends."""
    row = await connection.fetchrow(
        "select account, livemode, id, kind, hash, hint, name, permissions, created, expires_at, revoked_at,"
        " last_used_at, rate_per_s, burst, customer, created_by, replaced_by from api_key"
        " where account = $1 and id = $2 for update",
        account,
        id_,
    )
    return None if row is None else ApiKeyRow(*row)


async def end_key(connection: Connection, row: ApiKeyRow) -> None:
    """Write the key's expiry, revocation and successor as ``row`` has them."""
    await connection.execute(
        "update api_key set expires_at = $4, revoked_at = $5, replaced_by = $6"
        " where account = $1 and livemode = $2 and id = $3",
        row.account,
        row.livemode,
        row.id,
        row.expires_at,
        row.revoked_at,
        row.replaced_by,
    )


async def mark_leaked(connection: Connection, row: ApiKeyRow, *, now: int) -> bool:
    """Note that the key was found in the open; False if that was known."""
    done = await connection.execute(
        "update api_key set leaked_at = $4 where account = $1 and livemode = $2 and id = $3 and leaked_at is null",
        row.account,
        row.livemode,
        row.id,
        now,
    )
    return done != "UPDATE 0"


async def weaken_key(connection: Connection, row: ApiKeyRow) -> None:
    """Write the key's name, permissions and expiry as ``row`` has them."""
    await connection.execute(
        "update api_key set name = $4, permissions = $5, expires_at = $6"
        " where account = $1 and livemode = $2 and id = $3",
        row.account,
        row.livemode,
        row.id,
        row.name,
        row.permissions,
        row.expires_at,
    )


async def touch_key(pool: Pool, *, account: str, livemode: bool, id_: str, now: int) -> None:
    """Note that the key was used, to the minute."""
    await pool.execute(
        "update api_key set last_used_at = $4 where account = $1 and livemode = $2 and id = $3"
        " and (last_used_at is null or last_used_at <= $4 - 60)",
        account,
        livemode,
        id_,
        now,
    )
