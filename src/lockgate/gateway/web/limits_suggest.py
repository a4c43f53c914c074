"""Which limits would have fitted recorded traffic: each candidate is run over it again, exactly. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from lockgate.gateway.web.limits_buckets import NS

BURSTS = (5, 10, 20, 50, 100, 200, 500, 1_000)
RATES = (1, 2, 3, 5, 10, 15, 20, 30, 50, 75, 100, 150, 200, 300, 500, 1_000, 2_000, 5_000)
DEFAULT_SHARE = 0.001  # of legitimate requests, the most that a suggested limit would have refused
Second = Mapping[int, int]


class Candidate(NamedTuple):
    """A limit, and what it would have done: of ``asked`` requests it would have refused ``refused``."""

    rate: int
    burst: int
    asked: int
    refused: int

    @property
    def share(self) -> float:
        return self.refused / self.asked if self.asked else 0.0


def refused(series: Second, *, rate: int, burst: int) -> int:
    """How many requests of one bucket a limit would have refused.

    Requests of one second count as sent in its first instant, the hardest that they can have been: the answer is
    never too small.
    """
    interval = NS // rate
    until = over = 0
    for second, count in sorted(series.items()):
        now = second * NS
        start = max(now, until)
        room = burst - -(-(start - now) // interval)  # exactly the requests that start + n * interval lets through
        taken = max(0, min(count, room))
        until = start + taken * interval
        over += count - taken
    return over


def candidates(buckets: Iterable[Second], *, most: float = DEFAULT_SHARE) -> Sequence[Candidate]:
    """For each burst the least rate that refuses at most ``most`` of all requests; tightest limit first.

    The tightest is the one that lets the least through in a minute.
    """
    series = [bucket for bucket in buckets if bucket]
    asked = sum(sum(bucket.values()) for bucket in series)
    if not asked:
        return []
    found = []
    for burst in BURSTS:
        fitting = _least_rate(series, asked, burst=burst, most=most)
        if fitting is not None:
            found.append(fitting)
    return sorted(found, key=lambda one: (one.rate * 60 + one.burst, one.burst))


def weigh(buckets: Iterable[Second], *, rate: int, burst: int) -> Candidate:
    """What one limit would have done."""
    series = [bucket for bucket in buckets if bucket]
    over = sum(refused(bucket, rate=rate, burst=burst) for bucket in series)
    return Candidate(rate, burst, sum(sum(bucket.values()) for bucket in series), over)


def peaks(buckets: Iterable[Second]) -> tuple[int, int]:
    """The most requests of one bucket in a second, and in a minute of the clock."""
    second = minute = 0
    for bucket in buckets:
        by_minute: dict[int, int] = {}
        for at, count in bucket.items():
            by_minute[at // 60] = by_minute.get(at // 60, 0) + count
        second = max(second, max(bucket.values(), default=0))
        minute = max(minute, max(by_minute.values(), default=0))
    return second, minute


def _least_rate(series: Sequence[Second], asked: int, *, burst: int, most: float) -> Candidate | None:
    low, high = 0, len(RATES) - 1
    best = None
    while low <= high:  # a higher rate never refuses more
        middle = (low + high) // 2
        tried = weigh(series, rate=RATES[middle], burst=burst)
        if tried.refused <= most * asked:
            best, high = tried, middle - 1
        else:
            low = middle + 1
    return best
