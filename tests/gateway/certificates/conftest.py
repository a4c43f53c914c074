"""The house that these tests visit."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.gateway.certificates.house import House, close_house, open_house
from tests.support.cluster import Database


@pytest_asyncio.fixture
async def house(database: Database, tmp_path: Path) -> AsyncIterator[House]:
    opened = await open_house(database, tmp_path)
    try:
        yield opened
    finally:
        await close_house(opened)
