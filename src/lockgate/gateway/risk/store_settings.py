"""Writes an account's settings of the built-in rules, and forgets decisions that are too old."""

import json

from lockgate.gateway.risk.core.settings import Settings, to_stored
from lockgate.gateway.storage.database import Connection, Pool


async def lock(connection: Connection, account: str, livemode: bool) -> None:
    """Make whoever else changes these settings wait until this transaction ends."""
    await connection.execute(
        "select pg_advisory_xact_lock(hashtextextended($1, 0))", f"lockgate.risk_setting/{account}/{livemode}"
    )


async def put(
    connection: Connection, account: str, livemode: bool, settings: Settings, *, version: int, now: int, by: str
) -> None:
    """Write ``settings`` as ``version``."""
    await connection.execute(
        "insert into risk_setting (account, livemode, version, updated, updated_by, data)"
        " values ($1, $2, $3, $4, $5, $6) on conflict (account, livemode) do update set version = excluded.version,"
        " updated = excluded.updated, updated_by = excluded.updated_by, data = excluded.data",
        account,
        livemode,
        version,
        now,
        by,
        json.dumps(to_stored(settings)),
    )


async def forget_decisions(pool: Pool, *, before: int, most: int) -> int:
    """Delete up to ``most`` decisions made before this second; returns how many."""
    done = await pool.execute(
        "delete from risk_decision where ctid = any(array("
        " select ctid from risk_decision where created < $1 limit $2))",
        before,
        most,
    )
    return int(done.rsplit(" ", 1)[1])
