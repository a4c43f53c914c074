"""Reads of the audit log: its records in the order in which they were committed, for whoever follows it."""

from typing import NamedTuple

from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.rows import AuditRow


class Cursor(NamedTuple):
    """How far a follower has come: the last record's transaction and id."""

    tx: int = 0
    id: str = ""


async def after(pool: Pool | Connection, cursor: Cursor, most: int) -> list[AuditRow]:
    """The next records of all accounts, ``most`` at a time.

    Only below the oldest transaction that is still open: what commits later has a higher number than all of these, so
    a follower that goes on from the last one misses nothing.
    """
    rows = await pool.fetch(
        "select account, livemode, id, created_ms, action, outcome, actor, object, address, request, detail, personal,"
        " tx from audit where tx >= $1 and (tx, id) > ($1, $2)"
        " and tx < pg_snapshot_xmin(pg_current_snapshot())::text::bigint order by tx, id limit $3",
        cursor.tx,
        cursor.id,
        most,
    )
    return [AuditRow(*row) for row in rows]
