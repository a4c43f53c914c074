"""Which seals a time means."""

from lockgate.gateway.storage.database import Connection
from lockgate.kernel.merkle import Range


async def written_between(connection: Connection, *, from_ms: int, to_ms: int) -> Range:
    """The numbers from the first to behind the last seal of a record that was written then; others may lie between."""
    row = await connection.fetchrow(
        "with span as (select min(tx) as first, max(tx) as last from audit where created_ms >= $1 and created_ms < $2)"
        " select min(s.seq) as first, max(s.seq) + 1 as last from audit_seal s, span"
        " where s.tx between span.first and span.last",
        from_ms,
        to_ms,
    )
    return (row["first"], row["last"]) if row is not None and row["first"] is not None else (0, 0)
