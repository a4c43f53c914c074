"""The counter that the checkout tests share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.gateway.checkout.counter import Counter, open_counter
from tests.support.cluster import Database


@pytest_asyncio.fixture
async def counter(database: Database) -> AsyncIterator[Counter]:
    opened = await open_counter(database)
    yield opened
    await opened.ports.committer.close()
    await opened.ports.pool.close()
