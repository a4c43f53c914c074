"""What administers, with its least, its most, and each parameter wrong: asked by an owner who proves herself again."""

import time
from collections.abc import Iterator
from hashlib import sha256

import pytest
from tools.contract.declared import operations as declared

from lockgate.kernel.operations import Operation
from lockgate.kernel.principal import ADMINISTRATIVE
from tests.contract import world_access
from tests.contract.asking import Asker, exercised, groups
from tests.contract.recipes_access import ACCESS, BROWSERS
from tests.contract.recipes_risk import LOOSENED, PERSONAL
from tests.contract.wrong import leaves, wrongs
from tests.support.running import discard, start_lockgate
from tests.sweeps.conftest import Place

OPERATIONS = [
    operation for operation in declared() if operation.resource in ADMINISTRATIVE or operation.name in PERSONAL
]
ALL = {**ACCESS, **LOOSENED}
# What changes by itself, or because somebody asks at all: tables, and columns of the others.
# What the clock and those who watch do by themselves meanwhile: refusals make alerts, and alerts make letters.
RESTLESS = {
    "alert", "alert_cursor", "alert_delivery", "client_certificate", "job", "known_address", "limit_state", "mail",
    "notification_cursor", "outbox", "traffic",
}
SEEN = ["last_seen_at", "last_used_at", "last_used_address", "last_address", "seen_at", "used_at"]


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    running = start_lockgate(options=("--allow-private-webhooks",))
    try:
        yield Place(running)
    finally:
        discard(running)


@pytest.fixture(scope="module")
def asker(place: Place) -> Asker:
    return Asker(world_access.world(place), place.client().get("/openapi.json").json, recipes=ALL)


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_every_operation_takes_its_least_and_its_most(asker: Asker) -> None:
    failures = []
    for operation in OPERATIONS:
        try:
            asker.minimal(operation)
            for group in groups(operation, ALL):
                asker.rightly(operation, group)
        except AssertionError as wrong:
            failures.append(f"{operation.name}: {str(wrong)[-900:]}")
        finally:
            asker.world.asking = None
    assert not failures, f"{len(failures)} of them\n" + "\n\n".join(failures)
    lacking = {
        operation.name: names
        for operation in OPERATIONS
        if (names := {leaf.name for leaf in exercised(operation, ALL)} - asker.taken[operation.name])
    }
    assert not lacking, lacking


@pytest.mark.slow
@pytest.mark.timeout(280)
def test_each_parameter_wrong_is_refused_by_name_and_changes_nothing(place: Place, asker: Asker) -> None:
    ids = {operation.name: ids_of(asker, operation) for operation in OPERATIONS}
    time.sleep(2)  # what the worker still does about them
    before, asked = fingerprints(place), asker.asked
    wrong = [
        said
        for operation in OPERATIONS
        for one in wrongs(operation.params)
        if (said := asker.wrongly(operation, one, ids[operation.name])) is not None
    ]
    print(f"{asker.asked - asked} wrong requests")
    assert not wrong, f"{len(wrong)} of them\n" + "\n".join(wrong[:60])
    assert asker.asked - asked > 1000, "hardly anything was tried"
    time.sleep(2)
    after = fingerprints(place)
    assert after == before, [table for table in before if before[table] != after[table]]


def test_recipes_speak_of_what_there_is() -> None:
    by_name = {operation.name: operation for operation in OPERATIONS}
    assert not ACCESS.keys() - by_name.keys() and set(BROWSERS) <= ACCESS.keys()
    for name, recipe in ACCESS.items():
        known = [leaf.name for leaf in leaves(by_name[name].params)]
        for prefix in (*recipe.never, *recipe.needs):
            assert any(leaf == prefix or leaf.startswith(f"{prefix}[") for leaf in known), f"{name} has no {prefix}"


def ids_of(asker: Asker, operation: Operation) -> dict[str, str]:
    """Right ids for the path: parameters are read before what it names is looked for."""
    names = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    known = {"factor": "factor_0000000000000000"}
    return {name: known[name] if name in known else asker.world.one(name) for name in names}


def fingerprints(place: Place) -> dict[str, str]:
    """All that one can set, table by table; records of what was tried are no part of it."""
    tables = place.fetch("select tablename from pg_tables where schemaname = 'gateway' order by 1")
    found = {}
    for name in (row["tablename"] for row in tables):
        if name not in RESTLESS and not name.startswith("audit"):
            rows = place.fetch(f"select (to_jsonb(t) - $1::text[])::text as row from gateway.{name} t order by 1", SEEN)
            found[name] = f"{len(rows)} {sha256(repr([row['row'] for row in rows]).encode()).hexdigest()}"
    assert len(found) > 40
    return found
