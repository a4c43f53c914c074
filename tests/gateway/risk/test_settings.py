"""How strict the built-in rules are: stricter with a permission, looser for a person alone, all of it on record."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.risk import store_settings
from lockgate.gateway.risk.core.settings import DEFAULTS, Settings, from_stored, loosened, to_stored
from lockgate.gateway.risk.core.verdict import VERDICTS
from lockgate.gateway.risk.ports import Ports
from lockgate.kernel.errors import Kind
from lockgate.kernel.principal import Principal
from tests.gateway.customers.desk import pool_as
from tests.gateway.risk.desk import LIVE, Desk
from tests.gateway.risk.judging import ACCOUNT, GERMAN, open_bench

PERSON = Principal(ACCOUNT, True, "person", "usr_1", {"risk_settings": "write"})
SETTINGS = st.builds(
    Settings,
    hourly_limit=st.integers(0, 10**6),
    countries_differ=st.sampled_from(VERDICTS),
    highest=st.sampled_from(VERDICTS),
    block_lists=st.lists(st.sampled_from("abc"), unique=True).map(tuple),
    allow_lists=st.lists(st.sampled_from("abc"), unique=True).map(tuple),
)


@pytest.fixture
async def bench(database):
    async with open_bench(database) as opened:
        yield opened


@pytest.fixture
async def desk(bench):
    return Desk(Ports(bench.pool, bench.committer, bench.engine.sources.box, lambda: None))


@given(SETTINGS)
def test_settings_are_kept_as_they_are(settings):
    assert from_stored(json.loads(json.dumps(to_stored(settings)))) == settings


def test_only_what_was_changed_is_kept():
    assert to_stored(DEFAULTS) == {}


@given(SETTINGS, SETTINGS, SETTINGS)
def test_what_is_no_looser_in_steps_is_no_looser_at_once(one, two, three):
    assert not loosened(one, one)
    if not loosened(one, two) and not loosened(two, three):
        assert not loosened(one, three)
    if not loosened(one, two) and not loosened(two, one):
        assert (one.hourly_limit, one.highest) == (two.hourly_limit, two.highest)
        assert set(one.allow_lists) == set(two.allow_lists)


async def test_a_key_makes_them_stricter_and_the_next_payment_feels_it(bench, desk):
    assert (await bench.judge(amount=200_001)).verdict == "allow"
    shown = await desk.do(
        "risk_settings.update", who=LIVE, form={"hourly_limit": 200_000, "countries_differ": "block"}
    )
    assert (shown["hourly_limit"], shown["countries_differ"], shown["version"]) == (200_000, "block", 1)
    assert await desk.do("risk_settings.get", who=LIVE) == shown
    assert (await bench.judge(amount=200_000)).verdict == "allow"
    assert (await bench.judge(amount=200_001)).verdict == "review"
    made = await bench.judge(card=GERMAN, shipping_country="US")
    assert (made.verdict, json.loads(made.decision.data)["settings"]) == ("block", 1)
    assert (await desk.do("risk_settings.get"))["version"] == 0  # test mode has its own
    audit = await bench.pool.fetchrow("select action, detail from audit where action like 'risk_settings%'")
    assert json.loads(audit["detail"])["fields"] == {
        "hourly_limit": [500_000, 200_000], "countries_differ": ["flag", "block"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"),
    [("hourly_limit", 500_001), ("countries_differ", "allow"), ("highest", "flag"), ("allow_lists[]", "vip")],
)
async def test_no_key_makes_anything_looser(bench, desk, name, value):
    refusal = await desk.refused("risk_settings.update", who=LIVE, form={name: value})
    assert (refusal.code, refusal.param) == ("risk_settings_looser", name.removesuffix("[]"))
    refusal = await desk.refused("risk_settings.loosen", who=LIVE, form={name: value})
    assert (refusal.kind, refusal.code) == (Kind.FORBIDDEN, "person_required")
    shown = await desk.do("risk_settings.loosen", who=PERSON, form={name: value})
    assert str(value) in json.dumps(shown)
    audit = await bench.pool.fetchrow("select action, actor, detail from audit where action like 'risk_settings%'")
    assert (audit["action"], audit["actor"]) == ("risk_settings.loosen", "person:usr_1")
    assert json.loads(audit["detail"])["loosened"] == [name.removesuffix("[]")]


async def test_named_lists_block_and_a_cleared_name_does_not(bench, desk):
    made = await desk.do("value_list.create", who=LIVE, alias="bad_banks", name="Banks", item_type="card_bin")
    await desk.do("value_list_item.create", who=LIVE, value_list=made["id"], value="424242")
    assert (await bench.judge()).verdict == "allow"
    await desk.do("risk_settings.update", who=LIVE, form={"block_lists[]": "bad_banks"})
    assert (await bench.judge()).verdict == "block"
    assert (await desk.refused("risk_settings.update", who=LIVE, form={"block_lists": ""})).param == "block_lists"
    await desk.do("risk_settings.loosen", who=PERSON, form={"block_lists": ""})
    assert (await bench.judge()).verdict == "allow"


async def test_a_decision_names_the_version_of_the_settings_even_where_nothing_differs(bench, desk):
    for version in (1, 2):
        await desk.do("risk_settings.update", who=LIVE, hourly_limit=400_000)
        assert json.loads((await bench.judge()).decision.data)["settings"] == version


async def test_decisions_are_found_by_what_they_are_about(bench, desk):
    plain = await bench.pay(address="203.0.113.7")
    flagged = await bench.pay(card=GERMAN, shipping_country="US")
    listed = await desk.do("risk_decision.list", who=LIVE)
    assert [one["id"] for one in listed["data"]] == [flagged.decision.id, plain.decision.id]
    [only] = (await desk.do("risk_decision.list", who=LIVE, verdict="flag"))["data"]
    assert (only["id"], only["rule"], only["countries"]) == (
        flagged.decision.id, "builtin.countries_differ", "different",
    )  # fmt: skip
    for name, value in (("charge", plain.decision.charge), ("payment_intent", plain.decision.intent)):
        [found] = (await desk.do("risk_decision.list", who=LIVE, **{name: value}))["data"]
        assert found["id"] == plain.decision.id
    one = await desk.do("risk_decision.get", who=LIVE, decision=plain.decision.id)
    assert (one["attributes"]["amount"], one["attributes"]["card_attempts_1h"]) == (1000, 1)
    assert (await desk.refused("risk_decision.get", decision=plain.decision.id)).code == "resource_missing"
    assert (await desk.do("risk_decision.list"))["data"] == []


async def test_decisions_cannot_be_changed_and_are_forgotten_by_age(bench, database, desk):
    made = await bench.pay()
    with pytest.raises(Exception, match="permission denied"):
        await bench.pool.execute("update risk_decision set verdict = 'allow'")
    with pytest.raises(Exception, match="permission denied"):
        await bench.pool.execute("delete from risk_decision")
    async with pool_as(database, "worker") as worker:
        assert await store_settings.forget_decisions(worker, before=made.decision.created, most=10) == 0
        assert await store_settings.forget_decisions(worker, before=made.decision.created + 1, most=10) == 1
