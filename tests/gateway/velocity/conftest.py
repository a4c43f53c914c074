"""Pools of the programs' own roles for tests of velocity."""

from collections.abc import AsyncIterator

import pytest_asyncio

from lockgate.gateway.storage.database import Pool, connect_pool
from tests.support.cluster import Database


async def pool_as(database: Database, role: str, *, size: int = 4) -> Pool:
    """A pool as one of our roles."""
    given = database[role]
    return await connect_pool(database=database.settings, user=given["user"], password=given["password"], size=size)


@pytest_asyncio.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    """The gateway's pool."""
    opened = await pool_as(database, "gateway")
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def worker(database: Database) -> AsyncIterator[Pool]:
    """The worker's pool: what folds and forgets."""
    opened = await pool_as(database, "worker")
    yield opened
    await opened.close()
