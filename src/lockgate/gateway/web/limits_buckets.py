"""The buckets of one process: the generic cell rate algorithm in whole nanoseconds, all of a request's or none."""

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from lockgate.kernel import clock

NS = 1_000_000_000
MAX_BUCKETS = 50_000
SWEEP_EVERY_NS = NS // 10
OTHERS = "*"  # the bucket of all who come when there are too many


def monotonic_ns() -> int:
    """Nanoseconds that never run backwards."""
    return round(clock.monotonic() * NS)


class Ask(NamedTuple):
    """Room for one request in one bucket. Buckets of one ``family`` are bounded together.

    ``interval_ns`` is the time in which one request's room comes back. ``observer`` is the rule that only watches, if
    it is one: then the bucket is counted in and never refuses.
    """

    family: str
    bucket: str
    interval_ns: int
    burst: int
    reason: str = "global-rate"
    observer: str | None = None

    @property
    def name(self) -> str:
        """What the bucket is called where all families share one space."""
        return f"{self.family}|{self.bucket}"


class Verdict(NamedTuple):
    """``wait_ns`` is 0 when the request was taken; else how long until there is room in the fullest bucket."""

    wait_ns: int
    reason: str
    over: tuple[str, ...]  # rules that only watch, and would have refused


TAKEN = Verdict(0, "", ())


class Gcra:
    """One family: per bucket one number, the time at which it will be empty again.

    A bucket at rest admits ``burst`` requests at once, then one every 1/rate s: exactly, in whole nanoseconds. Buckets
    at rest are forgotten; when too many are busy, newcomers share one, so that no flood of addresses lifts the limit.
    """

    __slots__ = ("_busy_until", "_maximum", "_now", "_sweep_from_ns", "drained_ns", "longest_ns", "recall")

    def __init__(self, *, now_ns: Callable[[], int] = monotonic_ns, maximum: int = MAX_BUCKETS) -> None:
        self._busy_until: dict[str, int] = {}
        self._now = now_ns
        self._maximum = maximum
        self._sweep_from_ns = 0
        self.drained_ns: int | None = None  # what has no bucket of its own was used up then
        self.longest_ns: int | None = None  # save where it would take longer than this to fill up again
        self.recall: Callable[[str], int | None] | None = None  # knows buckets from before a restart

    def wait_ns(self, bucket: str, *, rate: int, burst: int, per_s: int = 1, take: bool = True) -> int:
        """0 and one request taken, or how long until there is room. ``take=False`` only looks."""
        now, interval = self._now(), per_s * NS // rate
        over, bucket = self.over(bucket, now, interval_ns=interval, burst=burst)
        if over <= 0 and take:
            self.take(bucket, now, interval_ns=interval, burst=burst)
        return max(0, over)

    def over(self, bucket: str, now: int, *, interval_ns: int, burst: int) -> tuple[int, str]:
        """How long until there is room (0 or less: there is), and the bucket that counts: its own, or the others'."""
        until = self._busy_until.get(bucket)
        if until is None:
            if len(self._busy_until) >= self._maximum:
                bucket = self._make_room(now, bucket)
                until = self._busy_until.get(bucket)
            if until is None:
                until = self._before(bucket, interval_ns, burst)
        if until is None or until < now:
            return (1 - burst) * interval_ns, bucket
        return until - now - (burst - 1) * interval_ns, bucket

    def take(self, bucket: str, now: int, *, interval_ns: int, burst: int) -> None:
        """One request's room. There must be some."""
        until = self._busy_until.get(bucket)
        if until is None:
            until = self._before(bucket, interval_ns, burst)
        self._busy_until[bucket] = (now if until is None or until < now else until) + interval_ns

    def busy(self, since_ns: int) -> Iterator[tuple[str, int]]:
        """Buckets that are busy beyond ``since_ns``."""
        return ((name, until) for name, until in self._busy_until.items() if until > since_ns)

    def __len__(self) -> int:
        return len(self._busy_until)

    def _before(self, bucket: str, interval_ns: int, burst: int) -> int | None:
        """Until when a bucket that is new here is busy already."""
        until = None if self.recall is None else self.recall(bucket)
        if until is not None or self.drained_ns is None:
            return until
        whole = burst * interval_ns
        return None if self.longest_ns is not None and whole > self.longest_ns else self.drained_ns + whole

    def _make_room(self, now: int, bucket: str) -> str:
        if now < self._sweep_from_ns:  # looking through all of them is not for every newcomer of a flood
            return OTHERS
        self._sweep_from_ns = now + SWEEP_EVERY_NS
        self._busy_until = {name: until for name, until in self._busy_until.items() if until > now}
        return bucket if len(self._busy_until) < self._maximum else OTHERS


class Buckets:
    """All families of one process."""

    def __init__(self, *, now_ns: Callable[[], int] = monotonic_ns, maximum: int = MAX_BUCKETS) -> None:
        self.now = now_ns
        self._maximum = maximum
        self.taken = 0
        self._drained_ns: int | None = None
        self._spare: frozenset[str] = frozenset()
        self._longest_ns: int | None = None
        self._recall: Callable[[str, str], int | None] | None = None
        self._families: dict[str, Gcra] = {}

    def take(self, asks: Sequence[Ask]) -> Verdict:
        """Room for one request in every bucket, or in none: a refused request costs nothing anywhere."""
        now = self.now()
        worst, reason = 0, ""
        watched: list[str] = []
        takes: list[tuple[Gcra, str, int, int]] = []
        for family, bucket, interval, burst, why, observer in asks:
            gcra = self._families.get(family) or self._family(family)
            over, counted = gcra.over(bucket, now, interval_ns=interval, burst=burst)
            if over <= 0:
                takes.append((gcra, counted, interval, burst))
            elif observer is not None:
                watched.append(observer)
            elif over > worst:
                worst, reason = over, why
        if worst:
            return Verdict(worst, reason, tuple(watched))
        self.taken += 1
        for gcra, bucket, interval, burst in takes:
            gcra.take(bucket, now, interval_ns=interval, burst=burst)
        return Verdict(0, "", tuple(watched)) if watched else TAKEN

    def look(self, ask: Ask) -> int:
        """How long until there is room, without taking it."""
        gcra = self._families.get(ask.family) or self._family(ask.family)
        return max(0, gcra.over(ask.bucket, self.now(), interval_ns=ask.interval_ns, burst=ask.burst)[0])

    def drain(self, at_ns: int, *, spare: Collection[str] = (), longest_ns: int | None = None) -> None:
        """Whatever has no bucket yet counts as used up at ``at_ns``: others may have used it, or it was forgotten.

        Families in ``spare``, and buckets that take longer than ``longest_ns`` to fill up, begin full all the same.
        """
        self._drained_ns, self._spare, self._longest_ns = at_ns, frozenset(spare), longest_ns
        for name, gcra in self._families.items():
            self._prepare(name, gcra)

    def remember(self, recall: Callable[[str, str], int | None] | None) -> None:
        """Ask ``recall`` about buckets (family, bucket) that are new here; with None no longer."""
        self._recall = recall
        for name, gcra in self._families.items():
            self._prepare(name, gcra)

    def busy(self, since_ns: int) -> Iterator[tuple[str, str, int]]:
        """Family, bucket and end of what is busy beyond ``since_ns``."""
        for family, gcra in self._families.items():
            for bucket, until in gcra.busy(since_ns):
                yield family, bucket, until

    def clear(self) -> None:
        """Forget everything."""
        self._drained_ns = None
        self._families.clear()

    def _family(self, name: str) -> Gcra:
        gcra = self._families.get(name)
        if gcra is None:
            gcra = self._families[name] = Gcra(now_ns=self.now, maximum=self._maximum)
            self._prepare(name, gcra)
        return gcra

    def _prepare(self, name: str, gcra: Gcra) -> None:
        gcra.drained_ns = None if name in self._spare else self._drained_ns
        gcra.longest_ns = self._longest_ns
        gcra.recall = None if self._recall is None else partial(self._recall, name)
