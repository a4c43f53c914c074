"""The court that the disputes' tests share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.gateway.disputes.court import Court, open_court
from tests.support.cluster import Database


@pytest_asyncio.fixture
async def court(database: Database) -> AsyncIterator[Court]:
    async with open_court(database) as opened:
        yield opened
