"""The desk that the signals tests share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.gateway.signals.desk import Desk, open_desk
from tests.support.cluster import Database


@pytest_asyncio.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with open_desk(database) as opened:
        yield opened
