"""The verdict on one payment: built-in rules, their limits to the cent and the millisecond, and what is on record."""

import json
from dataclasses import replace

import pytest

from lockgate.gateway.risk.render_decisions import countries
from tests.gateway.risk.judging import CARD, GERMAN, NOWHERE, attributes_of, customer, open_bench

HOUR_MS = 3_600_000


@pytest.fixture
async def bench(database):
    async with open_bench(database) as opened:
        yield opened


async def test_an_ordinary_payment_is_allowed_and_on_record(bench):
    made = await bench.pay(address="203.0.113.7", email="jenny@example.com", shipping_country="US")
    assert (made.verdict, made.challenge, made.rule, made.outcome["type"]) == ("allow", False, None, None)
    row = await bench.pool.fetchrow("select * from risk_decision where attempt = $1", made.event.attempt)
    data = json.loads(row["data"])
    assert (row["verdict"], countries(attributes_of(made)), "faults" in data) == ("allow", "same", False)
    assert "jenny" not in row["data"] + row["others"]
    assert "203.0.113" not in row["data"] + row["others"]
    event = await bench.pool.fetchrow("select * from risk_event where attempt = $1", made.event.attempt)
    assert (event["amount"], event["state"]) == (1000, "approved")
    assert None not in (event["card"], event["ip"], event["email"], event["bin"])


@pytest.mark.parametrize("key", ["card", "customer", "ip"])
async def test_more_than_5000_dollars_in_an_hour_are_looked_at(bench, key):
    def about(number: int):
        """Payments that have only ``key`` in common."""
        return {
            "card": CARD if key == "card" else replace(CARD, fingerprint=f"1CARD{number:017d}", bin=f"4{number:05d}"),
            "customer": customer("cus_0000000000000001" if key == "customer" else f"cus_{number:016d}"),
            "address": "203.0.113.7" if key == "ip" else f"198.51.100.{number}",
        }

    first = await bench.pay(amount=400_000, **about(1))
    exactly = await bench.pay(amount=100_000, **about(2))
    above = await bench.pay(amount=1, **about(3))
    assert [made.verdict for made in (first, exactly, above)] == ["allow", "allow", "review"]
    assert above.rule == f"builtin.hourly_limit_{key}"
    assert above.outcome["type"] == "manual_review"


async def test_the_hour_ends_to_the_millisecond(bench):
    start = bench.now_ms
    await bench.pay(amount=500_000, now_ms=start)
    inside = await bench.judge(amount=1, now_ms=start + HOUR_MS - 1)
    outside = await bench.judge(amount=1, now_ms=start + HOUR_MS)
    assert (inside.verdict, outside.verdict) == ("review", "allow")


async def test_declined_money_does_not_count_and_uncertain_money_does(bench):
    await bench.pay(amount=400_000, outcome="declined")
    assert (await bench.pay(amount=400_000, outcome=None)).verdict == "allow"  # nobody knows yet how it ended
    assert (await bench.judge(amount=200_000)).verdict == "review"


async def test_limits_are_in_dollars_whatever_the_currency(bench):
    assert (await bench.judge(amount=600_000, currency="jpy")).verdict == "allow"  # 600,000 yen
    assert (await bench.judge(amount=600_000, currency="eur")).verdict == "review"


async def test_the_cards_country_against_the_place_of_the_goods(bench):
    same = await bench.judge(card=GERMAN, shipping_country="DE")
    different = await bench.judge(card=GERMAN, shipping_country="US")
    unknown = await bench.judge(card=NOWHERE, shipping_country="US")
    nowhere = await bench.judge(card=GERMAN)
    neither = await bench.judge(card=NOWHERE)
    assert [(made.verdict, countries(attributes_of(made))) for made in (
        same, different, unknown, nowhere, neither
    )] == [
        ("allow", "same"), ("flag", "different"), ("flag", "card_country_unknown"),
        ("allow", "shipping_country_missing"), ("allow", "neither_known"),
    ]  # fmt: skip
    assert (different.outcome["risk_level"], different.outcome["type"]) == ("elevated", None)
    assert different.flagged


async def test_a_card_that_is_tried_again_and_again_is_stopped(bench):
    for _ in range(8):
        made = await bench.pay(outcome="declined")
        if made.blocked:
            break
    assert made.rule == "builtin.card_tried"
    assert made.event.state == "blocked"


async def test_test_mode_only_records_what_live_mode_enforces(bench):
    await bench.pay(amount=500_000, livemode=False)
    made = await bench.judge(amount=500_000, livemode=False)
    assert made.verdict == "allow"
    rules = json.loads(made.decision.data)["rules"]
    assert ["builtin.hourly_limit_card", None, "review", True] in rules
    assert not made.guards
    enforcing = bench.with_(enforce_in_test=True)
    enforcing.engine.sources.armed.clear()
    assert (await enforcing.judge(amount=500_000, livemode=False)).verdict == "review"


@pytest.mark.parametrize(
    ("name", "verdict", "level", "reason"),
    [
        ("always_blocked", "block", "highest", "highest_risk_level"),
        ("highest_risk", "review", "highest", "highest_risk_level"),
        ("elevated_risk", "review", "elevated", "elevated_risk_level"),
    ],
)
async def test_published_risk_cards_are_what_their_names_say(bench, name, verdict, level, reason):
    made = await bench.judge(livemode=False, card=replace(CARD, test=name))
    assert (made.verdict, made.level, made.outcome["reason"], made.outcome["rule"]) == (verdict, level, reason, None)
    live = await bench.judge(livemode=True, card=replace(CARD, test=name))
    assert live.verdict == "allow"
