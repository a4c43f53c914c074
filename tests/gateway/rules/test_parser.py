"""What is no rule is refused with what helps: where, what was expected, what was probably meant; and always in time."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.gateway.rules.core.catalogue import ATTRIBUTES
from lockgate.gateway.rules.core.evaluate import compiled
from lockgate.gateway.rules.core.faults import RuleFault
from lockgate.gateway.rules.core.fragments import Condition
from lockgate.gateway.rules.core.lexer import LONGEST, tokens
from lockgate.gateway.rules.core.nodes import Rule
from lockgate.gateway.rules.core.parser import DEEPEST, parse
from lockgate.gateway.rules.core.text import written
from lockgate.kernel import clock
from tests.gateway.rules.trees import UNHURRIED

LISTS = {"blocked_mails": "email", "countries": "country", "words": "string", "VIPs": "email"}


def fault_of(text):
    with pytest.raises(RuleFault) as caught:
        parse(text, lists=LISTS)
    return caught.value


@pytest.mark.parametrize(("text", "column", "suggestion", "expected"), [
    ("", 1, None, "block"), ("   ", 4, None, "block"), ("blok if true", 1, "block", "block"),
    ("request_3d_secure if true", 1, "challenge", "challenge"), ("reject if true", 1, "block", "block"),
    ("block true", 7, None, "if"), ("block if", 9, None, "an attribute"), ("block if not", 13, None, "an attribute"),
    ("block if :ip_contry: = 'US'", 10, ":ip_country:", None), ("block if amount > 5 USD", 10, ":amount:", None),
    ("block if :amount: > 5", 21, None, "an amount such as 50 USD"), ("block if :tries: > 5 USD", 20, None, "a number"),
    ("block if :amount: > 5 UDS", 23, "USD", None), ("block if :amount: > 5 EUR", 23, None, "an amount in USD"),
    ("block if :amount: > 5.001 USD", 21, None, None), ("block if :tries: > 5 ad true", 22, "and", None),
    ("block if :risk_level: = 'hihgest'", 25, "'highest'", None),
    ("block if :ip_country: = 'USA'", 25, None, None),
    ("block if :currency: = 'ud'", 23, "'usd'", None),
    ("block if :engine_decision: in ('blok')", 32, "'block'", None),
    ("block if :email: = 'a'", 10, None, "in @alias"),
    ("block if :email: in @blocked_mail", 21, "@blocked_mails", None),
    ("block if :email: in @vips", 21, "@VIPs", None),
    ("block if :email: in @countries", 21, None, "a list of email"),
    ("block if :tries: in @words", 10, None, "in ('...', '...')"), ("block if @words", 10, None, "a value"),
    ("block if :tries: in (1, 'a')", 25, None, "a number"), ("block if :tries: in ()", 22, None, "a number"),
    ("block if :tries: in (:tries:)", 22, None, "a number"), ("block if :tries: in (1", 23, None, ")"),
    ("block if :amount: * :amount: > 5", 21, None, "a number"), ("block if 5 / :amount: > 5", 14, None, "a number"),
    ("block if :amount: + 5 > 3", 21, None, "an amount such as 50 USD"), ("block if 1 < 2 < 3", 16, None, "and"),
    ("block if :is_setup: > true", 21, None, "="), ("block if 'a' + 'b' = 'c'", 10, None, "a number"),
    ("block if :tries: and true", 10, None, "a condition"), ("block if true or 'a'", 18, None, "a condition"),
    ("block if not 5", 14, None, "a condition"), ("block if :tries:", 10, None, "a condition"),
    ("block if is_missing(5)", 21, None, "an attribute"), ("block if is_missing :tries:", 21, None, "("),
    ("block if :tries: not 5", 22, None, "in"), ("block if (true", 15, None, ")"), ("block if true)", 14, None, "and"),
    ("block if 'abc", 10, None, None), ('block if "a"', 10, None, None),
    ("block if :tries: > 5 && true", 22, None, None),
    ("block if 1234567890123 > 1", 10, None, None), ("block if 1.1234567 > 1", 10, None, None),
    ("block if :metadata: = 'a'", 10, None, None), ("block if ::tries:: = 1", 10, None, None),
    ("block if :tries > 1", 10, None, None), ("block if true # why", 15, None, None),
    ("block if true; drop table", 14, None, None), ("block if :tries: = null", 20, None, "is_missing(:attribute:)"),
    ("block if :ip_country: = 'a\0b'", 25, None, None),
    ("block if :amount: > 5,000 USD", 22, None, None), ("block if :amount: > -5,000 USD", 23, None, None),
    ("block if :amount: > 5.000 USD", 21, None, None), ("block if :amount: > 1.000 JPY", 21, None, None),
    ("block if :amount: > $5", 21, None, None), ("block if 1,5 < :tries:", 11, None, None),
])  # fmt: skip
def test_faults_help(text, column, suggestion, expected):
    fault = fault_of(text)
    assert (fault.line, fault.column) == (1, column), str(fault)
    assert fault.suggestion == suggestion, str(fault)
    if expected is not None:
        assert expected in fault.expected, str(fault)


def test_faults_say_the_line():
    fault = fault_of("block if :tries: > 5\n  and :ip_country: = 'US'\n  and :nonsense_xyz: = 1")
    assert (fault.line, fault.column, fault.length) == (3, 7, 14)
    assert "nonsense" not in str(fault)


def test_a_fault_is_found_at_once_however_many_lists_there_are():
    lists = {f"{'list' * 20}_{number}": "email" for number in range(100_000)}
    started = clock.monotonic()
    with pytest.raises(RuleFault, match="no value list"):
        parse("block if :email: in @listlistlistlistlistlistlistlistlistlist", lists=lists)
    assert clock.monotonic() - started < 2


def test_the_text_of_a_rule_is_never_repeated():
    fault = fault_of("block if :email: = 'secret@example.com'")
    assert "secret" not in str(fault)


@pytest.mark.parametrize("text", [
    "block if " + "(" * 500 + "true" + ")" * 500, "block if " + "not " * 480 + "true",
    "block if " + "-" * 1500 + "1 = 1",
    "block if " + "- " * 900 + "1 = 1", "block if " + "(" * 1990, "block if 1 = " + "-(" * 400,
    "block if 1" + " + 1" * 400 + " = 1", "block if 1" + "/1" * 900 + " = 1", "block if '" + "''" * 900,
    "block if " + "'" * 1900, "block if :" + "a" * 1900 + ":", "block if " + "1" * 1900 + " = 1", "x" * 1_000_000,
    "block if " + "not (" * 300 + "true", "block if :tries: in (" + "1," * 900 + "1)",
    "block if " + "is_missing(" * 150,
    "block if " + ":a" * 900, "block if @" + "a" * 1900, "\n" * 1999, "block if 1 " + "USD" * 600,
])  # fmt: skip
def test_hostile_texts_are_refused_at_once(text):
    started = clock.monotonic()
    fault_of(text)
    assert clock.monotonic() - started < 2


def test_what_is_just_within_the_caps_is_a_rule():
    deepest = "(" * (DEEPEST - 1) + "true" + ")" * (DEEPEST - 1)
    assert parse(f"block if {deepest}") == parse("block if true")
    padded = "block if true" + " " * (LONGEST - 13)
    assert parse(padded) == parse("block if true")
    assert len(tokens(padded)) == 4
    assert isinstance(parse("block if :tries: in (" + ", ".join(["1"] * 290) + ")"), Rule)


WORDS = [
    *("block if allow review flag challenge and or not in ( ) , = != < <= > >= + - * / true false is_missing".split()),
    *(f":{name}:" for name in random.Random(1).sample(sorted(ATTRIBUTES), 12)),
    *("@blocked_mails @countries 5 0.5 5000 USD EUR JPY 'US' 'de' '' 'a''b' :nosuch: ' : @ ! \n \0 é 😀".split(" ")),
]  # fmt: skip
soups = st.one_of(
    st.lists(st.sampled_from(WORDS), max_size=40).map(lambda words: "block if " + " ".join(words)),
    st.lists(st.sampled_from(WORDS), max_size=30).map("".join),
    st.text(max_size=80),
    st.text(st.sampled_from("():@'=!<>+-*/. \nabif015US"), max_size=120).map(lambda text: "block if " + text),
)


@settings(max_examples=700, deadline=None, suppress_health_check=UNHURRIED)
@given(soups)
def test_any_text_is_a_rule_or_a_fault(text):
    try:
        rule = parse(text, lists=LISTS)
    except RuleFault as fault:
        assert 1 <= fault.line <= text.count("\n") + 1
        assert 1 <= fault.column <= len(text) + 1
        return
    assert parse(written(rule), lists=LISTS) == rule
    assert compiled(rule.when)({}, {}) in (True, False, None)
    assert Condition(rule.when, first=1).text
