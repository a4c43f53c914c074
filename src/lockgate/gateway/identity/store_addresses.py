"""The statements on address rules."""

from lockgate.gateway.identity.find_addresses import AddressRuleRow
from lockgate.gateway.storage.database import Connection


async def lock_rules(connection: Connection, account: str) -> None:
    """One change of an account's rules at a time, until this transaction ends."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended('address_rule ' || $1, 0))", account)


async def insert_rule(connection: Connection, row: AddressRuleRow) -> None:
    await connection.execute(
        "insert into address_rule (account, livemode, id, version, created, description, scope, subject, networks,"
        " mode) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *row,
    )


async def update_rule(connection: Connection, row: AddressRuleRow) -> bool:
    """Write the rule's next version; False if another changed it since it was read."""
    done = await connection.execute(
        "update address_rule set version = $4, description = $5, networks = $6, mode = $7"
        " where account = $1 and livemode = $2 and id = $3 and version = $4 - 1",
        row.account,
        row.livemode,
        row.id,
        row.version,
        row.description,
        row.networks,
        row.mode,
    )
    return done == "UPDATE 1"


async def delete_rule(connection: Connection, row: AddressRuleRow) -> bool:
    """Remove this very version of the rule; False if another changed it since it was read."""
    done = await connection.execute(
        "delete from address_rule where account = $1 and livemode = $2 and id = $3 and version = $4",
        row.account,
        row.livemode,
        row.id,
        row.version,
    )
    return done == "DELETE 1"
