"""Which operations wait for what, by who asks, what is at stake and what the account's rules say."""

import pytest
from tools.contract.declared import operations

from lockgate.gateway.approvals.core.content import hashed, summary
from lockgate.gateway.approvals.core.rules import CLASSES, MONEY, need, rules_of, weakens
from lockgate.gateway.approvals.core.stake import Stake
from lockgate.kernel.params import UNSET
from lockgate.kernel.principal import Principal
from tests.gateway.approvals.office import ACCOUNT, GRANT, KEY, REFUND, REVERSE, person

ANNA = person("per_anna")
APP = Principal(ACCOUNT, False, "app", "app_1", person="per_anna")


def asked(who, privilege, stake=None, **own):
    found = need(who, privilege, stake, rules_of(own))
    return (found.fresh, found.confirmed, found.second)


@pytest.mark.parametrize("privilege", CLASSES)
def test_people_need_a_fresh_proof_for_all_of_them(privilege):
    assert asked(ANNA, privilege, Stake(1, "usd", ""))[0]
    assert not any(asked(KEY, privilege, Stake(10**12, "usd", "")))
    assert not any(asked(APP, privilege, Stake(10**12, "usd", "")))


@pytest.mark.parametrize(
    ("amount", "currency", "above"),
    [(100_000, "usd", False), (100_001, "usd", True), (1_000, "jpy", False), (1_001, "jpy", True),
     (1_000_000, "kwd", False), (1_000_001, "kwd", True)],
)  # fmt: skip
@pytest.mark.parametrize("privilege", MONEY)
def test_a_thousand_units_is_the_limit_in_each_currency(privilege, amount, currency, above):
    assert asked(ANNA, privilege, Stake(amount, currency, "")) == (True, above, False)


def test_an_amount_that_nobody_can_tell_is_too_much():
    assert asked(ANNA, "refund", None, refund={"two_people_above": 9}) == (True, True, True)


def test_two_people_are_for_keys_and_apps_alike():
    own = {"refund": {"two_people_above": 50}, "roles": {"two_people": True}}
    for who in (KEY, APP):
        assert asked(who, "refund", Stake(5_000, "usd", ""), **own) == (False, False, False)
        assert asked(who, "refund", Stake(5_001, "usd", ""), **own) == (False, False, True)
        assert asked(who, "roles", None, **own) == (False, False, True)
    assert asked(ANNA, "refund", Stake(5_001, "usd", ""), **own) == (True, False, True)


def test_a_limit_can_be_taken_away_or_set_to_nothing():
    assert asked(ANNA, "refund", Stake(10**9, "usd", ""), refund={"confirm_above": None}) == (True, False, False)
    assert asked(ANNA, "refund", Stake(1, "usd", ""), refund={"confirm_above": 0}) == (True, True, False)


def test_nobody_else_has_a_say_in_ones_own_factors():
    assert asked(ANNA, "factors", None, factors={"two_people": True}) == (True, False, False)


def test_the_hash_is_of_all_there_is():
    base = {"charge": "ch_1", "amount": 1, "metadata": {"a": "b", "c": "d"}, "tags": ["x", "y"]}
    known = hashed(KEY, REFUND, path={}, params=base)
    assert known == hashed(KEY, REFUND, path={}, params=dict(reversed(base.items())))
    others = [
        {**base, "amount": 2}, {**base, "amount": "1"}, {**base, "charge": "ch_2"}, {**base, "reason": "x"},
        {**base, "reason": UNSET}, {**base, "reason": None}, {**base, "metadata": {"a": "b"}},
        {**base, "metadata": UNSET}, {**base, "tags": ["y", "x"]}, {"charge": "ch_1"},
    ]  # fmt: skip
    found = [hashed(KEY, REFUND, path={}, params=params) for params in others]
    found.append(hashed(KEY, REVERSE, path={"payout": "po_1"}, params={}))
    found.append(hashed(KEY, REVERSE, path={"payout": "po_2"}, params={}))
    found.append(hashed(Principal("acct_2", False, "secret", "key_1"), REFUND, path={}, params=base))
    found.append(hashed(Principal(ACCOUNT, True, "secret", "key_1"), REFUND, path={}, params=base))
    assert len({known, *found}) == len(found) + 1


def test_what_is_shown_is_made_from_what_is_done():
    assert summary(REFUND, {}, Stake(50_000, "usd", "of ch_1")) == "Refund 500.00 USD of ch_1"
    assert summary(REVERSE, {"payout": "po_1"}, Stake(5_000, "jpy", "of po_1")) == "Fetch back 5000 JPY of po_1"
    assert summary(GRANT, {}, None) == "Make a role"


def test_many_small_refunds_of_one_charge_are_a_large_one():
    assert not asked(ANNA, "refund", Stake(50_000, "usd", "", before=50_000))[1]
    assert asked(ANNA, "refund", Stake(50_000, "usd", "", before=50_001)) == (True, True, False)
    assert asked(KEY, "refund", Stake(1, "usd", "", before=5_000), refund={"two_people_above": 50})[2]


@pytest.mark.parametrize(
    ("change", "weaker"),
    [
        ({"refund": {"two_people_above": 51}}, True),
        ({"refund": {"two_people_above": None}}, True),
        ({"refund": {"two_people_above": 50}}, False),
        ({"refund": {"two_people_above": 0}}, False),
        ({"payout": {"two_people_above": 9}}, False),
        ({"refund": {"confirm_above": None}}, False),
        ({"roles": {"two_people": False}}, True),
        ({"limits": {"two_people": False}}, False),
    ],
)
def test_a_change_that_asks_for_fewer_people_is_told_from_others(change, weaker):
    held = rules_of({"refund": {"two_people_above": 50}, "roles": {"two_people": True}})
    assert weakens(held, change) is weaker


def test_each_class_that_an_account_can_set_is_that_of_some_operation():
    """A rule that nothing asks for would look like a protection and be none."""
    assert {operation.privilege for operation in operations() if operation.privilege} == set(CLASSES)
