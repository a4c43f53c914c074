"""A room with a real database, a real vault, and a sealer under its own role."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest_asyncio

from lockgate.gateway.audit.ports import Policy, Ports
from lockgate.gateway.storage.database import connect_pool
from lockgate.vault import providers
from tests.gateway.audit.room import ACCOUNT, ORIGIN, Room
from tests.support.cluster import Database
from tests.vault.running import vault_house


@pytest_asyncio.fixture
async def room(database: Database, tmp_path: Path) -> AsyncIterator[Room]:
    pools = {
        role: await connect_pool(
            database=database.settings, user=f"lockgate_{role}", password=database.passwords[role], size=4
        )
        for role in ("gateway", "sealer")
    }
    async with (
        asyncpg.create_pool(**database["vault"], min_size=1, max_size=4) as vaults,
        vault_house(vaults, {"root": providers.new_file_root()}, tmp_path) as house,
    ):
        vandal = await asyncpg.connect(**database["owner"])
        await vandal.execute("set search_path = gateway")
        await pools["gateway"].execute(
            "insert into account values ($1, 0, 'Shop', 'US', 'usd', '2024-06-20')", ACCOUNT
        )
        ports = Ports(pools["gateway"], house.worker, Policy(ORIGIN), pools["sealer"])
        yield Room(ports, house, vandal, database)
        await vandal.close()
    for pool in pools.values():
        await pool.close()
