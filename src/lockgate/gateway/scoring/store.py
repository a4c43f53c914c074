"""The room's own writes: models, their roles, and how far their inputs have drifted."""

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.records import RiskLabelRow


async def insert_model(
    connection: Connection,
    *,
    account: str,
    id_: str,
    file: bytes,
    metrics: Mapping[str, Any],
    now: int,
    created_by: str,
) -> bool:
    """Keep a model that plays no role yet; False when the very same one is there already."""
    done = await connection.execute(
        "insert into risk_model (account, id, created, created_by, role, file, metrics)"
        " values ($1, $2, $3, $4, 'none', $5, $6) on conflict do nothing",
        account, id_, now, created_by, file, json.dumps(metrics),
    )  # fmt: skip
    return done.endswith(" 1")


async def set_role(connection: Connection, account: str, model: str | None, *, role: str) -> str | None:
    """Give ``role`` to a model, or with None to none of the account's; returns the id of the one that had it before."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended('lockgate.risk_model/' || $1, 0))", account)
    before = await connection.fetchval(
        "update risk_model set role = 'none' where account = $1 and role = $2 returning id", account, role
    )
    if model is not None:
        await connection.execute("update risk_model set role = $3 where account = $1 and id = $2", account, model, role)
    return before


async def keep_drift(
    pool: Pool,
    *,
    account: str,
    livemode: bool,
    model: str,
    day: date,
    payments: int,
    moved: Mapping[str, float],
    now: int,
) -> bool:
    """Keep a day's drift; False when that day's is kept already."""
    done = await pool.execute(
        "insert into risk_drift (account, livemode, model, day, created, payments, worst, data)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
        account,
        livemode, model, day, now, payments, max(moved.values(), default=0.0), json.dumps(moved),
    )  # fmt: skip
    return done.endswith(" 1")


async def forget_drift(pool: Pool, *, before: date) -> None:
    """Forget what is older."""
    await pool.execute("delete from risk_drift where day < $1", before)


async def forget_labels(pool: Pool, *, before_ms: int) -> None:
    """Forget labels, and what was believed by them, of payments that nobody trains on any more."""
    await pool.execute("delete from risk_fraud where known_ms < $1", before_ms)
    await pool.execute("delete from risk_label where known_ms < $1", before_ms)


async def insert_label(connection: Connection, row: RiskLabelRow) -> None:
    """Keep a label, as a commit would."""
    await connection.execute(
        "insert into risk_label (account, livemode, id, version, created, attempt, charge, fraud, source, known_ms)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *row,
    )
