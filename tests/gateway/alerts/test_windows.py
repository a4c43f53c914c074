"""The sliding window against brute force: every order, every threshold, at the very boundary."""

from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.gateway.alerts.core.windows import State, step

MINUTE = 60_000


def fires(times, *, threshold=5, window_ms=MINUTE, quiet_ms: int | None = MINUTE):
    state, fired = State(), []
    for at in times:
        result = step(state, at, threshold=threshold, window_ms=window_ms, quiet_ms=quiet_ms)
        state = result.state
        if result.fired:
            fired.append(at)
    return fired


def brute(times, *, threshold, window_ms, quiet_ms):
    """From the words of the rule alone: the first full window opens; it ends before the first gap of ``quiet_ms``."""
    fired, begin = [], 0
    for place, at in enumerate(times):
        if place < begin:
            continue
        within = [other for other in times[begin : place + 1] if at - other < window_ms]
        if len(within) < threshold:
            continue
        fired.append(at)
        begin = next((n for n in range(place + 1, len(times)) if times[n] - times[n - 1] >= quiet_ms), len(times))
    return fired


def test_five_within_a_minute_fire_and_four_do_not():
    assert fires([0, 1, 2, 3]) == []
    assert fires([0, 1, 2, 3, 59_999]) == [59_999]
    assert fires([0, 1, 2, 3, 60_000]) == []
    assert fires([0, 15_000, 30_000, 45_000, 59_999]) == [59_999]
    assert fires([0, 0, 0, 0, 0]) == [0]
    assert fires([0, 20_000, 40_000, 60_000, 79_999, 79_999]) == [79_999]


def test_a_burst_fires_once_and_a_new_one_after_a_quiet_minute_again():
    burst = list(range(0, 10_000, 500))
    assert len(fires(burst)) == 1
    assert len(fires([*burst, *[burst[-1] + MINUTE + n for n in range(5)]])) == 2
    assert len(fires([*burst, *[burst[-1] + MINUTE - 1 + n for n in range(5)]])) == 1
    assert len(fires([*burst, 10**9, *[10**9 + n for n in range(9)]], quiet_ms=None)) == 1


@settings(max_examples=600)
@given(
    st.lists(st.integers(0, 400), min_size=0, max_size=40), st.integers(1, 6), st.integers(1, 80), st.integers(1, 80)
)
def test_like_brute_force(times, threshold, window, quiet):
    ordered = sorted(times)
    options = {"threshold": threshold, "window_ms": window, "quiet_ms": quiet}
    assert fires(ordered, **options) == brute(ordered, **options)


@settings(max_examples=300)
@given(st.lists(st.integers(0, 200), min_size=1, max_size=12), st.randoms(), st.integers(1, 5), st.integers(1, 60))
def test_whether_it_fires_does_not_depend_on_the_order_in_which_it_hears(times, random, threshold, window):
    ordered = sorted(times)
    full = any(ordered[n + threshold - 1] - ordered[n] < window for n in range(len(ordered) - threshold + 1))
    shuffled = list(ordered)
    random.shuffle(shuffled)
    assert bool(fires(shuffled, threshold=threshold, window_ms=window, quiet_ms=None)) == full


@pytest.mark.parametrize("order", list(permutations([0, 10_000, 20_000, 59_999, 30_000]))[::7])
def test_five_in_any_order_fire_once(order):
    assert len(fires(order)) == 1


def test_a_window_keeps_no_more_than_it_needs():
    state = State()
    for n in range(1000):
        state = step(state, n * 20_000, threshold=5, window_ms=MINUTE, quiet_ms=MINUTE).state
        assert len(state.pending) <= 8
