"""The house that the settlement tests share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.gateway.settlement.bank import House, open_house
from tests.support.cluster import Database


@pytest_asyncio.fixture
async def house(database: Database) -> AsyncIterator[House]:
    opened = await open_house(database)
    yield opened
    await opened.ports.committer.close()
    await opened.ports.pool.close()
