"""Random valid and invalid operations by several clients against a whole Lockgate, compared step by step with a model.

Every answer, every object after it, the balance and at the end every object's events must be the model's. Two clients
also do the same thing at the same time: then one of them wins, and the model learns which.
"""

import os
import random
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from lockgate.gateway.identity import store
from lockgate.gateway.identity.accounts import create_account
from lockgate.gateway.identity.bootstrap import desk
from lockgate.gateway.identity.create import create
from lockgate.gateway.provision import provision_account
from lockgate.kernel.config import Home
from lockgate.kernel.principal import Principal
from tests.model.long_story import LongStory
from tests.model.story import COUNTED, STATE
from tests.support.cluster import run_apart
from tests.support.running import Running, discard, start_lockgate

STEPS = 2_000
STEPS_A_STORY = 50
RATE = (5_000, 5_000)
SPARE = 5  # stories that the generator begins and does not count, or tells again
SEED = int(os.environ.get("LOCKGATE_TEST_SEED") or random.SystemRandom().randrange(2**32))


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    started = start_lockgate()
    try:
        yield started
    finally:
        discard(started)


async def merchants(home: Home, number: int) -> list[str]:
    """The keys of new merchants, each with leave for as many requests as a story may send."""
    made = []
    async with desk(home) as at:
        for _ in range(number):
            async with at.pool.acquire() as connection, connection.transaction():
                await store.lock_accounts(connection)
                account = await create_account(connection, by="test", name="Story", country="US", currency="usd")
            await provision_account(home, account.id)
            who = Principal(account.id, False, "internal", "test")
            key = await create(at.pool, who, pepper=at.pepper, kind="secret", permissions={}, rate=RATE)
            made.append(key.text)
    return made


def keys(home: Home) -> Iterator[str]:
    """A new merchant's key for each story, however many are begun."""
    yield from run_apart(merchants(home, STEPS // STEPS_A_STORY))
    while True:
        yield from run_apart(merchants(home, SPARE))


def test_two_thousand_random_operations(running: Running) -> None:
    STATE["running"] = running
    STATE["keys"] = keys(Home(running.home))
    COUNTED.clear()
    print(f"seed {SEED}: set LOCKGATE_TEST_SEED to run it again")
    run_state_machine_as_test(
        seed(SEED)(LongStory),
        settings=settings(
            max_examples=STEPS // STEPS_A_STORY, stateful_step_count=STEPS_A_STORY, deadline=None, database=None,
            phases=[Phase.generate], suppress_health_check=list(HealthCheck), print_blob=True,
        ),
        _min_steps=STEPS_A_STORY,
    )  # fmt: skip
    print(dict(COUNTED.most_common()))
    verified = running.command("verify")
    assert verified.returncode == 0, verified.stdout
