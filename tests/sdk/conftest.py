"""One started Lockgate for all SDK tests, driven only through the official clients."""

from collections.abc import Iterator

import pytest
import stripe

from tests.support.running import Running, discard, start_lockgate


@pytest.fixture(scope="session")
def lockgate() -> Iterator[Running]:
    running = start_lockgate(options=("--allow-private-webhooks",))
    stripe.ca_bundle_path = running["ca_file"]
    yield running
    discard(running)


@pytest.fixture
def client(lockgate: Running) -> stripe.StripeClient:
    return stripe.StripeClient(
        lockgate["secret_key"],
        base_addresses={"api": lockgate["api"]},
    )
