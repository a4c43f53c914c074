"""The till that the payment tests share."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.gateway.payments.till import Till, open_till
from tests.support.cluster import Database


@pytest_asyncio.fixture
async def till(database: Database) -> AsyncIterator[Till]:
    opened = await open_till(database)
    yield opened
    await opened.ports.committer.close()
    await opened.pool.close()
