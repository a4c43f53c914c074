"""Value lists that block and allow by their alias, felt at the next payment."""

import json

import pytest

from lockgate.gateway.risk import api
from lockgate.gateway.risk.core.settings import DEFAULTS, is_allow_list, is_block_list
from lockgate.gateway.risk.ports import Ports
from tests.gateway.risk.desk import LIVE, Desk
from tests.gateway.risk.judging import CARD, open_bench


@pytest.fixture
async def bench(database):
    async with open_bench(database) as opened:
        yield opened


@pytest.fixture
async def desk(bench):
    """A desk over the same database and keys."""
    return Desk(Ports(bench.pool, bench.committer, bench.engine.sources.box, lambda: None))


async def put(desk, alias, item_type, value):
    made = await desk.do("value_list.create", who=LIVE, alias=alias, name=alias, item_type=item_type)
    return await desk.do("value_list_item.create", who=LIVE, value_list=made["id"], value=value)


@pytest.mark.parametrize(
    ("alias", "item_type", "value"),
    [
        ("ip_address_blocklist", "ip_address", "203.0.113.7"),
        ("blocked_networks", "ip_address", "203.0.113.0/24"),
        ("blocklist", "card_fingerprint", CARD.fingerprint),
        ("blocked", "card_bin", CARD.bin),
        ("email_blocklist", "email", "jenny@example.com"),
        ("country_blocklist", "country", "US"),
        ("words_blocklist", "string", "example.com"),
    ],
)
async def test_what_stands_in_a_blocked_list_is_blocked_at_once(bench, desk, alias, item_type, value):
    about = {"address": "203.0.113.7", "email": "Jenny@example.com"}
    assert (await bench.judge(**about)).verdict == "allow"
    item = await put(desk, alias, item_type, value)
    made = await bench.judge(**about)
    assert (made.verdict, made.rule, made.outcome["reason"]) == ("block", "builtin.blocked", "rule")
    assert alias in json.dumps(json.loads(made.decision.data)["lists"])
    await desk.do("value_list_item.delete", who=LIVE, item=item["id"])
    assert (await bench.judge(**about)).verdict == "allow"


async def test_an_allowed_card_passes_the_merchants_limits_and_not_the_built_in_ones(bench, desk):
    await put(desk, "card_fingerprint_allowlist", "card_fingerprint", CARD.fingerprint)
    await bench.pay(amount=500_000)
    made = await bench.judge(amount=1)
    assert (made.verdict, made.rule) == ("review", "builtin.hourly_limit_card")


async def test_a_word_in_a_list_that_allows_is_no_brand_or_currency(bench, desk):
    await put(desk, "allowlist", "string", "visa")
    made = await bench.judge()
    assert json.loads(made.decision.data)["lists"]["card_brand"] == ["allowlist"], "a merchant's rule may ask for it"
    assert "allowed_by" not in json.loads(made.decision.data)


@pytest.mark.parametrize("kept", ["203.0.113.0/24", "::ffff:203.0.113.0/120", "::ffff:203.0.113.7"])
async def test_an_address_is_found_in_whichever_way_it_and_its_range_are_written(bench, desk, kept):
    await put(desk, "blocked_networks", "ip_address", kept)
    for address in ("203.0.113.7", "::ffff:203.0.113.7", "::FFFF:cb00:7107"):
        assert (await bench.judge(address=address)).verdict == "block"
    for address in ("203.0.114.7", "2001:db8::cb00:7107", None):
        assert (await bench.judge(address=address)).verdict == "allow"


async def test_a_decision_keeps_the_hashes_of_lists_that_were_made_a_moment_before(bench, desk):
    await put(desk, "vip", "ip_address", "198.51.100.0/24")
    first, then = [
        json.loads((await bench.judge(address="203.0.113.7")).decision.data)["hashes"] for _ in range(2)
    ]
    assert first == then, "what a back-test with today's lists asks by"
    assert len(first["ip_address"]) == 2, "the address, and the range of that length around it"


async def test_a_list_that_is_renamed_or_deleted_blocks_no_longer(bench, desk):
    for change in ({"alias": "nets"}, None):
        item = await put(desk, "blocked_networks", "ip_address", "203.0.113.0/24")
        assert (await bench.judge(address="203.0.113.7")).verdict == "block"
        if change is None:
            await desk.do("value_list.delete", who=LIVE, value_list=item["value_list"])
        else:
            await desk.do("value_list.update", who=LIVE, value_list=item["value_list"], **change)
        assert (await bench.judge(address="203.0.113.7")).verdict == "allow"


def test_what_may_let_more_through_asks_for_a_fresh_proof(desk):
    asked = {one.name for one in api.operations(desk.ports) if one.privilege == "risk"}
    assert asked == {
        "value_list.update", "value_list.delete", "value_list_item.create", "value_list_item.delete",
        "risk_settings.loosen",
    }  # fmt: skip


def test_a_list_says_by_its_alias_what_it_is_for():
    for alias in ("blocklist", "blocked", "ip_address_blocklist", "blocked_cards"):
        assert is_block_list(alias, DEFAULTS)
        assert not is_allow_list(alias, DEFAULTS)
    for alias in ("allowlist", "allowed", "email_allowlist", "allowed_offices"):
        assert is_allow_list(alias, DEFAULTS)
    for alias in ("unblocked", "not_blocked_yet", "blocklisted", "vip"):
        assert not is_block_list(alias, DEFAULTS)
        assert not is_allow_list(alias, DEFAULTS)
