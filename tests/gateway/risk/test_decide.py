"""Who wins over whom: the order of verdicts, what an allow rule stops and what it does not."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.risk.core.decide import Hit, decide, stricter_of
from lockgate.gateway.risk.core.outcome import outcome
from lockgate.gateway.risk.core.verdict import VERDICTS, at_least

SOURCES = ("builtin", "published", "merchant", "engine", "level")
HITS = st.builds(
    Hit,
    id=st.sampled_from(["a", "b", "c"]),
    action=st.sampled_from(VERDICTS),
    source=st.sampled_from(SOURCES),
    shadow=st.booleans(),
)


def hit(action, source="merchant", *, shadow=False):
    return Hit(f"{source}.{action}", action, source, shadow)


def test_nothing_that_matched_allows():
    assert decide([]) == ("allow", False, False, None, None)


@pytest.mark.parametrize(("milder", "stricter"), list(itertools.combinations(VERDICTS[1:], 2)))
def test_the_strictest_verdict_holds(milder, stricter):
    for order in ([hit(milder), hit(stricter)], [hit(stricter), hit(milder)]):
        decided = decide(order)
        assert (decided.verdict, decided.by) == (stricter, hit(stricter))


@pytest.mark.parametrize("action", ["block", "review"])
@pytest.mark.parametrize("source", ["merchant", "level"])
def test_an_allow_rule_stops_what_the_merchant_and_the_score_want(action, source):
    decided = decide([hit(action, source), hit("allow")])
    assert (decided.verdict, decided.by, decided.allowed) == ("allow", hit("allow"), hit("allow"))


@pytest.mark.parametrize("action", ["block", "review", "challenge", "flag"])
@pytest.mark.parametrize("source", ["builtin", "published", "engine"])
def test_no_allow_rule_stops_the_built_in_ones(action, source):
    assert decide([hit(action, source), hit("allow")]).verdict == action


@pytest.mark.parametrize("action", ["challenge", "flag"])
def test_no_allow_rule_stops_a_challenge_or_a_flag(action):
    assert decide([hit("allow"), hit(action)]).verdict == action


def test_a_challenge_stands_beside_a_review_and_not_beside_a_block():
    assert decide([hit("challenge"), hit("review")])[:2] == ("review", True)
    assert decide([hit("challenge"), hit("block")])[:2] == ("block", False)


def test_the_built_in_rule_is_named_before_the_merchants():
    assert decide([hit("review", "builtin"), hit("review")]).by == hit("review", "builtin")


@given(st.lists(HITS, max_size=8))
def test_shadows_do_nothing(hits):
    assert decide(hits) == decide([one for one in hits if not one.shadow])


@given(st.lists(HITS, max_size=8), HITS)
def test_another_hit_makes_nothing_milder_unless_it_allows(hits, one):
    if one.action != "allow":
        assert at_least(decide([*hits, one]).verdict, decide(hits).verdict)


@given(st.lists(HITS, max_size=6), st.lists(HITS, max_size=6))
def test_of_two_views_neither_makes_the_other_milder(one, other):
    both = stricter_of(decide(one), decide(other))
    assert at_least(both.verdict, decide(one).verdict)
    assert at_least(both.verdict, decide(other).verdict)
    assert both.by is None or both.verdict == "allow" or both.by.action == both.verdict


def test_what_the_score_decided_is_named_by_its_level_and_all_else_by_its_rule():
    by_level = outcome(decide([hit("block", "level")]), level="highest", score=97.6)
    assert (by_level["type"], by_level["reason"], by_level["rule"]) == ("blocked", "highest_risk_level", None)
    assert by_level["risk_score"] == 97
    by_rule = outcome(decide([hit("review")]), level="normal", score=3.2)
    assert (by_rule["type"], by_rule["reason"], by_rule["rule"]) == ("manual_review", "rule", "merchant.review")
    assert by_rule["risk_level"] == "normal"
    assert outcome(decide([]), level="not_assessed", score=None)["risk_score"] is None
    assert outcome(decide([hit("flag")]), level="normal", score=99.9)["risk_score"] == 99
