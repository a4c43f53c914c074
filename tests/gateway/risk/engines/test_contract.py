"""What engines are asked and may answer, and when they are left alone."""

import contextlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.risk.core.decide import decide
from lockgate.gateway.risk.core.subject import Card, Customer, Subject
from lockgate.gateway.risk.engines.ask import Asked
from lockgate.gateway.risk.engines.consult import together
from lockgate.gateway.risk.engines.core.breaker import FAILURES, REST_S, Breaker
from lockgate.gateway.risk.engines.core.contract import BadAnswer, Engine, Word, afterthought, question, word

ENGINE = Engine(
    account="acct_1", livemode=False, id="reng_1", version=1, created=1, updated=1, name="E", url="https://e.example",
    stages=("before",), timeout_ms=500, on_failure="review", acts=True, shares=(), enabled=True, sealed=b"",
)  # fmt: skip
SUBJECT = Subject(
    account="acct_1", livemode=False, now=1, now_ms=1000, attempt="pa_1", intent="pi_1", charge=None, amount=1999,
    currency="eur", card=Card(fingerprint="SECRETPRINT", bin="424242", brand="visa", funding="debit", country="US"),
    kind="secret", customer=Customer(id="cus_1", created=0), email="ann@example.com", address="192.0.2.7",
)  # fmt: skip


def said(**fields):
    return json.dumps({"id": "rask_1", **fields}).encode()


def test_an_answer_has_a_score_or_a_decision_or_both():
    assert word(said(score=7), id_="rask_1") == Word(7.0, None)
    assert word(said(score=99.5, decision="block", more={"x": [1]}), id_="rask_1") == Word(99.5, "block")
    assert word(said(decision="allow"), id_="rask_1") == Word(None, "allow")


@pytest.mark.parametrize("body", [
    b"", b"null", b"[]", b"\xff", b'{"id":"rask_1"', said(), said(score=-1), said(score=100.1), said(score=True),
    said(score="7"), said(decision="flag"), said(decision=["allow"]), said(score=None, decision=None),
    b'{"id":"rask_1","score":NaN}', b'{"id":"rask_1","score":Infinity}', b'{"id":"rask_1","score":1e999}',
    b'{"id":"rask_1","score":1,"score":99}', b'{"score":1}', said(score=1).replace(b"rask_1", b"rask_2"),
    b'{"id":"rask_1","score":' + b"9" * 5000 + b"}", b'{"id":"rask_1","a":' + b"[" * 15_000,
])  # fmt: skip
def test_what_the_contract_does_not_have_is_no_answer(body):
    with pytest.raises(BadAnswer):
        word(body, id_="rask_1")


@given(st.binary(max_size=400) | st.text(max_size=200).map(str.encode))
def test_nothing_that_an_engine_sends_does_harm(body):
    for read in (word, afterthought):
        with contextlib.suppress(BadAnswer):
            read(body, id_="rask_1")


def test_afterwards_it_may_name_it_fraud_or_ask_for_a_review_or_say_nothing():
    assert afterthought(b"", id_="x") == afterthought(b'{"id":"x"}', id_="x") == (None, False)
    assert afterthought(b'{"id":"x","label":"fraud"}', id_="x") == (True, False)
    assert afterthought(b'{"id":"x","label":"legitimate","review":true}', id_="x") == (False, True)
    for body in (b'{"id":"x","label":"maybe"}', b'{"id":"x","review":"yes"}', b'{"id":"y","review":true}'):
        with pytest.raises(BadAnswer):
            afterthought(body, id_="x")


def test_an_engine_is_told_of_a_card_and_a_person_what_it_may_and_no_more():
    asked = question(SUBJECT, {"amount": 2100}, id_="rask_1", hashes={"card": "ab"}, shares=())
    text = json.dumps(asked)
    assert "SECRETPRINT" not in text and "ann@example.com" not in text and "192.0.2.7" not in text
    assert asked["card"] == {"bin": "424242", "brand": "visa", "funding": "debit"}
    assert (asked["amount"], asked["attributes"], asked["hashes"]) == (1999, {"amount": 2100}, {"card": "ab"})
    assert question(SUBJECT, {}, id_="x", hashes={}, shares=("email",))["person"] == {"email": "ann@example.com"}


def test_of_several_engines_the_highest_score_and_the_strictest_decision_count():
    other = replace(ENGINE, id="reng_2", acts=False)
    found = together([
        (ENGINE, Asked(Word(20.0, "review"), None, 5)), (other, Asked(Word(80.0, "block"), None, 5)),
    ])  # fmt: skip
    assert found.attributes == {"engine_score": 80.0, "engine_decision": "block"}
    assert [(hit.id, hit.action) for hit in found.hits] == [("reng_1", "review")], "advice is left to rules"
    assert decide(found.hits).verdict == "review"


def test_an_engine_that_lets_through_lets_nothing_through_that_others_stop():
    found = together([(ENGINE, Asked(Word(0.0, "allow"), None, 5))])
    assert found.hits == () and found.attributes["engine_decision"] == "allow"


@pytest.mark.parametrize(("mode", "verdict"), [("allow", "allow"), ("review", "review"), ("block", "block")])
def test_failure_is_what_the_account_said_it_is(mode, verdict):
    found = together([(replace(ENGINE, on_failure=mode), Asked(None, "timeout", 500))])
    assert found.attributes == {}
    assert decide(found.hits).verdict == verdict
    assert found.told[0]["fault"] == "timeout"


def test_five_failures_in_a_row_are_a_rest_and_then_one_question_at_a_time():
    breaker = Breaker()
    for number in range(FAILURES):
        assert breaker.may_ask(0.0)
        assert breaker.failed(0.0) is (number == FAILURES - 1), "the fifth opens it, and says so"
    assert not breaker.may_ask(REST_S - 0.1)
    assert breaker.may_ask(REST_S) and not breaker.may_ask(REST_S), "one finds out"
    assert breaker.failed(REST_S) is False and not breaker.may_ask(REST_S + 1), "still away: no news, another rest"
    assert breaker.may_ask(2 * REST_S)
    breaker.let_go()
    assert breaker.may_ask(2 * REST_S)
    assert breaker.answered() is True, "back: that is news"
    assert breaker.may_ask(2 * REST_S) and breaker.answered() is False


def test_failures_count_in_a_row_only():
    breaker = Breaker()
    for _ in range(3 * FAILURES):
        breaker.failed(0.0)
        breaker.answered()
    assert not breaker.is_open
