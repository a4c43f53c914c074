"""What a rule says online and what the back-test says of the same payment once it is stored: never different."""

import asyncio
import json
import re

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.gateway.rules.core import packed
from lockgate.gateway.rules.core.fragments import Condition
from lockgate.gateway.rules.core.nodes import Arithmetic, Rule, walk
from lockgate.gateway.rules.core.packed import memberships, pack, settle, unpack
from lockgate.gateway.rules.core.parser import MOST_DIVISIONS, parse
from lockgate.gateway.rules.core.ruleset import Named, Ruleset
from lockgate.gateway.rules.core.text import written
from tests.gateway.rules.trees import UNHURRIED, payments, rules

_TOKEN = re.compile(
    r"d\.attributes|d\.others|d\.data -> '(?:attributes|lists)'|->>|->|::boolean|::numeric|::bigint"
    r"|\$\d+::(?:int|text\[\]|text|numeric\[\]|numeric|bigint)|get_byte|coalesce"
    r"|\b(?:case|when|then|else|end|and|or|not|is null|any|nullif|true|false|0|106|107)\b"
    r"|<=|>=|!=|[=<>+*/?,()-]|\s+"
)


def affordable(rule):
    return sum(isinstance(node, Arithmetic) and node.operator == "/" for node in walk(rule.when)) <= MOST_DIVISIONS


def columns(rows):
    """(attributes, memberships) as they are stored."""
    stored = [pack(settle(attributes), lists) for attributes, lists in rows]
    data = [json.dumps({"attributes": one.named, "lists": one.lists}) for one in stored]
    return [one.row for one in stored], [json.dumps(one.others) for one in stored], data


class Asker:
    """Asks PostgreSQL, from synchronous tests."""

    def __init__(self, settings_):
        self.loop = asyncio.new_event_loop()
        self.connection = self.loop.run_until_complete(asyncpg.connect(**settings_))

    def ask(self, condition, rows):
        """For each (attributes, memberships) whether it matches, in three values."""
        statement = (
            "select (" + condition.text + ") from unnest($1::bytea[], $2::jsonb[], $3::jsonb[]) with ordinality"
            " d (attributes, others, data, place) order by place"
        )
        found = self.loop.run_until_complete(
            self.connection.fetch(statement, *columns(rows), *condition.parameters)
        )
        return [row[0] for row in found]

    def close(self):
        self.loop.run_until_complete(self.connection.close())
        self.loop.close()


@pytest.fixture(scope="module")
def asker(cluster):
    fresh = cluster.fresh()
    asker = Asker(fresh["gateway"])
    yield asker
    asker.close()


def online(rule, attributes, lists):
    """Whether it matches by the closures."""
    return bool(Ruleset([Named("r", 1, rule)]).evaluate(attributes, lists).hits)


@settings(max_examples=200, deadline=None, suppress_health_check=UNHURRIED)
@given(rules.filter(affordable), st.lists(payments(), min_size=1, max_size=12))
def test_both_say_the_same(asker, rule, rows):
    answers = asker.ask(Condition(rule.when, first=4), rows)
    said = [online(rule, *row) for row in rows]
    assert said == [answer is True for answer in answers], written(rule)


@settings(max_examples=120, deadline=None, suppress_health_check=UNHURRIED)
@given(rules.filter(affordable), payments())
def test_what_is_stored_is_judged_as_it_was(rule, payment):
    attributes, lists = payment
    row, others, named, said = pack(settle(attributes), lists)
    stored, listed = unpack(row, json.loads(json.dumps(others)), named), memberships(row, said)
    assert online(rule, stored, listed) == online(rule, attributes, lists), written(rule)


@settings(max_examples=150, deadline=None, suppress_health_check=UNHURRIED)
@given(rules)
def test_nothing_of_a_rule_becomes_sql(rule):
    condition = Condition(rule.when, first=5)
    assert not _TOKEN.sub("", condition.text), condition.text


def test_the_worst_rule_that_can_be_saved_is_still_a_small_statement():
    deep = "1 / (1 + 1 / (:tries: + 1 / (:risk_score: + 1 / (:tries: + :risk_score:))))"
    rule = parse(f"block if {deep} > 1 and " + " and ".join([":tries: > 1"] * 80))
    assert len(Condition(rule.when, first=1).text) < 60_000


@pytest.mark.parametrize("text", [
    ":tries: / 0 = 1", ":tries: / 0 != 1", "not :tries: / 0 = 1", "1 / 3 * 3 = 1", ":card_distance_km: = 0.1",
    ":card_distance_km: + 0.2 = 0.3", ":card_distance_km: * 3 > 0.3", "-:tries: < 0", ":tries: / -2 < -0.4",
    ":amount: / :card_amount_1h: > 0.5", ":amount: / (:tries: - 1) > 1 USD", ":tries: in (0.5, 1, 7)",
    ":card_distance_km: in (0.1)", ":tries: / 2 in (0.5)", "0.1 in (0.1)", "1000000000.000001 > :card_speed_kmh:",
    "not (:ip_country: = 'US' or :tries: > 100)", "is_missing(:ip_country:) or :ip_country: = 'US'",
    ":amount: < 999999999999 USD * 999999999999", ":amount: = 0.05 USD * 20 - 0.01 USD * 0",
    ":is_setup: = (:tries: > 0)", ":email: in @vip", ":email: not in @vip", "is_missing(:email:)",
])  # fmt: skip
def test_edges(asker, text):
    rule = parse(f"block if {text}")
    rows = [
        ({}, {}),
        ({"tries": 1, "card_distance_km": 0.1, "amount": 100, "card_amount_1h": 199, "is_setup": True}, {"email": []}),
        ({"tries": 0, "card_distance_km": 0.1 + 1e-9, "amount": 0, "ip_country": "US"}, {"email": ["vip"]}),
        ({"tries": 7, "card_speed_kmh": 1e9, "card_amount_1h": 0, "amount": 5, "ip_country": "DE"}, {"email": ["x"]}),
    ]
    answers = asker.ask(Condition(rule.when, first=4), rows)
    assert [online(rule, *row) for row in rows] == [answer is True for answer in answers]
    opposite = [online(Rule("block", parse(f"block if not ({text})").when), *row) for row in rows]
    assert opposite == [answer is False for answer in answers]


def test_a_decision_is_read_alike_once_its_attributes_get_a_place(asker, monkeypatch):
    rows = [({"tries": 2, "amount": 1000, "is_setup": True, "ip_country": "US"}, {"email": [], "customer": ["vip"]})]
    monkeypatch.setattr(packed, "_PLACE", {})
    monkeypatch.setattr(packed, "_LISTED_PLACE", {})
    monkeypatch.setattr(packed, "SLOTS", ("device_emails_7d",) * len(packed.SLOTS))
    monkeypatch.setattr(packed, "LISTED", ("phone",) * len(packed.LISTED))
    older = columns(rows)
    monkeypatch.undo()
    monkeypatch.setattr("tests.gateway.rules.test_back_ends.columns", lambda _: older)
    for text, said in {
        ":tries: = 2": True, ":tries: > 2": False, ":amount: = 10 USD": True, ":is_setup:": True,
        "not :is_setup:": False,
        ":ip_country: = 'US'": True, "is_missing(:ip_country:)": False, ":card_bin: = '411111'": None,
        "is_missing(:email:)": False, ":email: in @vip": False, ":customer: in @vip": True, ":device: in @vip": None,
    }.items():  # fmt: skip
        assert asker.ask(Condition(parse(f"block if {text}").when, first=4), rows) == [said], text
    [row], [others], [data] = older
    read = unpack(row, json.loads(others), json.loads(data)["attributes"])
    assert (read, memberships(row, json.loads(data)["lists"])) == rows[0]
