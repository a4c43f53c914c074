"""The geography room's own SQL: keeping another version of a reference table."""

from lockgate.gateway.geography.find import TableRow
from lockgate.gateway.storage.database import Connection

_LOCK = 0x10C6A7F0


async def lock_tables(connection: Connection) -> None:
    """One import at a time: versions are counted without a gap."""
    await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)


async def insert(connection: Connection, row: TableRow, data: bytes) -> None:
    """Keep one version."""
    await connection.execute(
        "insert into reference_table (name, version, imported_ms, imported_by, date, source, licence, sha256,"
        " row_count, data) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *row,
        data,
    )
