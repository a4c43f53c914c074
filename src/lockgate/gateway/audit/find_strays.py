"""Reads for checks: what stands beside the seals, what waits for them, and which clock the database has."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from lockgate.gateway.audit.core.leaf import Seal
from lockgate.gateway.audit.find import Cursor
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.rows import AuditRow

PLATFORM = "-"  # the account of what belongs to no merchant


class Retirement(NamedTuple):
    """What one retirement said: the size of the checkpoint below which it deleted, and when."""

    size: int
    at_ms: int


async def between(
    connection: Connection, after: Cursor, to: Cursor, *, known: Sequence[Seal]
) -> list[tuple[str, str]]:
    """(account, id) of the records between two sealed ones that are not those of ``known``."""
    rows = await connection.fetch(
        "select a.account, a.id from audit a left join unnest($5::text[], $6::boolean[], $7::text[])"
        " k(account, livemode, id) on k.account = a.account and k.livemode = a.livemode and k.id = a.id"
        " where a.tx >= $1 and a.tx <= $3 and (a.tx, a.id) > ($1, $2) and (a.tx, a.id) <= ($3, $4) and k.id is null"
        " order by a.tx, a.id",
        *after,
        *to,
        [seal.account for seal in known],
        [seal.livemode for seal in known],
        [seal.record for seal in known],
    )
    return [(row["account"], row["id"]) for row in rows]


async def waiting(source: Pool | Connection, after: Cursor) -> int:
    """How many records are younger than the last sealed one."""
    found = await source.fetchval("select count(*) from audit where tx >= $1 and (tx, id) > ($1, $2)", *after)
    return found or 0


async def oldest_waiting(pool: Pool) -> int | None:
    """When (milliseconds) the oldest record that is not sealed yet was written; None when all are."""
    return await pool.fetchval(
        "with last as (select tx, record from audit_seal order by seq desc limit 1),"
        " cursor as (select coalesce((select tx from last), 0) as tx, coalesce((select record from last), '') as id)"
        " select min(a.created_ms) from audit a, cursor c where a.tx >= (select tx from cursor)"
        " and (a.tx, a.id) > (c.tx, c.id)"
    )


async def record(source: Pool | Connection, id_: str) -> AuditRow | None:
    """A record of any account, for the operator."""
    row = await source.fetchrow(
        "select account, livemode, id, created_ms, action, outcome, actor, object, address, request, detail, personal,"
        " tx from audit where account in (select id from account union all select '-') and id = $1 limit 1",
        id_,
    )
    return None if row is None else AuditRow(*row)


async def retirements(source: Pool | Connection) -> list[Retirement]:
    """Every retirement there was."""
    rows = await source.fetch(
        "select created_ms, detail from audit where account = $1 and not livemode and action = 'audit.retired'"
        " order by id",
        PLATFORM,
    )
    told = [(json.loads(row["detail"]).get("size"), row["created_ms"]) for row in rows]
    return [Retirement(size, at_ms) for size, at_ms in told if isinstance(size, int)]


async def database_ms(pool: Pool) -> int:
    """What time it is by the database's own clock."""
    found = await pool.fetchval("select (extract(epoch from clock_timestamp()) * 1000)::bigint")
    assert found is not None, "a server knows the time"
    return found
