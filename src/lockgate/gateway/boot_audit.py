"""Constructs the audit room: for whoever reads the log, and for the worker, which seals it under a role of its own."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockgate.gateway.audit.ports import Ports, Reads, policy
from lockgate.gateway.storage.database import Pool, connect_pool
from lockgate.gateway.vaultlink.client import VaultClient
from lockgate.kernel.config import Home

_SEALING_POOL = 2


def reading(settings: Mapping[str, Any], *, pool: Pool, vault: VaultClient) -> Reads:
    """For programs that only read and prove."""
    return Reads(pool, vault, policy(settings))


async def sealing(home: Path, settings: Mapping[str, Any], reads: Reads) -> Ports:
    """For the program that seals: with a pool as ``lockgate_sealer``."""
    pool = await connect_pool(
        database=settings["database"],
        user="lockgate_sealer",
        password=Home(home).secrets("sealer")["database_password"],
        size=_SEALING_POOL,
    )
    return Ports(reads.pool, reads.vault, reads.policy, pool)
