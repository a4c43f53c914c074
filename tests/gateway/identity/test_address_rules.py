"""Address rules: whom they are about, what satisfies them, dry runs, and that they are felt within a second."""

import json

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.identity import edit_address_rules, find_addresses
from lockgate.gateway.identity.accounts import create_account
from lockgate.gateway.identity.address_rules import AddressRules
from lockgate.gateway.identity.core.address_rules import AddressRule, read_network, unsatisfied
from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.database import connect_pool
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Operation
from lockgate.kernel.params import Object
from lockgate.kernel.principal import Principal
from lockgate.kernel.shapes import Shape


async def _nothing(call):
    return {}


def operation(resource="charges"):
    return Operation(
        name="thing.get", method="GET", path="/v1/things", resource=resource, access="read", handler=_nothing,
        params=Object({}), returns=Shape("thing", {}), summary="It.",
    )  # fmt: skip


def who(kind="secret", id_="key_1", address="203.0.113.7", **more):
    return Principal("acct_1", False, kind, id_, address=address, **more)


def rule(scope="account", subject="", networks=("203.0.113.0/24",), enforced=True, id_="adr_1"):
    return AddressRule(id_, scope, subject, tuple(read_network(text) for text in networks), enforced)


GET = operation()
OFFICE = ("203.0.113.0/24",)
ELSEWHERE = "198.51.100.1"


@pytest.mark.parametrize(
    ("given_rule", "principal", "what", "refused"),
    [
        (rule(), who(), GET, False),
        (rule(), who(address=ELSEWHERE), GET, True),
        (rule(), who(address="::ffff:203.0.113.7"), GET, False),
        (rule(), who(address="::ffff:198.51.100.1"), GET, True),
        (rule(), who(address=""), GET, True),
        (rule(), who(address="testclient"), GET, True),
        (rule(), who(address="2001:db8::1"), GET, True),
        (rule(networks=("2001:db8::/32",)), who(address="2001:db8::1"), GET, False),
        (rule(networks=("2001:db8::/32",)), who(), GET, True),
        (rule(networks=("::ffff:203.0.113.0/120",)), who(), GET, False),
        (rule(networks=("198.51.100.0/24", "203.0.113.7")), who(), GET, False),
        (rule("key", "key_1"), who(address=ELSEWHERE), GET, True),
        (rule("key", "key_2"), who(address=ELSEWHERE), GET, False),
        (rule("key", "key_1"), who("publishable", address=ELSEWHERE), GET, True),
        (rule(), who("publishable", address=ELSEWHERE), GET, False),
        (rule(), who("ephemeral", address=ELSEWHERE), GET, False),
        (rule(), who("person", "per_1", address=ELSEWHERE), GET, True),
        (rule("key", "per_1"), who("person", "per_1", address=ELSEWHERE), GET, False),
        (rule("role", "admin"), who("person", "per_1", address=ELSEWHERE, roles=("support", "admin")), GET, True),
        (rule("role", "admin"), who("person", "per_1", address=ELSEWHERE, roles=("support",)), GET, False),
        (rule("role", "admin"), who(address=ELSEWHERE), GET, False),
        (rule("app", "app_1"), who("app", "app_1", address=ELSEWHERE), GET, True),
        (rule("app", "app_1"), who("app", "app_2", address=ELSEWHERE), GET, False),
        (rule("class", "refunds"), who(address=ELSEWHERE), GET, False),
        (rule("class", "refunds"), who(address=ELSEWHERE), operation("refunds"), True),
        (rule("class", "payouts"), who(address=ELSEWHERE), operation("payouts"), True),
        (rule("class", "keys"), who(address=ELSEWHERE), operation("api_keys"), True),
        (rule("class", "admin"), who(address=ELSEWHERE), operation("api_keys"), True),
        (rule("class", "admin"), who(address=ELSEWHERE), operation("audit"), True),
        (rule("class", "admin"), who(address=ELSEWHERE), operation("refunds"), False),
    ],
)
def test_who_is_refused_where(given_rule, principal, what, refused):
    assert bool(unsatisfied([given_rule], principal, what.resource)) == refused


def test_every_rule_that_names_a_request_must_be_satisfied():
    office, server = rule(), rule("key", "key_1", ("203.0.113.7",), id_="adr_2")
    assert unsatisfied([office, server], who(), GET.resource) == []
    assert unsatisfied([office, rule("class", "admin")], who(address=ELSEWHERE), None) == [office]
    assert unsatisfied([office, server], who(address="203.0.113.8"), GET.resource) == [server]
    assert unsatisfied([office, server], who(address=ELSEWHERE), GET.resource) == [office, server]


@pytest.mark.parametrize(
    "text", ["", "x", "203.0.113.7/24", "203.0.113.0/33", "fe80::1%eth0", "1", "010.0.0.1", "1.2.3"]
)
def test_what_is_no_network(text):
    assert read_network(text) is None


@given(st.ip_addresses(v=4), st.integers(0, 32))
def test_ipv4_in_ipv6_is_what_it_is(address, bits):
    mapped = read_network(f"::ffff:{address}/{96 + bits}")
    assert mapped == read_network(f"{address}/{bits}")


@pytest_asyncio.fixture
async def pool(database):
    made = await connect_pool(
        database=database.settings, user="lockgate_gateway", password=database.passwords["gateway"], size=4
    )
    yield made
    await made.close()


@pytest_asyncio.fixture
async def account(pool):
    async with pool.acquire() as connection, connection.transaction():
        return (await create_account(connection, by="test", name="Shop", country="DE", currency="eur")).id


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def person(account, address="203.0.113.7", livemode=False):
    return Principal(account, livemode, "person", "per_1", address=address, roles=("admin",))


async def add(pool, by, **given):
    given = {"scope": "account", "networks": list(OFFICE)} | given
    row = await edit_address_rules.drawn(pool, by, given, now=1)
    async with pool.acquire() as connection, connection.transaction():
        await edit_address_rules.insert(connection, by, row)
    return row


async def audits(pool, action):
    return [
        dict(row)
        for row in await pool.fetch("select object, outcome, detail, address from audit where action = $1", action)
    ]


async def test_a_rule_is_felt_within_a_second_and_each_refusal_is_on_record(pool, account):
    clock = Clock()
    witness = Witness(pool)
    rules = AddressRules(pool, witness, monotonic=clock)
    stranger = person(account, ELSEWHERE)
    await rules.check(stranger, GET, request="req_1")
    row = await add(pool, person(account))
    clock.now += 0.5
    await rules.check(stranger, GET, request="req_2")  # believed for a second at most
    clock.now += 0.5
    with pytest.raises(Refusal) as refused:
        await rules.check(stranger, GET, request="req_3")
    assert (refused.value.kind, refused.value.code) == (Kind.FORBIDDEN, "address_not_allowed")
    assert ELSEWHERE not in refused.value.message
    [kept] = await audits(pool, "address.refused")
    assert (kept["object"], kept["outcome"], kept["address"]) == (row.id, "refused", ELSEWHERE)
    await rules.check(person(account), GET, request="req_4")
    await rules.check(person(account, ELSEWHERE, livemode=True), GET, request="req_5")  # the other mode has its own
    await rules.check(Principal("acct_other", False, "secret", "key_9", address=ELSEWHERE), GET, request="req_6")
    async with pool.acquire() as connection, connection.transaction():
        await edit_address_rules.delete(connection, person(account), row)
    clock.now += 1
    await rules.check(stranger, GET, request="req_7")
    [made], [gone] = await audits(pool, "address_rule.create"), await audits(pool, "address_rule.delete")
    assert json.loads(made["detail"])["networks"] == list(OFFICE)
    assert made["object"] == gone["object"] == row.id


async def test_where_the_rules_cannot_be_read_nothing_passes(database, account):
    broken = await connect_pool(
        database=database.settings, user="lockgate_gateway", password=database.passwords["gateway"], size=1
    )
    rules = AddressRules(broken, Witness(broken))
    await broken.close()
    with pytest.raises(Exception, match="pool is clos"):
        await rules.check(person(account), GET, request="req_1")


async def test_a_dry_run_refuses_nobody_and_says_whom_it_would_have(pool, account):
    clock = Clock()
    rules = AddressRules(pool, Witness(pool), monotonic=clock)
    row = await add(pool, person(account), mode="dry_run")
    for n in range(500):
        await rules.check(person(account, f"198.51.100.{n % 100}"), GET, request=f"req_{n}")
    await rules.close()
    [kept] = await audits(pool, "address.would_refuse")
    detail = json.loads(kept["detail"])
    assert (kept["object"], kept["outcome"], detail["count"]) == (row.id, "allowed", 500)
    assert len(detail["addresses"]) == 20
    assert detail["operations"] == ["thing.get"]
    assert await audits(pool, "address.refused") == []


async def test_whoever_would_lock_herself_out_must_say_so(pool, account):
    by = person(account, ELSEWHERE)
    with pytest.raises(Refusal) as refused:
        await add(pool, by)
    assert (refused.value.code, refused.value.param) == ("address_rule_locks_out", "networks")
    assert await find_addresses.address_rules(pool, account, False) == []
    await add(pool, by, scope="role", subject="finance")  # not about herself
    await add(pool, by, mode="dry_run")
    old = await add(pool, by, confirm="lock_me_out")
    with pytest.raises(Refusal):
        edit_address_rules.changed(by, old, {"networks": ["192.0.2.0/24"]})
    assert edit_address_rules.changed(by, old, {"networks": [ELSEWHERE]}).networks == [f"{ELSEWHERE}/32"]
    await add(pool, Principal(account, False, "internal", "cli"))  # the operator's own hands


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"scope": "account", "subject": "key_1"}, "subject"),
        ({"scope": "key"}, "subject"),
        ({"scope": "key", "subject": "key_nobody"}, "subject"),
        ({"scope": "role", "subject": "emperor"}, "subject"),
        ({"scope": "class", "subject": "charges"}, "subject"),
        ({"networks": []}, "networks"),
        ({"networks": ["203.0.113.0/24", "203.0.113.7/24"]}, "networks[1]"),
    ],
)
async def test_a_rule_that_says_nothing_is_refused(pool, account, given, param):
    with pytest.raises(Refusal) as refused:
        await add(pool, person(account), **given)
    assert refused.value.param == param
    assert await find_addresses.address_rules(pool, account, False) == []


async def test_a_rule_that_another_has_changed_is_not_overwritten(pool, account):
    by = person(account)
    old = await add(pool, by)
    row = edit_address_rules.changed(by, old, {"description": "the office"})
    async with pool.acquire() as connection, connection.transaction():
        await edit_address_rules.update(connection, by, old, row=row)
    with pytest.raises(Moved):
        async with pool.acquire() as connection, connection.transaction():
            await edit_address_rules.update(connection, by, old, row=row)
    with pytest.raises(Moved):
        async with pool.acquire() as connection, connection.transaction():
            await edit_address_rules.delete(connection, by, old)


async def test_another_accounts_rule_does_not_exist(pool, account):
    row = await add(pool, person(account))
    other = Principal("acct_other", False, "person", "per_2", address="203.0.113.7")
    with pytest.raises(Refusal) as refused:
        await edit_address_rules.found(pool, other, row.id)
    assert refused.value.kind is Kind.NOT_FOUND
