"""Every operation with its least and its most, and with each parameter wrong in every way: against a real Lockgate."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256

import pytest
from tools.contract import dialect
from tools.contract.declared import operations as declared

from lockgate.gateway.web.openapi.examples import kinds
from lockgate.kernel.operations import Operation
from lockgate.kernel.principal import ADMINISTRATIVE
from tests.contract import states, stories
from tests.contract.asking import Asker, exercised, expandable, groups
from tests.contract.recipes import RECIPES
from tests.contract.recipes_risk import PERSONAL, RISK
from tests.contract.world import World
from tests.contract.wrong import leaves, wrongs
from tests.support.running import discard, start_lockgate
from tests.sweeps.conftest import Place

# Tables that change by themselves or by reading: what a refused request must leave alone are all others.
RESTLESS = {
    "audit", "audit_seal", "delivery", "delivery_attempt", "api_key", "balance", "balance_delta", "webhook_endpoint",
    "outbox",
}


ALL = {**RECIPES, **RISK}
# Fields that only hold something after what would take too long here.
ELSEWHERE = {("risk_decision", "shadow_model")}  # a trained model: tests/gateway/scoring


def operations() -> list[Operation]:
    """The business. What is administrative a secret key cannot ask: tests/sweeps and each room's own tests do."""
    return [
        operation
        for operation in declared()
        if operation.resource not in ADMINISTRATIVE and operation.name not in PERSONAL
    ]


@dataclass
class Swept:
    """What came of asking every operation rightly."""

    asker: Asker
    declared: list[Operation]
    visited: set[str] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    running = start_lockgate(options=("--allow-private-webhooks",))
    try:
        yield Place(running)
    finally:
        discard(running)


@pytest.fixture(scope="module")
def asker(place: Place) -> Asker:
    client = place.client(place.running["secret_key"])
    return Asker(World(client, place.running["account"]), client.get("/openapi.json").json, recipes=ALL)


@pytest.fixture(scope="module")
def swept(asker: Asker) -> Swept:
    """Every operation asked with its least, and with its most in as few requests as exclusions allow."""
    done = Swept(asker, operations())
    started = time.monotonic()
    for operation in done.declared:
        try:
            asker.minimal(operation)
            done.visited.add(operation.name)
            for group in groups(operation, ALL):
                asker.rightly(operation, group, expand=expandable(operation))
            if not exercised(operation, ALL) and expandable(operation):
                asker.rightly(operation, [], expand=expandable(operation))
        except AssertionError as wrong:
            done.failures.append(str(wrong)[-900:])
    print(f"{asker.asked} requests in {time.monotonic() - started:.0f} s")
    return done


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_every_operation_takes_its_least_and_its_most(swept: Swept) -> None:
    assert not swept.failures, "\n\n".join(swept.failures)
    assert swept.visited == {operation.name for operation in swept.declared}
    lacking = {
        operation.name: names
        for operation in swept.declared
        if (names := {leaf.name for leaf in exercised(operation, ALL)} - swept.asker.taken.get(operation.name, set()))
    }
    assert not lacking, lacking


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_each_parameter_wrong_is_refused_by_name_and_changes_nothing(place: Place, asker: Asker) -> None:
    declared = operations()
    ids = {operation.name: asker.path_ids(operation) for operation in declared}
    settle(place)
    before, asked, started = fingerprints(place, asker.world.account), asker.asked, time.monotonic()
    wrong = [
        said
        for operation in declared
        for one in wrongs(operation.params)
        if (said := asker.wrongly(operation, one, ids[operation.name])) is not None
    ]
    print(f"{asker.asked - asked} wrong requests in {time.monotonic() - started:.0f} s")
    assert not wrong, f"{len(wrong)} of them\n" + "\n".join(wrong[:60])
    assert asker.asked - asked > 3000, "hardly anything was tried"
    settle(place)
    after = fingerprints(place, asker.world.account)
    assert after == before, [table for table in before if before[table] != after[table]]


@pytest.mark.slow
@pytest.mark.parametrize("case", states.TABLE, ids=lambda case: f"{case.operation} {case.state}")
def test_in_a_wrong_state_it_is_refused_by_its_code(asker: Asker, case: states.Case) -> None:
    operation = next(one for one in operations() if one.name == case.operation)
    ids, fields = case.made(asker.world)
    reply = asker.send(operation, ids, fields)
    assert (reply.status, reply.error.get("code")) == (case.status, case.code), reply.text
    if case.embeds is not None:
        assert reply.error[case.embeds]["id"] in ids.values()


@pytest.mark.slow
@pytest.mark.timeout(200)
def test_fields_hold_something_unless_the_dialect_page_says_never(swept: Swept) -> None:
    """What docs/dialect.md calls supported was seen to hold something; what it calls always null never was."""
    stories.tell(swept.asker)
    never = dialect.always_null()
    wrong = []
    for kind, shape in kinds(swept.declared).items():
        for name in shape.fields:
            listed = name in never.get(kind, [])
            if listed and (kind, name) in swept.asker.held:
                wrong.append(f"{kind}.{name} is not always null")
            if not listed and (kind, name) not in swept.asker.held | ELSEWHERE:
                wrong.append(f"{kind}.{name} was never seen to hold anything")
    assert not wrong, "\n".join(wrong)


def test_recipes_speak_of_what_there_is() -> None:
    declared = {operation.name: operation for operation in operations()}
    assert not ALL.keys() - declared.keys()
    for name, recipe in ALL.items():
        known = [leaf.name for leaf in leaves(declared[name].params)]
        for prefix in (*recipe.never, *recipe.needs):
            begun = any(leaf == prefix or leaf.startswith(f"{prefix}[") for leaf in known)
            assert begun, f"{name} has no parameter {prefix}"
    assert {case.operation for case in states.TABLE} <= declared.keys()


def settle(place: Place) -> None:
    """Wait until the worker has taken what was committed."""
    end = time.monotonic() + 20
    while place.fetch("select 1 from gateway.outbox limit 1") and time.monotonic() < end:
        time.sleep(0.05)
    time.sleep(1.5)  # what the outside still tells of


def fingerprints(place: Place, account: str) -> dict[str, str]:
    """All of the account's rows, table by table."""
    tables = place.fetch(
        "select table_name from information_schema.columns where table_schema = 'gateway' "
        "and column_name in ('account', 'livemode') group by 1 having count(*) = 2 order by 1"
    )
    found = {}
    for name in (row["table_name"] for row in tables):
        if name not in RESTLESS:
            rows = place.fetch(f"select t::text as row from gateway.{name} t where account = $1 order by 1", account)
            found[name] = f"{len(rows)} {sha256(repr([row['row'] for row in rows]).encode()).hexdigest()}"
    assert len(found) > 10
    return found
