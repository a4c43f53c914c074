"""How failed sign-ins are counted and when they lock: after ten, for half an hour at first. Pure."""

from typing import NamedTuple

LIMIT = 10  # PCI DSS 8.3.4
LOCK_S = 30 * 60
LONGEST_LOCK_S = 24 * 3600
FORGOTTEN_AFTER_S = 24 * 3600


class Rule(NamedTuple):
    """``window_s``: failures count together that lie within it; None: until a success or a day of quiet.

    With ``grows`` each lock that follows on another is twice as long.
    """

    window_s: int | None
    grows: bool


# Whoever is guessed at keeps the count until they get in; behind one address may sit a whole office.
PERSON = Rule(None, grows=True)
PLACE = Rule(None, grows=True)
ADDRESS = Rule(LOCK_S, grows=False)


class Failures(NamedTuple):
    """What is kept of one bucket: tries that have failed or are still being looked at, and since when it is locked."""

    failures: int
    locks: int
    began: int
    last_at: int
    locked_until: int | None

    def locked(self, now: int) -> bool:
        """Whether nobody gets in by a password through this bucket."""
        return self.locked_until is not None and self.locked_until > now


class Tried(NamedTuple):
    """Whether a try may go on, and what is kept. ``locks``: this is the last one, unless it turns out to be right."""

    allowed: bool
    kept: Failures
    locks: bool


def attempt(rule: Rule, before: Failures | None, now: int) -> Tried:
    """Count one try before its password is looked at, so that many at once are no more than one after another."""
    if before is not None and before.locked(now):
        return Tried(False, before._replace(last_at=now), False)
    fresh = before is None or max(before.last_at, before.locked_until or 0) <= now - FORGOTTEN_AFTER_S
    over = before is not None and (
        before.locked_until is not None or (rule.window_s is not None and before.began <= now - rule.window_s)
    )
    if fresh or over or before is None:
        kept = Failures(1, 0 if fresh or before is None else before.locks, now, now, None)
    else:
        kept = before._replace(failures=before.failures + 1, last_at=now)
    if kept.failures < LIMIT:
        return Tried(True, kept, False)
    length = min(LOCK_S << min(kept.locks, 10), LONGEST_LOCK_S) if rule.grows else LOCK_S
    return Tried(True, kept._replace(locks=kept.locks + 1, locked_until=now + length), True)


def taken_back(kept: Failures) -> Failures:
    """The bucket as it is once a counted try turned out to be right: an address forgets that one, and no other."""
    failures = max(0, kept.failures - 1)
    if kept.locked_until is not None and failures < LIMIT:
        return kept._replace(failures=failures, locks=max(0, kept.locks - 1), locked_until=None)
    return kept._replace(failures=failures)
