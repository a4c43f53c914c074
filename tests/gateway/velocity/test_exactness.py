"""Goal G3: random and hostile streams give the same attributes in the database, in memory and by brute force."""

import pytest

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES, DISTINCT, KEYS
from lockgate.gateway.rules.core.catalogue import DISTINCT_WINDOWS as CATALOGUE_DISTINCT_WINDOWS
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.velocity.core.measures import DISTINCT_WINDOWS, KINDS, NAMES, OTHERS
from tests.gateway.velocity.streams import Played, stream


def test_the_catalogue_names_what_velocity_tells() -> None:
    told = {name for names in NAMES.values() for name in names} | {f"{kind}_age_h" for kind in KINDS}
    assert told == {a.name for a in ATTRIBUTES.values() if a.source in ("velocity", "history")} | {"customer_age_h"}
    assert tuple(KEYS) == KINDS
    assert set(DISTINCT) == {(kind, others) for kind in KINDS for others in OTHERS[kind]}
    assert CATALOGUE_DISTINCT_WINDOWS == DISTINCT_WINDOWS


@pytest.mark.parametrize("seed", range(6))
async def test_any_stream_is_counted_exactly(pool: Pool, worker: Pool, seed: int) -> None:
    played = Played(worker, Committer(pool))
    for step in stream(seed, 150):
        await played.play(step)
    assert played.errors == []
    assert played.looked > 60
