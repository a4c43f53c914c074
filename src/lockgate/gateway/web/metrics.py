"""What this process has answered, counted: a few additions for each request, made into Prometheus text when asked."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from lockgate.kernel import clock
from lockgate.kernel.errors import Kind

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0)
NO_OPERATION = "none"


class Counts:
    """One process's counts. Operations are named by the table of operations, so that nobody can add a name."""

    __slots__ = ("_began_at", "_in_flight", "_refusals", "_replies", "_seconds", "_times")

    def __init__(self) -> None:
        self._replies: Counter[tuple[str, int]] = Counter()
        self._refusals: Counter[Kind] = Counter()
        self._times = [0] * (len(BUCKETS_S) + 1)
        self._seconds = 0.0
        self._in_flight = 0
        self._began_at = clock.now()

    def begin(self) -> float:
        """A request has come; what this gives is handed to ``end``."""
        self._in_flight += 1
        return clock.monotonic()

    def end(self, began: float, operation: str, status: int) -> None:
        """It was answered; ``operation`` is NO_OPERATION where its path meant none."""
        took = clock.monotonic() - began
        self._in_flight -= 1
        self._replies[operation, status // 100] += 1
        self._times[bisect_left(BUCKETS_S, took)] += 1
        self._seconds += took

    def gone(self) -> None:
        """A client left before it was answered."""
        self._in_flight -= 1

    def refused(self, kind: Kind) -> None:
        """A request was refused."""
        self._refusals[kind] += 1

    def families(self) -> Iterator[Any]:
        """All of it, for Prometheus."""
        replies = CounterMetricFamily(
            "lockgate_requests", "Requests answered, by operation and class of status.", labels=("operation", "status")
        )
        for (operation, hundreds), number in sorted(self._replies.items()):
            replies.add_metric((operation, f"{hundreds}xx"), number)
        yield replies
        refusals = CounterMetricFamily(
            "lockgate_refusals", "Requests refused, by the kind of refusal.", labels=("kind",)
        )
        for kind in Kind:
            refusals.add_metric((kind.name.lower(),), self._refusals[kind])
        yield refusals
        decisions = CounterMetricFamily(
            "lockgate_limiter_decisions", "What the rate limiter decided.", labels=("verdict",)
        )
        limited = self._refusals[Kind.RATE_LIMITED]
        decisions.add_metric(("refused",), limited)
        decisions.add_metric(("admitted",), max(0, sum(self._replies.values()) - limited))
        yield decisions
        times = HistogramMetricFamily("lockgate_request_seconds", "How long answers took.")
        total, buckets = 0, []
        for bound, number in zip((*map(str, BUCKETS_S), "+Inf"), self._times, strict=True):
            total += number
            buckets.append((bound, total))
        times.add_metric((), buckets, self._seconds)
        yield times
        yield GaugeMetricFamily("lockgate_requests_in_flight", "Requests under way.", value=self._in_flight)
        yield GaugeMetricFamily(
            "lockgate_start_time_seconds", "When this process began, in seconds since 1970.", value=self._began_at
        )


class Gauge(NamedTuple):
    """One value as it now is; ``labels`` are pairs of name and value."""

    name: str
    about: str
    value: float
    labels: tuple[tuple[str, str], ...] = ()


class _Snapshot:
    """What one answer holds: prometheus_client asks for it by ``collect``."""

    def __init__(self, counts: Counts, gauges: list[Gauge]) -> None:
        self._counts = counts
        self._gauges = gauges

    def collect(self) -> Iterator[Any]:
        yield from self._counts.families()
        families: dict[str, GaugeMetricFamily] = {}
        for gauge in self._gauges:
            names = tuple(name for name, _ in gauge.labels)
            family = families.setdefault(gauge.name, GaugeMetricFamily(gauge.name, gauge.about, labels=names))
            family.add_metric([value for _, value in gauge.labels], gauge.value)
        yield from families.values()


def text(counts: Counts, gauges: list[Gauge]) -> bytes:
    """Everything in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(counts, gauges))
    return generate_latest(registry)
