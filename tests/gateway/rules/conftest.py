"""The desk that the tests of rules share: one database for each file, one account for each test."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.gateway.rules.desk import Desk, open_desk
from tests.support.cluster import Cluster, Database, run_apart


@pytest.fixture(scope="module")
def shared(cluster: Cluster) -> Iterator[Database]:
    fresh = cluster.fresh()
    yield fresh
    run_apart(cluster.drop(fresh.name))


@pytest_asyncio.fixture
async def desk(shared: Database) -> AsyncIterator[Desk]:
    async with open_desk(shared) as opened:
        yield opened
