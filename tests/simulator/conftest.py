"""A started simulator for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.simulator.running import RunningSimulator


@pytest_asyncio.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[RunningSimulator]:
    running = RunningSimulator(tmp_path / "home")
    running.start()
    yield running
    await running.close()
