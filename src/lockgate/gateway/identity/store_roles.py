"""The identity room's statements on an account's own roles."""

from lockgate.gateway.identity.find_roles import CustomRoleRow
from lockgate.gateway.storage.database import Connection


async def lock_roles(connection: Connection, account: str) -> int:
    """One maker of this account's roles at a time, until the transaction ends; how many roles there are."""
    await connection.execute("select pg_advisory_xact_lock(hashtext('lockgate.roles'), hashtext($1))", account)
    found = await connection.fetchval(
        "select count(*) from custom_role where account = $1 and deleted_at is null", account
    )
    return int(found or 0)


async def insert_role(connection: Connection, row: CustomRoleRow) -> bool:
    """False if another role of the account has this name."""
    done = await connection.execute(
        "insert into custom_role (account, id, version, created, updated, name, description, permissions, created_by,"
        " deleted_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing",
        *row,
    )
    return done != "INSERT 0 0"


async def name_is_taken(connection: Connection, row: CustomRoleRow) -> bool:
    """Whether another role of the account has this one's name."""
    found = await connection.fetchval(
        "select exists (select from custom_role where account = $1 and lower(name) = lower($2) and id <> $3"
        " and deleted_at is null)",
        row.account,
        row.name,
        row.id,
    )
    return bool(found)


async def update_role(connection: Connection, row: CustomRoleRow) -> bool:
    """Write the next version; False if another request has written one meanwhile."""
    done = await connection.execute(
        "update custom_role set version = $3, updated = $4, name = $5, description = $6, permissions = $7,"
        " deleted_at = $8 where account = $1 and id = $2 and version = $3 - 1 and deleted_at is null",
        row.account,
        row.id,
        row.version,
        row.updated,
        row.name,
        row.description,
        row.permissions,
        row.deleted_at,
    )
    return done != "UPDATE 0"
