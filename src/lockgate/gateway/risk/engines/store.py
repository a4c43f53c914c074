"""Writes outside engines, and hands out what they are to be told."""

from lockgate.gateway.risk.engines.core.contract import Engine
from lockgate.gateway.risk.engines.find import Notice
from lockgate.gateway.storage.database import Connection, Pool


async def lock(connection: Connection, account: str, livemode: bool) -> None:
    """Make whoever else changes this account's engines wait until this transaction ends."""
    await connection.execute(
        "select pg_advisory_xact_lock(hashtextextended($1, 0))", f"lockgate.risk_engine/{account}/{livemode}"
    )


async def put(connection: Connection, row: Engine, *, deleted: bool = False) -> bool:
    """Write a new engine (version 1), or the next version of one; whether it was still the one before."""
    done = await connection.execute(
        "insert into risk_engine (account, livemode, id, version, created, updated, name, url, stages, timeout_ms,"
        " on_failure, acts, shares, enabled, sealed, deleted)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)"
        " on conflict (account, livemode, id) do update set version = excluded.version, updated = excluded.updated,"
        " name = excluded.name, url = excluded.url, stages = excluded.stages, timeout_ms = excluded.timeout_ms,"
        " on_failure = excluded.on_failure, acts = excluded.acts, shares = excluded.shares,"
        " enabled = excluded.enabled, sealed = excluded.sealed, deleted = excluded.deleted"
        " where risk_engine.version = excluded.version - 1 and not risk_engine.deleted",
        row.account,
        row.livemode,
        row.id,
        row.version,
        row.created,
        row.updated,
        row.name,
        row.url,
        list(row.stages),
        row.timeout_ms,
        row.on_failure,
        row.acts,
        list(row.shares),
        row.enabled and not deleted,
        b"" if deleted else row.sealed,
        deleted,
    )
    return done.endswith(" 1")


async def lease(pool: Pool, *, now_ms: int, until_ms: int, most: int) -> list[Notice]:
    """Take up to ``most`` notices of all accounts that are due; nobody else gets them before ``until_ms``."""
    rows = await pool.fetch(
        "update risk_engine_notice set due_ms = $2, tries = tries + 1 where ctid = any(array("
        "  select ctid from risk_engine_notice where due_ms <= $1 order by due_ms limit $3 for update skip locked))"
        " returning account, livemode, engine, attempt, state, tries",
        now_ms,
        until_ms,
        most,
    )
    return [Notice(*row) for row in rows]


async def done(pool: Pool, notice: Notice) -> None:
    """Forget a notice that was told, or given up."""
    await pool.execute(
        "delete from risk_engine_notice"
        " where account = $1 and livemode = $2 and engine = $3 and attempt = $4 and state = $5",
        *notice[:5],
    )


async def postpone(pool: Pool, notice: Notice, *, due_ms: int) -> None:
    """Try a notice again later."""
    await pool.execute(
        "update risk_engine_notice set due_ms = $6"
        " where account = $1 and livemode = $2 and engine = $3 and attempt = $4 and state = $5",
        *notice[:5],
        due_ms,
    )
