"""Which limits hold for whom: defaults, the account's rules, the operator's, and rules on trial."""

import pytest

from lockgate.gateway.web.limits import Limits
from lockgate.gateway.web.limits_rules import OPERATION_CLASSES, Rule, Rules, class_of, effective
from lockgate.kernel.errors import Refusal
from lockgate.kernel.operations import Operation
from lockgate.kernel.params import Object
from lockgate.kernel.principal import ADMINISTRATIVE, Principal
from lockgate.kernel.shapes import Shape

S = 1_000_000_000


async def _nothing(call):
    return {}


def operation(limit="standard", resource="charges"):
    return Operation(
        name="thing.get", method="GET", path="/v1/things", resource=resource, access="read", handler=_nothing,
        params=Object({}), returns=Shape("thing", {}), summary="It.", limit=limit,
    )  # fmt: skip


GET, PAY, ADMIN = operation(), operation("payment"), operation(resource="audit")
KEY = Principal("acct_1", False, "secret", "key_1", address="192.0.2.1")


class Known:
    def __init__(self, rules):
        self.rules = rules

    def peek(self, name):
        return self.rules


def limits(*own, operator=()):
    return Limits(now_ns=lambda: 10 * S, rules=Known(Rules(own, operator)))


def rule(scope="key", subject="", cls="", *, rate=1, burst=3, id_="rl_1", at_once=None, mode="enforce"):
    return Rule(id_, scope, subject, cls, rate, 1, burst, at_once, mode)


async def admitted(limited, who=KEY, what=GET, times=60):
    taken = 0
    for _ in range(times):
        try:
            limited.leave(await limited.admit(who, what, {}))
            taken += 1
        except Refusal:
            pass
    return taken


@pytest.mark.parametrize("resource", sorted(ADMINISTRATIVE))
def test_what_manages_the_account_is_a_class_of_its_own(resource):
    assert class_of(operation(resource=resource)) == "admin"
    assert class_of(operation()) == "standard"
    assert class_of(operation("refund", "refunds")) == "refund"


async def test_a_rule_stands_in_the_place_of_the_default():
    assert await admitted(limits(rule(burst=3))) == 3
    assert await admitted(limits(rule(burst=500, rate=500)), times=250) == 100  # the address's still holds
    assert await admitted(limits(rule(burst=500, rate=500), rule("address", burst=500, rate=500)), times=250) == 250


async def test_a_rule_about_one_subject_goes_before_one_about_all():
    own = (rule(burst=3), rule(subject="key_1", burst=7, id_="rl_2"))
    assert await admitted(limits(*own)) == 7
    other = Principal("acct_1", False, "secret", "key_2", address="192.0.2.1")
    assert await admitted(limits(*own), other) == 3


async def test_an_account_may_be_stricter_than_its_operator_and_never_looser():
    assert await admitted(limits(rule(burst=7), operator=[rule(burst=3, id_="rl_op")])) == 3
    assert await admitted(limits(rule(burst=3), operator=[rule(burst=7, id_="rl_op")])) == 3


async def test_a_rule_about_a_class_counts_only_that():
    limited = limits(rule(cls="payment", burst=2))
    assert await admitted(limited, what=PAY) == 2
    assert await admitted(limited, what=GET, times=20) == 20
    limited = limits(rule(cls="admin", burst=2))
    assert await admitted(limited, what=ADMIN) == 2


@pytest.mark.parametrize(("kind", "scope"), [("person", "person"), ("app", "app"), ("secret", "key")])
async def test_people_apps_and_keys_have_their_own(kind, scope):
    who = Principal("acct_1", False, kind, "id_1", address="192.0.2.1")
    for other in ("person", "app", "key"):
        assert await admitted(limits(rule(other, burst=3)), who, times=50) == (3 if other == scope else 50)


async def test_the_account_has_one_bucket_for_all_its_keys_in_a_mode():
    limited = limits(rule("account", burst=5))
    taken = 0
    for n in range(10):
        who = Principal("acct_1", False, "secret", f"key_{n}", address=f"192.0.2.{n}")
        taken += await admitted(limited, who, times=1)
    assert taken == 5
    live = Principal("acct_1", True, "secret", "key_live", address="192.0.2.1")
    assert await admitted(limited, live, times=1) == 1


async def test_an_address_rule_counts_what_comes_from_there_for_the_account():
    limited = limits(rule("address", burst=5))
    for n in range(5):
        who = Principal("acct_1", False, "secret", f"key_{n}", address="192.0.2.1")
        assert await admitted(limited, who, times=1) == 1
    assert await admitted(limited, KEY, times=1) == 0
    elsewhere = Principal("acct_1", False, "secret", "key_1", address="192.0.2.2")
    assert await admitted(limited, elsewhere, times=1) == 1


async def test_a_rule_on_trial_beside_one_that_holds():
    limited = limits(rule(burst=10), rule(burst=3, id_="rl_trial", mode="observe"))
    assert await admitted(limited, times=20) == 10
    assert limited.take_watched() == {"rl_trial": (20, 17)}
    assert limited.take_watched() == {}


async def test_requests_under_way_by_rule():
    limited = limits(rule(burst=50, rate=50, at_once=2))
    held = [await limited.admit(KEY, GET, {}) for _ in range(2)]
    with pytest.raises(Refusal) as refused:
        await limited.admit(KEY, GET, {})
    assert refused.value.reason == "global-concurrency"
    limited.leave(held.pop())
    await limited.admit(KEY, GET, {})


async def test_what_comes_without_a_key_is_the_operators_to_limit():
    limited = limits(operator=[rule("address", cls="login", burst=2, rate=1)])
    for _ in range(2):
        await limited.admit_from("login", "192.0.2.1")
    with pytest.raises(Refusal):
        await limited.admit_from("login", "192.0.2.1")
    await limited.admit_from("token", "192.0.2.1")


def test_the_list_of_what_holds_names_where_it_comes_from():
    listed = effective(Rules([rule()], [rule("address", cls="login", id_="rl_op")]), rate=100, burst=100)
    by = {(one.scope, one.subject, one.cls): (origin, one.rate, one.burst) for one, origin in listed}
    assert by[("key", "", "")] == ("account", 1, 3)
    assert by[("address", "", "login")] == ("operator", 1, 3)
    assert by[("key", "", "payment")] == ("default", 100, 20)
    assert by[("address", "", "payment")] == ("default", 100, 20)
    assert by[("key", "", "search")] == ("default", 20, 20)
    assert ("account", "", "") in by
    assert len({one.id for one, _ in listed}) == len(listed)
    assert {one.cls for one, _ in listed} >= {"", *(set(OPERATION_CLASSES) - {"standard", "admin"})}
