"""What a backup and a restore ask of the database: WAL held back while it is copied, and doubt where the copy ends."""

import secrets
from typing import NamedTuple

import asyncpg

from lockgate.gateway.storage import roles


class Revived(NamedTuple):
    """What a restored database was found to hold."""

    doubtful: int
    newest_attempt: int | None  # seconds; whatever came later is not in this database


async def hold_wal(connection: asyncpg.Connection) -> None:
    """Keep all WAL from the last checkpoint on until ``connection`` ends: the copy needs it, however long it takes."""
    await connection.execute(
        "SELECT pg_create_physical_replication_slot($1, true, true)", f"lockgate_backup_{secrets.token_hex(4)}"
    )


async def connect_revived(host: str) -> asyncpg.Connection:
    """The superuser in our database, on a server that only we can reach and that asks for no password."""
    return await asyncpg.connect(host=host, port=roles.PORT, user=roles.SUPERUSER, database=roles.DATABASE)


async def doubt_open_attempts(connection: asyncpg.Connection, *, now_ms: int) -> Revived:
    """Have every attempt without a definite outcome inquired at once, and none of them taken for unsent.

    An order that was open when the copy was made may have left later. The vault's claim of it is then missing, and a
    tombstone would prove what is not true: so every open step counts as claimed, and only the processor's word ends it.
    """
    async with connection.transaction():
        await connection.execute(
            "INSERT INTO vault.claim (account, step, tombstone, send_before_ms, at_ms)"
            " SELECT account, id, false, send_before_ms, $1 FROM gateway.attempt"
            " WHERE state IN ('open', 'unknown', 'pending') ON CONFLICT DO NOTHING",
            now_ms,
        )
        done = await connection.execute(
            "UPDATE gateway.attempt SET next_check_ms = $1, checks = 0 WHERE state IN ('open', 'unknown', 'pending')",
            now_ms,
        )
        newest = await connection.fetchval("SELECT max(created) FROM gateway.attempt")
    return Revived(int(done.rsplit(" ", 1)[1]), newest)


async def attempt_ids(connection: asyncpg.Connection) -> frozenset[str]:
    """Every attempt there is: for the sandbox, whose simulator must know no more than these."""
    return frozenset(row["id"] for row in await connection.fetch("SELECT id FROM gateway.attempt"))
