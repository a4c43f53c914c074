"""Audit records of transactions that are not the committer's: written beside their effect, or not at all."""

from collections.abc import Sequence

from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.rows import AuditRow

# The account that a refused key names is only believed when it exists; otherwise the record stands under '-'.
_INSERT = (
    "insert into audit (account, livemode, id, created_ms, action, outcome, actor, object, address, request, detail,"
    " personal) select coalesce((select a.id from account a where a.id = r.account), '-'), r.livemode, r.id,"
    " r.created_ms, r.action, r.outcome, r.actor, r.object, r.address, r.request, r.detail, r.personal"
    " from unnest($1::audit[]) r"
)


async def insert_audits(connection: Connection | Pool, rows: Sequence[AuditRow]) -> None:
    """Write ``rows``; with a connection, in the transaction that it has open."""
    await connection.execute(_INSERT, list(rows))
