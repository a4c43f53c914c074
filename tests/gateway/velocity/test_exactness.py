"""Goal G3: random and hostile streams give the same attributes in the database, in memory and by brute force."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES, DISTINCT, KEYS
from lockgate.gateway.rules.core.catalogue import DISTINCT_WINDOWS as CATALOGUE_DISTINCT_WINDOWS
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.velocity.core.measures import DISTINCT_WINDOWS, FRAUD_WINDOWS, KINDS, NAMES, OTHERS
from lockgate.gateway.velocity.core.memory import Memory
from tests.gateway.velocity.oracle import Attempt, brute_force
from tests.gateway.velocity.streams import Played, stream


def test_the_catalogue_names_what_velocity_tells() -> None:
    told = {name for names in NAMES.values() for name in names} | {f"{kind}_age_h" for kind in KINDS}
    frauds = {f"{kind}_frauds_{window}" for kind in KINDS for window in FRAUD_WINDOWS}
    assert told == {a.name for a in ATTRIBUTES.values() if a.source == "velocity"} | frauds
    assert frauds <= ATTRIBUTES.keys()
    assert tuple(KEYS) == KINDS
    assert set(DISTINCT) == {(kind, others) for kind in KINDS for others in OTHERS[kind]}
    assert CATALOGUE_DISTINCT_WINDOWS == DISTINCT_WINDOWS


@given(st.integers(0, 2**32), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_memory_counts_any_stream_exactly(seed: int, values: int) -> None:
    attempts: list[Attempt] = []
    memory = Memory()
    for step in stream(seed, 40, values=values):
        if step.attempt is not None:
            told = memory.attributes(step.attempt.keys, amount=step.attempt.amount, now_ms=step.now_ms)
            assert told == brute_force(attempts, step.attempt.keys, amount=step.attempt.amount, now_ms=step.now_ms)
            attempts.append(step.attempt)
            made = step.attempt
            memory.add(made.name, made.keys, amount=made.amount, at_ms=made.at_ms, state=made.state)
        elif step.action == "end":
            attempts[step.index].state = step.word
            memory.end(attempts[step.index].name, step.word)
        elif step.action == "label":
            attempts[step.index].fraud_ms = None if attempts[step.index].fraud_ms else step.now_ms
            memory.label(attempts[step.index].name, attempts[step.index].fraud_ms)


@pytest.mark.parametrize("seed", range(3))
async def test_any_stream_is_counted_exactly(pool: Pool, worker: Pool, seed: int) -> None:
    played = Played(worker, Committer(pool))
    for step in stream(seed, 180):
        await played.play(step)
    assert played.errors == []
    assert played.compared > 20_000
