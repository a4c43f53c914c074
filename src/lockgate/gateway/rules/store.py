"""The SQL of changes to rules: each moves the account's revision, whose row they queue for, and adds a version."""

from lockgate.gateway.rules.find import RuleRow
from lockgate.gateway.storage.database import Connection


async def next_revision(connection: Connection, account: str, livemode: bool) -> int:
    """The revision of the change that this transaction makes."""
    revision = await connection.fetchval(
        "insert into risk_ruleset (account, livemode, revision) values ($1, $2, 1)"
        " on conflict (account, livemode) do update set revision = risk_ruleset.revision + 1 returning revision",
        *(account, livemode),
    )
    assert revision is not None, "the row is made or changed"
    return revision


async def count(connection: Connection, account: str, livemode: bool) -> int:
    """How many rules there are."""
    found = await connection.fetchval(
        "select count(*) from risk_rule where account = $1 and livemode = $2 and not deleted", *(account, livemode)
    )
    return found or 0


async def insert(connection: Connection, row: RuleRow) -> None:
    """A new rule."""
    await connection.execute(
        "insert into risk_rule (account, livemode, id, version, created, updated, action, state, text, tree,"
        " description, deleted) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        *row,
    )


async def replace(connection: Connection, row: RuleRow) -> bool:
    """``row`` instead of the version before it; False when that is no longer the last."""
    return bool(
        await connection.fetchval(
            "update risk_rule set version = $4, updated = $5, action = $6, state = $7, text = $8, tree = $9,"
            " description = $10, deleted = $11 where account = $1 and livemode = $2 and id = $3 and version = $4 - 1"
            " and not deleted returning true",
            *(row.account, row.livemode, row.id, row.version, row.updated, row.action, row.state, row.text),
            *(row.tree, row.description, row.deleted),
        )
    )


async def add_version(connection: Connection, row: RuleRow, *, revision: int, author: str) -> None:
    """Keep ``row`` as it is now, for ever."""
    await connection.execute(
        "insert into risk_rule_version (account, livemode, rule, version, revision, created, author, state, text, tree)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *(row.account, row.livemode, row.id, row.version, revision, row.updated, author),
        *("deleted" if row.deleted else row.state, row.text, row.tree),
    )
