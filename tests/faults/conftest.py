"""One sound Lockgate for the tests that leave it sound, and clients of what stands around it."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.faults.merchant import Merchant, merchant_of
from tests.faults.outside import Simulator, simulator_of
from tests.support.running import Running, discard, start_lockgate


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    started = start_lockgate(options=("--allow-private-webhooks",))
    yield started
    discard(started)


@pytest_asyncio.fixture
async def merchant(running: Running) -> AsyncIterator[Merchant]:
    async with merchant_of(running) as asking:
        yield asking


@pytest_asyncio.fixture
async def simulator(running: Running) -> AsyncIterator[Simulator]:
    async with simulator_of(running) as admin:
        yield admin
