"""One whole Lockgate with every listener that it can have."""

from collections.abc import Iterator

import pytest

from tests.support.running import Running, discard, start_lockgate


@pytest.fixture(scope="session")
def lockgate() -> Iterator[Running]:
    started = start_lockgate(options=("--mtls-listen", "127.0.0.1:0"))
    try:
        yield started
    finally:
        discard(started)
