"""Reads of outside engines, and of what they are still to be told."""

from typing import NamedTuple

from lockgate.gateway.risk.engines.core.contract import Engine
from lockgate.gateway.storage.database import Connection, Pool


class Notice(NamedTuple):
    """An outcome that an engine is to be told. ``tries`` counts those made."""

    account: str
    livemode: bool
    engine: str
    attempt: str
    state: str
    tries: int


async def engines(pool: Pool | Connection, account: str, livemode: bool) -> list[Engine]:
    """An account's engines in this mode, the newest first."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, updated, name, url, stages, timeout_ms, on_failure, acts,"
        " shares, enabled, sealed from risk_engine where account = $1 and livemode = $2 and not deleted"
        " order by id desc",
        account,
        livemode,
    )
    return [_engine(row) for row in rows]


async def engine(pool: Pool | Connection, account: str, livemode: bool, id_: str) -> Engine | None:
    """One of them."""
    row = await pool.fetchrow(
        "select account, livemode, id, version, created, updated, name, url, stages, timeout_ms, on_failure, acts,"
        " shares, enabled, sealed from risk_engine where account = $1 and livemode = $2 and id = $3 and not deleted",
        account,
        livemode,
        id_,
    )
    return None if row is None else _engine(row)


async def charge_of(pool: Pool | Connection, notice: Notice) -> str | None:
    """The charge that a judged attempt made, or was to make."""
    return await pool.fetchval(
        "select charge from risk_decision where account = $1 and livemode = $2 and attempt = $3"
        " order by id desc limit 1",
        notice.account,
        notice.livemode,
        notice.attempt,
    )


def _engine(row: tuple) -> Engine:
    values = list(row)
    values[8], values[12] = tuple(values[8]), tuple(values[12])
    return Engine(*values)
