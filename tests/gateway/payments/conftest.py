"""The till that the payment tests share, and the shop at a whole Lockgate."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.gateway.payments.till import Till, open_till
from tests.gateway.payments.whole import Shop
from tests.support.cluster import Database
from tests.support.door import Client
from tests.support.running import Running, discard, start_lockgate


@pytest_asyncio.fixture
async def till(database: Database) -> AsyncIterator[Till]:
    opened = await open_till(database)
    yield opened
    await opened.ports.committer.close()
    await opened.pool.close()


@pytest.fixture(scope="session")
def lockgate() -> Iterator[Running]:
    running = start_lockgate()
    yield running
    discard(running)


@pytest.fixture
def shop(lockgate: Running) -> Iterator[Shop]:
    keys = lockgate["secret_key"], lockgate["publishable_key"]
    server, browser = (Client(lockgate["api"], lockgate["ca_file"], key) for key in keys)
    yield Shop(server, browser, lockgate["ca_file"])
    server.close()
    browser.close()
