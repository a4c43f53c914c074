"""The office that these tests post to."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.gateway.notifications.office import Office, open_office
from tests.support.cluster import Database


@pytest_asyncio.fixture
async def office(database: Database) -> AsyncIterator[Office]:
    async with open_office(database) as opened:
        yield opened
