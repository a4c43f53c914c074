"""Days in UTC seconds: when a payout arrives, and when the next automatic one is due."""

from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

DAY_S = 24 * 3600
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
INTERVALS = ("manual", "daily", "weekly", "monthly")
_SATURDAY = 5


class Rhythm(NamedTuple):
    """How often money is paid out. ``anchor`` is a word of WEEKDAYS for weekly, a day of the month for monthly."""

    interval: str
    anchor: str | None = None


def arrival(now: int, *, days: int) -> int:
    """Midnight ``days`` banking days after the day of ``now``; at least one. Banks rest on Saturday and Sunday."""
    day = _day(now)
    for _ in range(max(days, 1)):
        day += timedelta(days=1)
        while day.weekday() >= _SATURDAY:
            day += timedelta(days=1)
    return _midnight(day)


def next_due(rhythm: Rhythm, *, after: int) -> int | None:
    """The first midnight later than ``after`` at which money is paid out; None when it never is by itself.

    A day that a month does not have is its last day.
    """
    day = _day(after) + timedelta(days=1)
    if rhythm.interval == "manual":
        return None
    if rhythm.interval == "weekly":
        assert rhythm.anchor is not None, "a weekly rhythm names its day"
        day += timedelta(days=(WEEKDAYS.index(rhythm.anchor) - day.weekday()) % 7)
    elif rhythm.interval == "monthly":
        assert rhythm.anchor is not None, "a monthly rhythm names its day"
        while day.day != min(int(rhythm.anchor), _last_of_month(day)):
            day += timedelta(days=1)
    return _midnight(day)


def _day(now: int) -> date:
    return datetime.fromtimestamp(now, UTC).date()


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _last_of_month(day: date) -> int:
    following = day.replace(day=28) + timedelta(days=4)
    return (following - timedelta(days=following.day)).day
