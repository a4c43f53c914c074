"""Value lists that block and allow by their alias, felt at the next payment."""

import json

import pytest

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
    assert alias in json.dumps(json.loads(made.decision.lists))
    await desk.do("value_list_item.delete", who=LIVE, item=item["id"])
    assert (await bench.judge(**about)).verdict == "allow"


async def test_an_allowed_card_passes_the_merchants_limits_and_not_the_built_in_ones(bench, desk):
    await put(desk, "card_fingerprint_allowlist", "card_fingerprint", CARD.fingerprint)
    await bench.pay(amount=500_000)
    made = await bench.judge(amount=1)
    assert (made.verdict, made.rule) == ("review", "builtin.hourly_limit_card")


def test_a_list_says_by_its_alias_what_it_is_for():
    for alias in ("blocklist", "blocked", "ip_address_blocklist", "blocked_cards"):
        assert is_block_list(alias, DEFAULTS)
        assert not is_allow_list(alias, DEFAULTS)
    for alias in ("allowlist", "allowed", "email_allowlist", "allowed_offices"):
        assert is_allow_list(alias, DEFAULTS)
    for alias in ("unblocked", "not_blocked_yet", "blocklisted", "vip"):
        assert not is_block_list(alias, DEFAULTS)
        assert not is_allow_list(alias, DEFAULTS)
