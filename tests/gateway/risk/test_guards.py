"""What a verdict rests on, and that two payments at once never both pass what only one may."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.gateway.risk import assess
from lockgate.gateway.risk.core.armed import Armed
from lockgate.gateway.risk.core.gathered import Gathered
from lockgate.gateway.risk.core.guards import GUARDED, Place, resting, rows, tighter
from lockgate.gateway.risk.core.settings import DEFAULTS
from lockgate.gateway.risk.core.subject import Subject
from lockgate.gateway.risk.judged import Judged
from lockgate.gateway.rules.core.evaluate import compiled
from lockgate.gateway.rules.core.parser import parse
from lockgate.gateway.rules.core.ruleset import Named, Ruleset
from lockgate.gateway.signals.core.session import Session
from tests.gateway.risk.judging import CARD, open_bench

NAMES = ("card_attempts_1h", "card_declines_1h", "ip_cards_1h", "amount", "card_attempts_7d")
SIGNS = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
SIDES = st.sampled_from([f":{name}:" for name in NAMES if name != "amount"]) | st.integers(0, 6).map(str)
LEAVES = st.tuples(SIDES, SIGNS, SIDES).map(" ".join) | st.sampled_from(
    [":card_attempts_1h: * 2 >= :ip_cards_1h:",
     ":card_declines_1h: * 5 >= (:card_attempts_1h: - :ip_cards_1h: - 1) * 3",
     ":card_attempts_1h: / 2 - :card_declines_1h: < 1.5 - :card_attempts_7d:", ":ip_cards_1h: / :card_attempts_1h: > 1",
     ":card_attempts_1h: - :card_attempts_1h: = 0", "is_missing(:ip_cards_1h:)", ":card_attempts_1h: in (1, 3)"]
)
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.tuples(inner, st.sampled_from([" and ", " or "]), inner).map(lambda p: f"({p[0]}{p[1]}{p[2]})")
    | inner.map(lambda text: f"not ({text})"),
    max_leaves=6,
)
COUNTS = st.fixed_dictionaries({}, optional={name: st.integers(0, 6) for name in NAMES})


@given(CONDITIONS, COUNTS, COUNTS)
@settings(max_examples=500, deadline=None)
def test_while_counts_stay_within_their_bounds_the_result_stays_too(text, before, moved):
    rule = parse(f"block if {text}")
    rests = resting(rule.when)
    if rests is None:
        assert not any(f":{name}:" in text for name in GUARDED) or "is_missing" in text
        return
    value, needs = rests(before, {})
    assert value == compiled(rule.when)(before, {})
    after = {**before, **{name: moved[name] for name in needs if name in moved}}
    within = all(
        (low is None or after[name] >= low) and (high is None or after[name] < high)
        for name, (low, high) in needs.items()
    )
    if within:
        # What no bound was asked for may move freely.
        free = {name: moved[name] for name in moved if name in GUARDED and name in before and name not in needs}
        assert (rests({**after, **free}, {})[0] is True) == (value is True)


def test_a_false_conjunction_rests_on_one_false_part():
    rests = resting(parse("block if :card_attempts_1h: > 5 and :ip_cards_1h: > 3 and :amount: > 100 USD").when)
    assert rests is not None
    assert rests({"card_attempts_1h": 1, "ip_cards_1h": 1, "amount": 1}, {}) == (False, {})
    value, needs = rests({"card_attempts_1h": 1, "ip_cards_1h": 9, "amount": 99_999}, {})
    assert (value, needs) == (False, {"card_attempts_1h": (None, 6)})


def test_a_share_rests_on_how_far_it_is_from_what_is_asked():
    """More payments alone take it further away: many at once do not wait for each other."""
    rests = resting(parse("block if :ip_declines_1h: * 5 >= (:ip_attempts_1h: - :ip_blocks_1h: - 1) * 3").when)
    assert rests is not None
    value, needs = rests({"ip_declines_1h": 4, "ip_attempts_1h": 41, "ip_blocks_1h": 0}, {})
    assert value is False
    assert needs == {"ip_declines_1h": (None, 11), "ip_attempts_1h": (30, None), "ip_blocks_1h": (None, 12)}


def test_bounds_meet():
    assert tighter([{"a": (None, 9)}, {"a": (2, None)}, {"a": (1, 5), "b": (1, 2)}]) == {"a": (2, 5), "b": (1, 2)}


def test_an_ordinary_payment_rests_on_its_limits_and_on_little_else():
    armed = Armed(DEFAULTS, Ruleset([]), version=0, enforced=True)
    seen = {name: 1 for name in GUARDED} | {"amount": 1000, "card_declines_1h": 0, "ip_declines_1h": 0}
    needs = armed.matches(seen, {}).needs
    assert needs["card_amount_1h"] == (None, 500_001)
    assert not [name for name in needs if name.startswith("bin_")]
    assert all(low is None for low, _ in needs.values())
    place = Place("acct_a", True, 10**12, {"card": b"c" * 16, "ip": None})
    found = rows(needs, place)
    assert {row.kind for row in found} == {"card"}
    assert [(row.since_ms, row.high) for row in found if row.measure == "amount"] == [(10**12 - 3_600_000, 500_001)]


def test_ends_that_no_count_can_pass_are_open():
    """What a rule multiplies may be larger than any number that the database holds."""
    place = Place("acct_a", True, 10**12, {"card": b"c" * 16})
    for text in ("= 999999999999 * 999999999999", "> 999999999999 * 999999999999", "> -999999999999 * 999999999999"):
        rests = resting(parse(f"block if :card_attempts_1h: {text}").when)
        assert rests is not None
        assert rows(rests({"card_attempts_1h": 1}, {})[1], place) == []
    [row] = rows({"card_attempts_1h": (-(10**30), 5)}, place)
    assert (row.low, row.high) == (None, 5)


def test_a_verdict_rests_on_what_holds_without_the_browsers_word_as_well():
    """With the session the rule is false whatever is counted; without, it is false as long as few are."""
    rule = parse("block if not :has_session: and :card_attempts_1h: > 2")
    armed = Armed(DEFAULTS, Ruleset([Named("rule_1", 1, rule)]), version=0, enforced=True)
    subject = Subject(
        account="acct_a", livemode=True, now=0, now_ms=0, attempt="pa_1", intent=None, charge=None, amount=1000,
        currency="usd", card=CARD, kind="secret",
    )  # fmt: skip
    session = Session(id="rse_1", created=0, device=b"d" * 16, is_device_new=False, facts={}, address=None)
    judged = Judged()
    assess._match(Gathered(subject, {"has_session": True, "card_attempts_1h": 1}, session=session, armed=armed), judged)
    assert judged.needs["card_attempts_1h"] == (None, 3)


@pytest.fixture
async def bench(database):
    async with open_bench(database) as opened:
        yield opened


async def test_of_payments_at_once_no_two_pass_the_limit_together(bench):
    """Twelve of 900 dollars: five fit into 5,000; every other one is reviewed, however they interleave."""
    made = await asyncio.gather(*(bench.pay(amount=90_000, outcome=None) for _ in range(12)))
    assert sorted(one.verdict for one in made).count("allow") == 5
    assert {one.rule for one in made if one.verdict == "review"} == {"builtin.hourly_limit_card"}
    assert await bench.pool.fetchval("select count(*) from risk_event") == 12
