"""What rules mean: the three values, exact calculation, and what the actions make of each other."""

import pytest

from lockgate.gateway.rules.core.bounds import thresholds
from lockgate.gateway.rules.core.evaluate import compiled
from lockgate.gateway.rules.core.parser import parse
from lockgate.gateway.rules.core.ruleset import NOTHING, Named, Ruleset, of_texts

KNOWN = {
    "amount": 500_001, "card_amount_1h": 1_000_000, "tries": 2, "card_distance_km": 0.3, "ip_country": "US",
    "card_country": "DE", "is_setup": False, "is_webdriver": True, "risk_score": 61.5,
}  # fmt: skip
LISTS = {"email": ["blocked"], "ip_address": [], "card_country": ["high_risk"]}


def said(condition, attributes=KNOWN):
    return compiled(parse(f"block if {condition}").when)(attributes, LISTS)


@pytest.mark.parametrize(("condition", "answer"), [
    (":ip_country: != :card_country: and :card_amount_1h: > 5000 USD", True),
    (":amount: > 5000 USD", True), (":amount: > 5000.01 USD", False), (":amount: >= 5000.01 USD", True),
    ("5000.01 USD = :amount:", True), (":amount: < 5000.01 USD", False), (":amount: <= 5000.01 USD", True),
    (":card_distance_km: = 0.3", True), (":card_distance_km: = 0.1 + 0.2", True),
    (":card_distance_km: * 10 = 3", True), (":tries: / 3 * 3 = 2", True), (":tries: / 3 = 0.666666", False),
    (":amount: / :card_amount_1h: > 0.5", True), (":amount: * 2 > :card_amount_1h:", True),
    (":card_amount_1h: - :amount: < 5000 USD", True), ("-:tries: = -2", True), ("- 2 = -:tries:", True),
    (":is_webdriver:", True), ("not :is_setup:", True), (":is_setup: = false", True), (":is_setup: != true", True),
    (":ip_country: in ('us', 'fr')", True), (":ip_country: not in ('us', 'fr')", False),
    (":tries: in (1, 2, 3)", True), (":amount: in (5000.01 USD)", True), (":risk_score: in (61.5)", True),
    (":email: in @blocked", True), (":email: in @vip", False), (":ip_address: not in @vip", True),
    (":card_country: in @high_risk", True), ("true or false and false", True), ("not true or true", True),
])  # fmt: skip
def test_conditions(condition, answer):
    assert said(condition) is answer


@pytest.mark.parametrize(("condition", "answer"), [
    # a = anything missing
    (":shipping_country: = 'US'", None), (":shipping_country: != 'US'", None), ("not :shipping_country: = 'US'", None),
    (":shipping_country: in ('US')", None), (":shipping_country: not in ('US')", None), (":customer: in @vip", None),
    (":customer: not in @vip", None), (":is_off_session:", None), ("not :is_off_session:", None),
    (":card_speed_kmh: > 1", None), (":card_speed_kmh: * 0 = 0", None), (":tries: / 0 > 1", None),
    ("not :tries: / 0 > 1", None), (":tries: / (:tries: - 2) in (1)", None), ("1 / 0 = 1", None),
    ("is_missing(:shipping_country:)", True), ("not is_missing(:shipping_country:)", False),
    ("is_missing(:customer:)", True), ("is_missing(:email:)", False), ("is_missing(:ip_address:)", False),
    (":shipping_country: = 'US' and false", False), ("false and :shipping_country: = 'US'", False),
    (":shipping_country: = 'US' and true", None), (":shipping_country: = 'US' or true", True),
    (":shipping_country: = 'US' or false", None), ("not (:shipping_country: = 'US' and false)", True),
])  # fmt: skip
def test_what_is_missing_makes_unknown_and_nothing_else(condition, answer):
    assert said(condition) is answer


def test_a_rule_that_is_unknown_does_not_match():
    ruleset = of_texts([("r", parse("block if not :ip_country: = 'US'"))])
    assert ruleset.evaluate({}, {}) is NOTHING
    assert ruleset.evaluate({"ip_country": "DE"}, {}).block


@pytest.mark.parametrize(("actions", "expected"), [
    ("block", "block"), ("allow block", "allow"), ("allow review", "allow"), ("review block", "block"),
    ("flag review", "review"), ("challenge flag", "challenge"), ("challenge allow", "allow"), ("flag", "flag"),
    ("challenge allow block review flag", "allow"),
])  # fmt: skip
def test_which_rule_decides(actions, expected):
    ruleset = of_texts([(action, parse(f"{action} if true")) for action in actions.split()])
    matched = ruleset.evaluate({}, {})
    assert matched.decisive is not None
    assert matched.decisive.id == expected
    assert matched.allow == ("allow" in actions)
    assert matched.block == ("block" in actions and "allow" not in actions)
    assert matched.review == ("review" in actions and "allow" not in actions)
    assert matched.challenge == ("challenge" in actions)
    assert matched.flag == ("flag" in actions)
    assert [hit.action for hit in matched.hits] == [
        action for action in ("challenge", "allow", "block", "review", "flag") if action in actions
    ]


def test_shadows_are_recorded_and_decide_nothing():
    true = parse("allow if true")
    ruleset = Ruleset([Named("a", 3, true, shadow=True), Named("b", 1, parse("block if true"))])
    matched = ruleset.evaluate({}, {})
    assert matched.block and not matched.allow
    assert [(hit.id, hit.version) for hit in matched.shadows] == [("a", 3)]
    assert [hit.id for hit in matched.live] == ["b"]


def test_values_are_judged_as_they_will_be_stored():
    ruleset = of_texts([("r", parse("block if :card_distance_km: > 0 or :amount: > 999999999999 USD"))])
    assert not ruleset.evaluate({"card_distance_km": 4e-7}, {}).hits
    assert ruleset.evaluate({"card_distance_km": 6e-7}, {}).hits
    assert not ruleset.evaluate({"card_distance_km": float("nan")}, {}).hits
    assert ruleset.evaluate({"amount": 10**30}, {}).hits


@pytest.mark.parametrize(("condition", "cuts"), [
    (":card_attempts_1h: > 5", (6,)), (":card_attempts_1h: >= 5", (5,)), (":card_attempts_1h: < 5", (5,)),
    (":card_attempts_1h: <= 5", (6,)), (":card_attempts_1h: = 5", (5, 6)), (":card_attempts_1h: != 5.5", ()),
    (":card_attempts_1h: > 5.5", (6,)), (":card_attempts_1h: < 5.5", (6,)), ("5 < :card_attempts_1h:", (6,)),
    (":card_attempts_1h: in (3, 7)", (3, 4, 7, 8)), (":card_attempts_1h: > 2 + 3", (6,)),
    (":card_attempts_1h: > 5 and not :card_attempts_1h: > 9", (6, 10)),
])  # fmt: skip
def test_where_rules_change_their_mind(condition, cuts):
    rule = parse(f"block if {condition}")
    found = thresholds([rule])
    assert found.cuts["card_attempts_1h"] == cuts
    assert "card_attempts_1h" not in found.opaque
    asks = compiled(rule.when)
    for value in range(12):
        low, high = found.interval("card_attempts_1h", value)
        alike = {asks({"card_attempts_1h": n}, {}) for n in range(low or 0, 12 if high is None else high)}
        assert alike == {asks({"card_attempts_1h": value}, {})}


@pytest.mark.parametrize("condition", [
    ":card_attempts_1h: + 1 > 5", ":card_attempts_1h: > :ip_attempts_1h:", ":card_attempts_1h: / 2 = 1",
    ":card_attempts_1h: * 1 in (2)", "-:card_attempts_1h: < 0",
])  # fmt: skip
def test_what_is_calculated_with_matters_to_the_very_value(condition):
    found = thresholds([parse(f"block if {condition}")])
    assert "card_attempts_1h" in found.opaque
    assert found.interval("card_attempts_1h", 4) == (4, 5)


def test_a_shadow_guards_nothing():
    ruleset = Ruleset([Named("a", 1, parse("block if :card_attempts_1h: > 5"), shadow=True)])
    assert ruleset.dependence.interval("card_attempts_1h", 4) == (None, None)
