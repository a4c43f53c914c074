"""Merchants' rules in the engine: beside the built-in ones, in shadow, in test mode, and on record."""

import json
from dataclasses import replace
from types import SimpleNamespace

import pytest

from lockgate.gateway.rules.core.parser import parse
from lockgate.gateway.rules.core.ruleset import Named, Ruleset
from lockgate.gateway.scoring.score import Score
from tests.gateway.risk.judging import CARD, GERMAN, attributes_of, open_bench


@pytest.fixture
async def bench(database):
    async with open_bench(database) as opened:
        yield opened


def ruled(bench, *texts, shadow=False):
    """The same with a merchant who wrote ``texts``: rule_0 and so on."""
    ruleset = Ruleset(
        [Named(f"rule_{n}", 1, parse(text), shadow) for n, text in enumerate(texts)], revision=7
    )

    async def of(account, livemode):
        return ruleset

    sources = replace(bench.engine.sources, active=SimpleNamespace(of=of), armed={})
    return bench.with_(sources=sources)


async def test_each_action_does_what_it_says_and_the_decision_names_the_rule(bench):
    for action in ("block", "review", "challenge", "flag"):
        made = await ruled(bench, f"{action} if :amount: >= 10 USD").judge()
        assert (made.verdict, made.rule, made.decision.ruleset) == (action, "rule_0", "7")
        assert (made.challenge, made.flagged) == (action == "challenge", action == "flag")
        assert (await ruled(bench, f"{action} if :amount: > 10 USD").judge()).verdict == "allow"


async def test_an_allow_rule_stops_the_merchants_own_and_the_scores_and_not_ours(bench):
    allowing = ruled(bench, "allow if :card_country: = 'US'", "block if :amount: > 1 USD")
    made = await allowing.judge()
    assert (made.verdict, made.rule, json.loads(made.decision.data)["allowed_by"]) == ("allow", "rule_0", "rule_0")
    assert (await allowing.judge(card=GERMAN)).verdict == "block"
    bench.scored.says = Score(99.0, "highest", model="m")
    assert (await allowing.judge()).verdict == "allow"
    assert (await ruled(bench).judge()).verdict == "review"
    assert (await allowing.judge(amount=500_001)).rule == "builtin.hourly_limit_card"


async def test_a_rule_in_shadow_is_on_record_and_does_nothing(bench):
    made = await ruled(bench, "block if :amount: > 1 USD", shadow=True).judge()
    assert made.verdict == "allow"
    assert ["rule_0", 1, "block", True] in json.loads(made.decision.data)["rules"]


async def test_in_test_mode_rules_about_velocity_only_watch(bench):
    rules = ("block if :card_attempts_1h: > 0", "review if :amount: > 1 USD")
    made = await ruled(bench, *rules).judge(livemode=False)
    assert (made.verdict, made.rule) == ("review", "rule_1")
    assert ["rule_0", 1, "block", True] in json.loads(made.decision.data)["rules"]
    assert (await ruled(bench, *rules).judge(livemode=True)).verdict == "block"


async def test_the_score_is_on_record_with_what_it_saw(bench):
    bench.scored.says = Score(41.256, "elevated", model="mdl_1", shadow={"model": "mdl_2", "score": 3.0})
    made = await bench.judge(email="a1@example.com")
    assert (made.verdict, made.score, made.outcome["risk_level"]) == ("flag", 41.256, "elevated")
    assert (made.decision.model, json.loads(made.decision.data)["shadow_model"]["model"]) == ("mdl_1", "mdl_2")
    stored = attributes_of(made)
    assert (stored["risk_score"], stored["risk_level"]) == (41.26, "elevated")
    [asked] = bench.scored.asked
    assert {name: value for name, value in stored.items() if not name.startswith("risk_")} == asked


async def test_a_limit_of_the_merchants_own_is_exact_at_once_as_well(bench):
    made = await ruled(bench, "block if :card_attempts_1h: > 2").judge()
    assert [(row.measure, row.low, row.high) for row in made.guards if row.measure == "attempts"] == [
        ("attempts", None, 3)
    ]
    assert made.decision.verdict == "allow"
    assert CARD.fingerprint not in repr(made.guards)
