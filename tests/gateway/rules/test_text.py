"""Rules are written as text in one way, and read back as the same tree; so is their JSON."""

import json

import pytest
from hypothesis import given, settings

from lockgate.gateway.rules.core.faults import RuleFault
from lockgate.gateway.rules.core.lexer import LONGEST
from lockgate.gateway.rules.core.nodes import from_json, to_json
from lockgate.gateway.rules.core.parser import parse
from lockgate.gateway.rules.core.text import written
from tests.gateway.rules.trees import UNHURRIED, rules


def convert(minor, currency):
    return {"eur": minor * 11 // 10, "jpy": minor * 2 // 3}.get(currency)


@settings(max_examples=300, deadline=None, suppress_health_check=UNHURRIED)
@given(rules)
def test_what_is_written_reads_as_the_same_rule(rule):
    text = written(rule)
    if len(text) > LONGEST:
        return
    try:
        read = parse(text, convert=convert)
    except RuleFault as fault:
        assert "divisions" in fault.message or "parts" in fault.message, f"{text}\n{fault}"
        return
    assert read == rule, text
    assert written(read) == text


@settings(max_examples=100, deadline=None, suppress_health_check=UNHURRIED)
@given(rules)
def test_what_is_kept_as_json_is_the_same_rule(rule):
    assert from_json(json.loads(json.dumps(to_json(rule)))) == rule


@pytest.mark.parametrize("kept", [None, {}, [], {"version": 2, "action": "block", "if": ["boolean", True]},
                                  {"version": 1, "action": "shout", "if": ["boolean", True]},
                                  {"version": 1, "action": "block", "if": ["call", "os.system"]},
                                  {"version": 1, "action": "block", "if": []}])  # fmt: skip
def test_json_that_is_no_rule_is_refused(kept):
    with pytest.raises(ValueError, match=r"a rule of a version|a stored rule|not enough values"):
        from_json(kept)


@pytest.mark.parametrize(("given", "canonical"), [
    ("BLOCK IF (:IP_Country: == 'us')", "block if :ip_country: = 'US'"),
    ("block if not (:ip_country: in ('us','de'))", "block if :ip_country: not in ('US', 'DE')"),
    ("block if :amount: > 05000.50 usd", "block if :amount: > 5000.5 USD"),
    ("block if ((:tries: > 1) and (:tries: < 3)) or true", "block if :tries: > 1 and :tries: < 3 or true"),
    ("block if (:tries: + 1) * 2 > - 3", "block if (:tries: + 1) * 2 > -3"),
    ("block if :tries: - (1 - 2) > 3 / (4 / 5)", "block if :tries: - (1 - 2) > 3 / (4 / 5)"),
    ("flag if :email_domain: = 'O''NEIL.EXAMPLE'", "flag if :email_domain: = 'o''neil.example'"),
    ("review if not not :is_setup:", "review if not not :is_setup:"),
    ("review if :amount: > 100 EUR", "review if :amount: > 100 EUR"),
    ("review if - -:tries: < -(1 - 2)", "review if --:tries: < -(1 - 2)"),
    ("review if -(-(:tries:)) < 1", "review if --:tries: < 1"),
])  # fmt: skip
def test_there_is_one_way_to_write_a_rule(given, canonical):
    assert written(parse(given, convert=convert)) == canonical


@pytest.mark.parametrize("text", [
    "block if " + "-" * 30 + ":tries: > 1",
    "block if " + "not " * 30 + ":is_setup:",
    "block if " + "(" * 30 + ":is_setup:" + ")" * 30,
    "block if :tries: > " + "1 - (" * 30 + "1" + ")" * 30,
])  # fmt: skip
def test_what_was_not_too_deep_is_not_too_deep_when_it_is_sent_back(text):
    rule = parse(text)
    assert parse(written(rule)) == rule


def test_a_rule_that_grows_too_long_when_it_is_written_properly_is_refused_at_once():
    values = ",".join(["12345"] * 290)
    with pytest.raises(RuleFault, match="with all its spaces"):
        parse(f"block if :tries: in ({values})")
    assert len(written(parse(f"block if :tries: in ({values[: 6 * 280 - 1]})"))) <= LONGEST


def test_minus_an_amount_is_worth_what_the_negative_amount_is():
    def halves_up(minor, currency):
        return (minor * 11 + 5) // 10

    assert parse("block if :amount: > -(0.05 EUR)", convert=halves_up) == parse(
        "block if :amount: > -0.05 EUR", convert=halves_up
    )
