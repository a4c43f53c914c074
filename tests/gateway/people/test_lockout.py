"""Failures are counted before passwords are looked at, lock for half an hour at least, and are forgotten in the end."""

from hypothesis import given
from hypothesis import strategies as st

from lockgate.gateway.people.core import lockout
from lockgate.gateway.people.core.lockout import ADDRESS, LIMIT, LOCK_S, PERSON, Failures, attempt, taken_back

NOW = 1_790_000_000


def fail(rule, times, kept=None, now=NOW, step=0):
    allowed = []
    for _ in range(times):
        tried = attempt(rule, kept, now)
        kept = tried.kept
        allowed.append(tried.allowed)
        now += step
    return allowed, kept


def test_ten_tries_are_let_through_and_no_more():
    for rule in (PERSON, ADDRESS):
        allowed, kept = fail(rule, 13)
        assert allowed == [True] * LIMIT + [False] * 3
        assert kept.locked(NOW + LOCK_S - 1) and not kept.locked(NOW + LOCK_S)


def test_after_the_lock_counting_begins_anew_and_the_next_lock_is_longer():
    _, kept = fail(PERSON, LIMIT)
    later = NOW + LOCK_S
    allowed, kept = fail(PERSON, LIMIT + 1, kept, later)
    assert allowed == [True] * LIMIT + [False]
    assert kept.locked_until == later + 2 * LOCK_S
    lengths = []
    for _ in range(8):
        later = kept.locked_until
        _, kept = fail(PERSON, LIMIT, kept, later)
        lengths.append(kept.locked_until - later)
    assert lengths[-1] == lockout.LONGEST_LOCK_S and lengths == sorted(lengths)


def test_an_address_is_never_locked_for_longer_than_the_first_time():
    kept, now = None, NOW
    for _ in range(4):
        _, kept = fail(ADDRESS, LIMIT, kept, now)
        assert kept.locked_until == now + LOCK_S
        now = kept.locked_until


def test_slow_guessing_at_one_person_adds_up_and_at_an_address_it_does_not():
    assert fail(PERSON, 12, step=1000)[0].count(False) > 0
    assert all(fail(ADDRESS, 40, step=201)[0])


def test_a_day_of_quiet_forgets():
    _, kept = fail(PERSON, LIMIT - 1)
    tried = attempt(PERSON, kept, NOW + lockout.FORGOTTEN_AFTER_S)
    assert tried.kept.failures == 1 and tried.kept.locks == 0


def test_a_lock_is_not_made_longer_by_trying_on():
    _, kept = fail(PERSON, LIMIT)
    assert fail(PERSON, 500, kept, NOW + 5)[1].locked_until == kept.locked_until


def test_a_right_try_is_taken_back_with_the_lock_that_it_began():
    _, kept = fail(ADDRESS, LIMIT)
    freed = taken_back(kept)
    assert freed.failures == LIMIT - 1 and freed.locked_until is None and freed.locks == 0
    assert taken_back(Failures(0, 0, NOW, NOW, None)).failures == 0


@given(st.lists(st.tuples(st.integers(0, 4000), st.booleans()), max_size=200))
def test_in_any_stretch_that_ends_no_lock_at_most_ten_wrong_ones_get_through(steps):
    """Right ones, taken back at once, change nothing for the wrong ones."""
    kept, now, since = None, NOW, 0
    for step, right in steps:
        now += step
        before = kept
        tried = attempt(PERSON, kept, now)
        kept = tried.kept
        if before is not None and (kept.failures == 1 and tried.allowed):
            since = 0
        if tried.allowed and right:
            kept = taken_back(kept)
        elif tried.allowed:
            since += 1
        assert since <= LIMIT
        assert tried.allowed or (before is not None and before.locked(now))
