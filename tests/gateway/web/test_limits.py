"""The limiter, to the nanosecond, with a clock of the test's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.web.limits import MAX_AT_ONCE, MAX_AT_ONCE_PER_KEY, Gcra, Limits
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Operation
from lockgate.kernel.params import Object
from lockgate.kernel.principal import Principal
from lockgate.kernel.shapes import Shape

S = 1_000_000_000


async def _nothing(call):
    return {}


def operation(**changed):
    return Operation(
        **{"name": "thing.get", "method": "GET", "path": "/v1/things", "resource": "charges", "access": "read",
           "handler": _nothing, "params": Object({}), "returns": Shape("thing", {}), "summary": "It."} | changed
    )  # fmt: skip


GET = operation()
SEARCH = operation(name="thing.search", form="search", limit="search")
CHANGE = operation(name="thing.update", method="POST", path="/v1/things/{thing}", access="write", audit="thing.update")


class Clock:
    def __init__(self):
        self.now = 10 * S

    def __call__(self):
        return self.now


def principal(*, rate=10, burst=20, id_="key_1", address="192.0.2.1", kind="publishable"):
    return Principal("acct_1", False, kind, id_, address=address, rate_per_s=rate, burst=burst)


def test_the_twenty_first_instant_request_waits():
    clock = Clock()
    gcra = Gcra(now_ns=clock)
    assert [gcra.wait_ns("a", rate=10, burst=20) for _ in range(20)] == [0] * 20
    assert gcra.wait_ns("a", rate=10, burst=20) == S // 10
    clock.now += S // 10 - 1
    assert gcra.wait_ns("a", rate=10, burst=20) == 1
    clock.now += 1
    assert gcra.wait_ns("a", rate=10, burst=20) == 0
    assert gcra.wait_ns("a", rate=10, burst=20) == S // 10


def test_a_refused_request_costs_nothing():
    clock = Clock()
    gcra = Gcra(now_ns=clock)
    for _ in range(20):
        gcra.wait_ns("a", rate=10, burst=20)
    for _ in range(1000):
        assert gcra.wait_ns("a", rate=10, burst=20)
    clock.now += S
    assert sum(not gcra.wait_ns("a", rate=10, burst=20) for _ in range(100)) == 10


@given(
    rate=st.integers(1, 5000), burst=st.integers(1, 500), gaps=st.lists(st.integers(0, 2 * S), min_size=1, max_size=60)
)
def test_never_more_than_burst_plus_rate_times_time(rate, burst, gaps):
    clock = Clock()
    gcra = Gcra(now_ns=clock)
    start, taken = clock.now, 0
    for gap in gaps:
        clock.now += gap
        taken += gcra.wait_ns("a", rate=rate, burst=burst) == 0
        interval = S // rate
        assert taken <= burst + (clock.now - start) // interval


def test_memory_is_bounded_and_a_flood_of_addresses_lifts_no_limit():
    clock = Clock()
    gcra = Gcra(now_ns=clock, maximum=100)
    admitted = sum(not gcra.wait_ns(f"a{n}", rate=10, burst=1) for n in range(10_000))
    assert len(gcra) <= 101
    assert admitted == 101  # a hundred of their own, and one of the bucket that all others share
    clock.now += S
    assert gcra.wait_ns("new", rate=10, burst=1) == 0
    assert len(gcra) <= 101


def test_key_and_address_are_limited_apart():
    clock = Clock()
    limits = Limits(now_ns=clock)
    for n in range(20):
        limits.admit(principal(id_=f"key_{n}"), GET, {})
    with pytest.raises(Refusal) as refused:
        limits.admit(principal(id_="key_other"), GET, {})
    assert refused.value.kind is Kind.RATE_LIMITED
    assert refused.value.reason == "global-rate"
    assert refused.value.retry_after_s == 1
    limits.admit(principal(id_="key_other", address="192.0.2.2"), GET, {})


def test_failed_authentications_have_a_limit_of_their_own():
    clock = Clock()
    limits = Limits(now_ns=clock)
    for _ in range(20):
        limits.failures_left("192.0.2.1")
        limits.failed("192.0.2.1")
    with pytest.raises(Refusal):
        limits.failures_left("192.0.2.1")
    limits.failures_left("192.0.2.2")
    limits.admit(principal(), GET, {})
    clock.now += S
    limits.failures_left("192.0.2.1")


def test_requests_under_way_are_bounded_per_key_and_in_all():
    limits = Limits()
    mine = principal(kind="secret")
    for _ in range(MAX_AT_ONCE_PER_KEY):
        limits.enter(mine, GET)
    with pytest.raises(Refusal) as refused:
        limits.enter(mine, GET)
    assert (refused.value.kind, refused.value.reason) == (Kind.RATE_LIMITED, "global-concurrency")
    others = [principal(kind="secret", id_=f"other_{n}") for n in range(MAX_AT_ONCE - MAX_AT_ONCE_PER_KEY)]
    for other in others:
        limits.enter(other, GET)
    with pytest.raises(Refusal) as refused:
        limits.enter(principal(kind="secret", id_="key_last"), GET)
    assert refused.value.kind is Kind.UNAVAILABLE
    limits.leave(mine, GET)
    limits.enter(others[0], GET)


def test_a_publishable_key_is_limited_for_each_address_apart():
    clock = Clock()
    limits = Limits(now_ns=clock)
    for _ in range(20):
        limits.admit(principal(), GET, {})
    with pytest.raises(Refusal):
        limits.admit(principal(), GET, {})
    limits.admit(principal(address="192.0.2.2"), GET, {})


def test_a_key_may_search_for_a_fifth_of_its_requests():
    clock = Clock()
    limits = Limits(now_ns=clock)
    mine = principal(kind="secret", rate=100, burst=100)
    for _ in range(20):
        limits.admit(mine, SEARCH, {})
    with pytest.raises(Refusal) as refused:
        limits.admit(mine, SEARCH, {})
    assert (refused.value.kind, refused.value.reason, refused.value.code) == (
        Kind.RATE_LIMITED, "endpoint-rate", "rate_limit",
    )  # fmt: skip
    limits.admit(mine, GET, {})


def test_searches_under_way_are_bounded():
    limits = Limits()
    mine = principal(kind="secret", burst=100)
    for _ in range(10):
        limits.enter(mine, SEARCH)
    with pytest.raises(Refusal) as refused:
        limits.enter(mine, SEARCH)
    assert refused.value.reason == "endpoint-concurrency"
    limits.enter(mine, GET)
    limits.leave(mine, SEARCH)
    limits.enter(mine, SEARCH)


def test_one_object_is_changed_a_thousand_times_an_hour_at_most():
    clock = Clock()
    limits = Limits(now_ns=clock)
    mine = principal(kind="secret", rate=100_000, burst=100_000)
    for _ in range(1000):
        limits.admit(mine, CHANGE, {"thing": "thing_1"})
    with pytest.raises(Refusal) as refused:
        limits.admit(mine, CHANGE, {"thing": "thing_1"})
    assert (refused.value.reason, refused.value.retry_after_s) == ("resource-specific", 4)
    limits.admit(mine, CHANGE, {"thing": "thing_2"})
    clock.now += 4 * S
    limits.admit(mine, CHANGE, {"thing": "thing_1"})


@pytest.mark.parametrize("kind", ["publishable", "ephemeral"])
def test_a_shopper_cannot_use_up_the_changes_that_the_merchants_server_may_make(kind):
    """Whoever knows an intent's id could else keep its capture from happening, without even its client secret."""
    limits = Limits(now_ns=Clock())
    shopper = principal(kind=kind, rate=100_000, burst=100_000)
    for _ in range(1000):
        limits.admit(shopper, CHANGE, {"thing": "thing_1"})
    with pytest.raises(Refusal):
        limits.admit(shopper, CHANGE, {"thing": "thing_1"})
    server = principal(kind="secret", id_="key_2", address="192.0.2.2", rate=100_000, burst=100_000)
    limits.admit(server, CHANGE, {"thing": "thing_1"})
    limits.admit(principal(kind=kind, address="192.0.2.3", rate=100_000, burst=100_000), CHANGE, {"thing": "thing_1"})
