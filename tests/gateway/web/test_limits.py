"""The limiter, to the nanosecond, with a clock of the test's own."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.web.limits import MAX_AT_ONCE, Limits
from lockgate.gateway.web.limits_buckets import SWEEP_EVERY_NS, Ask, Buckets, Gcra
from lockgate.gateway.web.limits_rules import AT_ONCE, OPEN_DEFAULTS
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
PAY = operation(name="thing.pay", method="POST", path="/v1/things", access="write", audit="thing.pay", limit="payment")
SEARCH = operation(name="thing.search", form="search", limit="search")
CHANGE = operation(name="thing.update", method="POST", path="/v1/things/{thing}", access="write", audit="thing.update")


class Clock:
    def __init__(self):
        self.now = 10 * S

    def __call__(self):
        return self.now


def principal(*, rate=10, burst=20, id_="key_1", address="192.0.2.1", kind="publishable", account="acct_1"):
    return Principal(account, False, kind, id_, address=address, rate_per_s=rate, burst=burst)


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


async def once(limits, who, what, path):
    """One request that comes and goes."""
    limits.leave(await limits.admit(who, what, path))


async def test_key_and_address_are_limited_apart():
    clock = Clock()
    limits = Limits(now_ns=clock)
    for n in range(20):
        await once(limits, principal(id_=f"key_{n}"), GET, {})
    with pytest.raises(Refusal) as refused:
        await once(limits, principal(id_="key_other"), GET, {})
    assert refused.value.kind is Kind.RATE_LIMITED
    assert refused.value.reason == "global-rate"
    assert refused.value.retry_after_s == 1
    await once(limits, principal(id_="key_other", address="192.0.2.2"), GET, {})


async def test_failed_authentications_have_a_limit_of_their_own():
    clock = Clock()
    limits = Limits(now_ns=clock)
    for _ in range(20):
        await limits.failures_left("192.0.2.1")
        await limits.failed("192.0.2.1")
    with pytest.raises(Refusal):
        await limits.failures_left("192.0.2.1")
    await limits.failures_left("192.0.2.2")
    await once(limits, principal(), GET, {})
    clock.now += S
    await limits.failures_left("192.0.2.1")


async def test_requests_under_way_are_bounded_per_key_account_and_in_all():
    limits = Limits(now_ns=Clock())
    wide = {"kind": "secret", "rate": 5000, "burst": 5000}
    held = [await limits.admit(principal(**wide), GET, {}) for _ in range(AT_ONCE["key"])]
    with pytest.raises(Refusal) as refused:
        await limits.admit(principal(**wide), GET, {})
    assert (refused.value.kind, refused.value.reason) == (Kind.RATE_LIMITED, "global-concurrency")
    for n in range(AT_ONCE["account"] - AT_ONCE["key"]):
        await limits.admit(principal(id_=f"other_{n}", **wide), GET, {})
    with pytest.raises(Refusal) as refused:
        await limits.admit(principal(id_="other", **wide), GET, {})
    assert (refused.value.kind, refused.value.reason) == (Kind.RATE_LIMITED, "global-concurrency")
    for n in range(MAX_AT_ONCE - AT_ONCE["account"]):
        await limits.admit(principal(id_=f"theirs_{n}", account="acct_2", **wide), GET, {})
    with pytest.raises(Refusal) as refused:
        await limits.admit(principal(id_="last", account="acct_3", **wide), GET, {})
    assert refused.value.kind is Kind.UNAVAILABLE
    assert refused.value.retry_after_s == 1
    limits.leave(held.pop())
    await limits.admit(principal(id_="last", account="acct_3", **wide), GET, {})


async def test_shoppers_leave_half_of_an_accounts_places_to_its_servers():
    limits = Limits(now_ns=Clock())
    for n in range(AT_ONCE["account"] // 2):
        await limits.admit(principal(address=f"10.0.{n // 250}.{n % 250}"), GET, {})
    with pytest.raises(Refusal):
        await limits.admit(principal(address="10.1.1.1"), GET, {})
    await limits.admit(principal(kind="secret", id_="key_server", rate=5000, burst=500), GET, {})


async def test_a_refused_request_takes_neither_room_nor_a_place():
    clock = Clock()
    limits = Limits(now_ns=clock)
    mine = principal(kind="secret", burst=20)
    for _ in range(20):
        limits.leave(await limits.admit(mine, GET, {}))
    for _ in range(300):
        with pytest.raises(Refusal) as refused:
            await limits.admit(mine, GET, {})
        assert refused.value.reason == "global-rate"  # never for its places: it holds none
    clock.now += S // 10
    limits.leave(await limits.admit(mine, GET, {}))


async def test_a_publishable_key_is_limited_for_each_address_apart():
    clock = Clock()
    limits = Limits(now_ns=clock)
    for _ in range(20):
        await once(limits, principal(), GET, {})
    with pytest.raises(Refusal):
        await once(limits, principal(), GET, {})
    await once(limits, principal(address="192.0.2.2"), GET, {})


async def test_a_key_may_search_for_a_fifth_of_its_requests():
    clock = Clock()
    limits = Limits(now_ns=clock)
    mine = principal(kind="secret", rate=100, burst=100)
    for _ in range(20):
        await once(limits, mine, SEARCH, {})
    with pytest.raises(Refusal) as refused:
        await once(limits, mine, SEARCH, {})
    assert (refused.value.kind, refused.value.reason, refused.value.code) == (
        Kind.RATE_LIMITED, "endpoint-rate", "rate_limit",
    )  # fmt: skip
    await once(limits, mine, GET, {})


async def test_searches_under_way_are_bounded():
    limits = Limits(now_ns=Clock())
    mine = principal(kind="secret", rate=100, burst=100)
    held = [await limits.admit(mine, SEARCH, {}) for _ in range(10)]
    with pytest.raises(Refusal) as refused:
        await limits.admit(mine, SEARCH, {})
    assert refused.value.reason == "endpoint-concurrency"
    await limits.admit(mine, GET, {})
    limits.leave(held.pop())
    await limits.admit(mine, SEARCH, {})


async def test_one_object_is_changed_a_thousand_times_an_hour_at_most():
    clock = Clock()
    limits = Limits(now_ns=clock)
    mine = principal(kind="secret", rate=100_000, burst=100_000)
    for _ in range(1000):
        await once(limits, mine, CHANGE, {"thing": "thing_1"})
    with pytest.raises(Refusal) as refused:
        await once(limits, mine, CHANGE, {"thing": "thing_1"})
    assert (refused.value.reason, refused.value.retry_after_s) == ("resource-specific", 4)
    await once(limits, mine, CHANGE, {"thing": "thing_2"})
    clock.now += 4 * S
    await once(limits, mine, CHANGE, {"thing": "thing_1"})


@pytest.mark.parametrize("kind", ["publishable", "ephemeral"])
async def test_a_shopper_cannot_use_up_the_changes_that_the_merchants_server_may_make(kind):
    """Whoever knows an intent's id could else keep its capture from happening, without even its client secret."""
    limits = Limits(now_ns=Clock())
    shopper = principal(kind=kind, rate=100_000, burst=100_000)
    for _ in range(1000):
        await once(limits, shopper, CHANGE, {"thing": "thing_1"})
    with pytest.raises(Refusal):
        await once(limits, shopper, CHANGE, {"thing": "thing_1"})
    server = principal(kind="secret", id_="key_2", address="192.0.2.2", rate=100_000, burst=100_000)
    await once(limits, server, CHANGE, {"thing": "thing_1"})
    other = principal(kind=kind, address="192.0.2.3", rate=100_000, burst=100_000)
    await once(limits, other, CHANGE, {"thing": "thing_1"})


async def test_the_twenty_first_payment_at_once_waits_for_each_key_and_each_address():
    clock = Clock()
    limits = Limits(now_ns=clock)
    mine = principal(kind="secret", rate=100, burst=100)
    for _ in range(20):
        await once(limits, mine, PAY, {})
    with pytest.raises(Refusal) as refused:
        await once(limits, mine, PAY, {})
    assert (refused.value.kind, refused.value.reason, refused.value.retry_after_s) == (
        Kind.RATE_LIMITED, "endpoint-rate", 1,
    )  # fmt: skip
    await once(limits, mine, GET, {})  # what is no payment goes on
    beside = principal(kind="secret", id_="key_2", rate=100, burst=100)
    with pytest.raises(Refusal):
        await once(limits, beside, PAY, {})  # the same address
    elsewhere = principal(kind="secret", id_="key_2", rate=100, burst=100, address="192.0.2.9")
    await once(limits, elsewhere, PAY, {})
    clock.now += S // 100 - 1
    with pytest.raises(Refusal):
        await once(limits, mine, PAY, {})
    clock.now += 1
    await once(limits, mine, PAY, {})
    with pytest.raises(Refusal):
        await once(limits, mine, PAY, {})


def test_all_buckets_of_a_request_are_taken_or_none():
    buckets = Buckets(now_ns=Clock())
    wide, narrow = Ask("a", "x", S, 10), Ask("b", "x", S, 3)
    taken = [buckets.take([wide, narrow]).wait_ns == 0 for _ in range(8)]
    assert taken == [True] * 3 + [False] * 5
    assert [buckets.take([wide]).wait_ns == 0 for _ in range(8)] == [True] * 7 + [False]


def test_a_bucket_that_only_watches_counts_and_never_refuses():
    clock = Clock()
    buckets = Buckets(now_ns=clock)
    watching = Ask("w", "x", S, 2, observer="rl_1")
    seen = [buckets.take([watching]) for _ in range(5)]
    assert [one.wait_ns for one in seen] == [0] * 5
    assert [one.over for one in seen] == [(), (), ("rl_1",), ("rl_1",), ("rl_1",)]
    clock.now += S
    assert buckets.take([watching]).over == ()


def test_what_was_drained_fills_up_again_at_its_rate():
    clock = Clock()
    buckets = Buckets(now_ns=clock)
    buckets.drain(clock.now)
    ask = Ask("a", "x", S // 10, 20)
    assert buckets.take([ask]).wait_ns == S // 10
    clock.now += S
    assert sum(buckets.take([ask]).wait_ns == 0 for _ in range(100)) == 10
    clock.now += 60 * S
    assert sum(buckets.take([Ask("a", "y", S // 10, 20)]).wait_ns == 0 for _ in range(100)) == 20


class Reference:
    """A bucket as a book explains it: tokens that come back one by one, in exact fractions."""

    def __init__(self, interval, burst, at):
        self.interval, self.burst, self.tokens, self.at = interval, burst, Fraction(burst), at

    def settle(self, now):
        self.tokens = min(Fraction(self.burst), self.tokens + Fraction(now - self.at, self.interval))
        self.at = now

    def has_room(self):
        return self.tokens >= 1


@given(
    sizes=st.lists(st.tuples(st.integers(1, S), st.integers(1, 30)), min_size=1, max_size=4),
    steps=st.lists(
        st.tuples(st.one_of(st.just(0), st.integers(0, 3 * S)), st.sets(st.integers(0, 3), min_size=1)), max_size=80
    ),
)
def test_mixed_buckets_admit_what_the_reference_admits(sizes, steps):
    clock = Clock()
    buckets = Buckets(now_ns=clock)
    references = [Reference(interval, burst, clock.now) for interval, burst in sizes]
    for gap, chosen in steps:
        clock.now += gap
        places = [place for place in chosen if place < len(sizes)]
        asks = [Ask(f"f{place}", "x", *sizes[place]) for place in places]
        for reference in references:
            reference.settle(clock.now)
        expected = all(references[place].has_room() for place in places)
        assert (buckets.take(asks).wait_ns == 0) == expected
        if expected:
            for place in places:
                references[place].tokens -= 1


@given(interval=st.integers(1, S), burst=st.integers(1, 50), taken=st.integers(0, 60), gap=st.integers(0, S))
def test_the_wait_that_is_told_is_the_wait_that_it_takes(interval, burst, taken, gap):
    clock = Clock()
    buckets = Buckets(now_ns=clock)
    ask = Ask("a", "x", interval, burst)
    for _ in range(taken):
        buckets.take([ask])
    clock.now += gap
    wait = buckets.look(ask)
    if wait:
        clock.now += wait - 1
        assert buckets.take([ask]).wait_ns == 1
        clock.now += 1
    assert buckets.take([ask]).wait_ns == 0


async def test_the_same_wrong_key_from_many_places_is_looked_up_no_more():
    limits = Limits(now_ns=Clock())
    for n in range(20):
        await limits.failed(f"192.0.2.{n}", "sk_test_wrong")
    with pytest.raises(Refusal):
        await limits.failures_left("198.51.100.1", "sk_test_wrong")
    await limits.failures_left("198.51.100.1", "sk_test_other")
    await limits.failures_left("192.0.2.1", "sk_test_other")


@pytest.mark.parametrize("cls", sorted(OPEN_DEFAULTS))
async def test_what_comes_without_a_key_is_limited_by_address_and_class(cls):
    clock = Clock()
    limits = Limits(now_ns=clock)
    rate, per_s, burst = OPEN_DEFAULTS[cls]
    for _ in range(burst):
        await limits.admit_from(cls, "192.0.2.1")
    with pytest.raises(Refusal):
        await limits.admit_from(cls, "192.0.2.1")
    await limits.admit_from(cls, "192.0.2.2")
    for other in OPEN_DEFAULTS.keys() - {cls}:
        await limits.admit_from(other, "192.0.2.1")
    clock.now += per_s * S // rate
    await limits.admit_from(cls, "192.0.2.1")


def test_a_flood_does_not_look_through_all_buckets_for_each_newcomer():
    clock = Clock()
    gcra = Gcra(now_ns=clock, maximum=1)
    gcra.wait_ns("a", rate=1, burst=1)
    gcra.wait_ns("b", rate=1, burst=1)
    clock.now += SWEEP_EVERY_NS - 1
    assert gcra.wait_ns("c", rate=1, burst=1) > 0  # the others' bucket, which b has used up
