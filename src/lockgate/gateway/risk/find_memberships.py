"""Reads in which value lists keyed hashes stand, and what the account's lists can hold."""

from collections.abc import Sequence
from typing import Any

from lockgate.gateway.storage.database import Connection, Pool


async def row(pool: Pool | Connection, account: str, livemode: bool, *, hashes: Sequence[bytes]) -> Sequence[Any]:
    """Aliases and hashes of what was found, then types of item and prefixes of ranges; each may be None for none."""
    found = await pool.fetchrow(
        "select aliases, hashes, item_types, prefixes from risk_memberships_v1($1, $2, $3)",
        account,
        livemode,
        list(hashes),
    )
    assert found is not None, "the function gives one row"
    return found
