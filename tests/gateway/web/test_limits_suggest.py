"""Suggested limits: what a candidate would have refused is what a bucket of that size refuses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.web.limits_buckets import NS, Gcra
from lockgate.gateway.web.limits_suggest import BURSTS, RATES, candidates, peaks, refused, weigh
from lockgate.gateway.web.limits_traffic import Traffic, unpacked
from lockgate.kernel.principal import Principal

SERIES = st.dictionaries(st.integers(1_000, 1_300), st.integers(1, 300), max_size=30)


def replayed(series, *, rate, burst):
    now = 0
    gcra = Gcra(now_ns=lambda: now)
    over = 0
    for second, count in sorted(series.items()):
        now = second * NS
        over += sum(gcra.wait_ns("x", rate=rate, burst=burst) > 0 for _ in range(count))
    return over


@given(series=SERIES, rate=st.integers(1, 500), burst=st.integers(1, 200))
def test_a_replay_refuses_what_the_bucket_refuses(series, rate, burst):
    assert refused(series, rate=rate, burst=burst) == replayed(series, rate=rate, burst=burst)


@given(series=SERIES, burst=st.sampled_from(BURSTS))
def test_a_higher_rate_never_refuses_more(series, burst):
    shares = [refused(series, rate=rate, burst=burst) for rate in RATES]
    assert shares == sorted(shares, reverse=True)


@given(st.lists(SERIES, max_size=4), st.sampled_from([0.0, 0.001, 0.05]))
def test_candidates_keep_their_word_and_no_lower_rate_would(buckets, most):
    for one in candidates(buckets, most=most):
        assert one.refused <= most * one.asked
        assert one == weigh(buckets, rate=one.rate, burst=one.burst)
        place = RATES.index(one.rate)
        if place:
            assert weigh(buckets, rate=RATES[place - 1], burst=one.burst).refused > most * one.asked


def test_steady_traffic_with_a_daily_burst():
    series = dict.fromkeys(range(10_000, 13_600), 8)
    series[11_000] = 180
    tightest = candidates([series], most=0.0)[0]
    assert (tightest.rate, tightest.burst, tightest.refused) == (10, 200, 0)
    loose = candidates([series], most=0.01)[0]
    assert loose.rate * 60 + loose.burst <= tightest.rate * 60 + tightest.burst
    assert 0 < loose.share <= 0.01
    assert weigh([series], rate=5, burst=10).share == pytest.approx(0.375, abs=0.02)


def test_of_nothing_nothing_is_suggested():
    assert candidates([]) == candidates([{}]) == []
    assert weigh([], rate=1, burst=1).share == 0.0
    assert peaks([]) == (0, 0)


def test_peaks_by_second_and_minute():
    assert peaks([{60: 3, 119: 4, 120: 6}, {61: 5}]) == (6, 7)


@given(st.lists(st.tuples(st.integers(0, 8_000), st.integers(1, 5)), max_size=40))
def test_what_is_recorded_can_be_read_again(steps):
    now = 1_800_000_000
    traffic = Traffic(now=lambda: now)
    who = Principal("acct_1", False, "secret", "key_1", address="192.0.2.1")
    expected, rows = {}, []
    for gap, count in steps:
        now += gap
        for _ in range(count):
            traffic.note(who, "standard", refused=False)
        expected[now] = expected.get(now, 0) + count
        rows += traffic.take()
    now += 1
    rows += traffic.take()
    found = {}
    for heard in rows:
        for second, count in unpacked(heard.row).items():
            found[second] = found.get(second, 0) + count
    assert found == expected
    assert traffic.take() == []


def test_shoppers_are_told_apart_by_a_hash_and_servers_are_not():
    now = 1_800_000_000
    traffic = Traffic(key=b"k", now=lambda: now)
    for address in ("192.0.2.1", "192.0.2.2"):
        for kind in ("publishable", "secret"):
            traffic.note(Principal("acct_1", False, kind, kind, address=address), "payment", refused=False)
    now += 1
    heard = traffic.take()
    assert sorted((one.row.subject, one.row.asked) for one in heard) == [
        ("publishable", 1), ("publishable", 1), ("secret", 2),
    ]  # fmt: skip
    senders = {one.row.sender for one in heard}
    assert len(senders) == 3 and "" in senders
    assert not any("192" in sender for sender in senders)


def test_a_shopper_with_a_whole_network_of_addresses_is_one_series():
    now = 1_800_000_000
    traffic = Traffic(key=b"k", now=lambda: now)
    for host in range(200):
        who = Principal("acct_1", False, "publishable", "pk", address=f"2001:db8::{host:x}")
        traffic.note(who, "payment", refused=False)
    now += 1
    assert [one.row.asked for one in traffic.take()] == [200]
