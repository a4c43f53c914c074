"""The door that these tests knock at."""

import pytest_asyncio

from tests.gateway.web.door import close_door, open_door


@pytest_asyncio.fixture
async def door(database, tmp_path):
    opened = await open_door(database, tmp_path)
    try:
        yield opened
    finally:
        await close_door(opened)
