"""A people room for each test."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.gateway.people.desk import Desk, open_desk
from tests.support.cluster import Database


@pytest_asyncio.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with open_desk(database) as opened:
        yield opened
