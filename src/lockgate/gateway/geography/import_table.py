"""Imports a reference table: read and checked whole, then kept as a new version beside the old ones, on record."""

import hashlib
import zlib
from collections.abc import Callable, Mapping, Sequence

from lockgate.gateway.audit.record import record
from lockgate.gateway.geography import find, store
from lockgate.gateway.geography.core import bins, domains, rates
from lockgate.gateway.geography.core.tables import Table
from lockgate.gateway.geography.find import TableRow
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.kernel import clock
from lockgate.kernel.principal import Principal

READERS: Mapping[str, Callable[[Sequence[str]], Table]] = {
    bins.NAME: bins.read,
    rates.NAME: rates.read,
    domains.NAME: domains.read,
}
"""What can be imported: card ranges, exchange rates, domains of throw-away addresses."""


async def import_table(
    connection: Connection, by: Principal, table: Table, *, date: str, source: str, licence: str
) -> TableRow:
    """Keep ``table`` in the caller's transaction. ``date`` is the data's own day, as in 2026-06-25.

    Running processes use it within a second. A table that is the newest version's very copy is not kept again.
    """
    await store.lock_tables(connection)
    data = "\n".join(table.rows).encode()
    digest = hashlib.sha256(data).hexdigest()
    found = await find.newest(connection, table.name)
    before = None if found is None else found[0]
    if before is not None and (before.sha256, before.date) == (digest, date):
        return before
    row = TableRow(
        name=table.name,
        version=1 if before is None else before.version + 1,
        imported_ms=clock.now_ms(),
        imported_by=f"{by.kind}:{by.id}",
        date=date,
        source=source,
        licence=licence,
        sha256=digest,
        row_count=len(table.rows),
    )
    await store.insert(connection, row, zlib.compress(data, 6))
    detail = {
        "table": row.name, "version": row.version, "date": row.date, "source": row.source, "licence": row.licence,
        "sha256": row.sha256, "rows": row.row_count,
    }  # fmt: skip
    await insert_audits(connection, [record(by, "risk_table.import", object_=row.name, request=None, detail=detail)])
    return row
