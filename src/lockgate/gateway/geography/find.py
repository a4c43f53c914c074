"""Reads of imported reference tables."""

from typing import NamedTuple

from lockgate.gateway.storage.database import Connection, Pool


class TableRow(NamedTuple):
    """One version of a table without what is in it. ``imported_ms`` is the world's time."""

    name: str
    version: int
    imported_ms: int
    imported_by: str
    date: str
    source: str
    licence: str
    sha256: str
    row_count: int


async def versions(pool: Pool | Connection) -> dict[str, int]:
    """The newest version of each imported table."""
    rows = await pool.fetch("select name, max(version) from reference_table group by name")
    return dict(map(tuple, rows))


async def history(pool: Pool | Connection) -> list[TableRow]:
    """All versions of all imported tables, the newest first."""
    rows = await pool.fetch(
        "select name, version, imported_ms, imported_by, date, source, licence, sha256, row_count"
        " from reference_table order by name, version desc"
    )
    return [TableRow(*row) for row in rows]


async def newest(pool: Pool | Connection, name: str) -> tuple[TableRow, bytes] | None:
    """The newest version of one table with what is in it."""
    row = await pool.fetchrow(
        "select name, version, imported_ms, imported_by, date, source, licence, sha256, row_count, data"
        " from reference_table where name = $1 order by version desc limit 1",
        name,
    )
    return None if row is None else (TableRow(*row[:9]), row[9])
