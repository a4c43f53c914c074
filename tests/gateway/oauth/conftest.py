"""One started Lockgate for all tests of apps."""

from collections.abc import Iterator

import pytest

from tests.gateway.oauth.realm import Realm, open_realm
from tests.support.running import discard, start_lockgate


@pytest.fixture(scope="session")
def realm() -> Iterator[Realm]:
    running = start_lockgate()
    try:
        yield open_realm(running)
    finally:
        discard(running)
