"""Reads what an account has set of the built-in rules."""

import json
from typing import NamedTuple

from lockgate.gateway.risk.core.settings import DEFAULTS, Settings, from_stored
from lockgate.gateway.storage.database import Connection, Pool


class Kept(NamedTuple):
    """Settings, and which version of them; version 0 are the defaults that nobody has changed yet."""

    settings: Settings
    version: int
    updated: int | None
    updated_by: str | None


async def settings(pool: Pool | Connection, account: str, livemode: bool) -> Kept:
    """What holds for the account in this mode."""
    row = await pool.fetchrow(
        "select data, version, updated, updated_by from risk_setting where account = $1 and livemode = $2",
        account,
        livemode,
    )
    if row is None:
        return Kept(DEFAULTS, 0, None, None)
    return Kept(from_stored(json.loads(row[0])), row[1], row[2], row[3])
