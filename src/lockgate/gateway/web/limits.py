"""How fast and how much at once: GCRA per key and per address, and a bound on requests under way. In this process."""

from collections import Counter
from collections.abc import Callable, Mapping

from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Operation
from lockgate.kernel.principal import Principal
from lockgate.kernel.source import source

_NS = 1_000_000_000
MAX_BUCKETS = 50_000
OPEN_RATE, OPEN_BURST = 10, 20            # documents and pages without a key
HOOK_RATE, HOOK_BURST = 100, 200          # what a processor tells us, from one address
STRAY_RATE, STRAY_BURST = 100, 100        # paths and methods that do not exist
FAILED_RATE, FAILED_BURST = 10, 20        # failed authentications of one address
SEARCH_SHARE = 5                          # of a key's requests one in five may be a search: each may read much
SEARCH_SHARE_AT_ONCE = 10
CHANGES_PER_HOUR = 1000                   # of one object
MAX_AT_ONCE = 512
MAX_AT_ONCE_PER_KEY = 128


def monotonic_ns() -> int:
    """Nanoseconds that never run backwards."""
    return round(clock.monotonic() * _NS)


class Gcra:
    """The generic cell rate algorithm: per bucket one number, the time at which it will be empty again.

    A bucket at rest admits ``burst`` requests at once, then one every 1/rate s: exactly, in whole nanoseconds. Buckets
    at rest are forgotten; when too many are busy, newcomers share one, so that no flood of addresses lifts the limit.
    """

    __slots__ = ("_busy_until", "_maximum", "_now")

    def __init__(self, *, now_ns: Callable[[], int] = monotonic_ns, maximum: int = MAX_BUCKETS) -> None:
        self._busy_until: dict[str, int] = {}
        self._now = now_ns
        self._maximum = maximum

    def wait_ns(self, bucket: str, *, rate: int, burst: int, per_s: int = 1, take: bool = True) -> int:
        """0 and one request taken, or how long until there is room. ``take=False`` only looks."""
        now = self._now()
        interval = per_s * _NS // rate
        until = self._busy_until.get(bucket)
        if until is None and take and len(self._busy_until) >= self._maximum:
            bucket = self._make_room(now, bucket)
            until = self._busy_until.get(bucket)
        start = now if until is None or until < now else until
        over = start - now - (burst - 1) * interval
        if over > 0:
            return over
        if take:
            self._busy_until[bucket] = start + interval
        return 0

    def __len__(self) -> int:
        return len(self._busy_until)

    def _make_room(self, now: int, bucket: str) -> str:
        self._busy_until = {name: until for name, until in self._busy_until.items() if until > now}
        return bucket if len(self._busy_until) < self._maximum else "*"


class Limits:
    """All limits of one process. Each method takes what it allows, or raises the refusal."""

    def __init__(self, *, now_ns: Callable[[], int] = monotonic_ns) -> None:
        self._keys = Gcra(now_ns=now_ns)
        self._addresses = Gcra(now_ns=now_ns)
        self._failures = Gcra(now_ns=now_ns)
        self._searches = Gcra(now_ns=now_ns)
        self._objects = Gcra(now_ns=now_ns)
        self._at_once = 0
        self._at_once_by_key: dict[str, int] = {}
        self._searches_at_once: Counter[str] = Counter()

    def admit(self, principal: Principal, operation: Operation, path: Mapping[str, str]) -> None:
        """One request of a key. Its address has a bucket of the same size, shared by all keys used from there; its
        searches have a smaller one, and what is changed has its own.

        A publishable key is in every shopper's browser: it has a bucket for each address, so that none can use up
        what is another's. For the same reason what shoppers change does not count against the merchant's own changes.
        """
        rate, burst, sender = principal.rate_per_s, principal.burst, source(principal.address)
        bucket = f"{principal.id} {sender}" if principal.kind == "publishable" else principal.id
        wait = self._keys.wait_ns(bucket, rate=rate, burst=burst)
        if not wait:
            wait = self._addresses.wait_ns(f"{sender} {rate} {burst}", rate=rate, burst=burst)
        if wait:
            raise _too_fast(wait)
        if operation.limit == "search":
            share = max(1, rate // SEARCH_SHARE), max(1, burst // SEARCH_SHARE)
            wait = self._searches.wait_ns(principal.id, rate=share[0], burst=share[1])
            if wait:
                raise _too_fast(wait, reason="endpoint-rate")
        if operation.access == "write" and path:
            by = principal.account if principal.sees_secrets else f"{principal.account} {sender}"
            changed = f"{by} {' '.join(path.values())}"
            wait = self._objects.wait_ns(changed, rate=CHANGES_PER_HOUR, burst=CHANGES_PER_HOUR, per_s=3600)
            if wait:
                raise _too_fast(wait, reason="resource-specific")

    def admit_open(self, address: str) -> None:
        """One request for a document that needs no key."""
        self._admit_address("open", address, rate=OPEN_RATE, burst=OPEN_BURST)

    def admit_browser(self, address: str) -> None:
        """One page for a shopper's browser."""
        self._admit_address("browser", address, rate=OPEN_RATE, burst=OPEN_BURST)

    def admit_hook(self, address: str) -> None:
        """One message of another service."""
        self._admit_address("hook", address, rate=HOOK_RATE, burst=HOOK_BURST)

    def admit_stray(self, address: str) -> None:
        """One request for what does not exist."""
        self._admit_address("stray", address, rate=STRAY_RATE, burst=STRAY_BURST)

    def failures_left(self, address: str) -> None:
        """Refuses while an address has failed too often to be looked up again."""
        wait = self._failures.wait_ns(source(address), rate=FAILED_RATE, burst=FAILED_BURST, take=False)
        if wait:
            raise _too_fast(wait)

    def failed(self, address: str) -> None:
        """One failed authentication; past the limit it is answered as too fast."""
        wait = self._failures.wait_ns(source(address), rate=FAILED_RATE, burst=FAILED_BURST)
        if wait:
            raise _too_fast(wait)

    def enter(self, principal: Principal, operation: Operation) -> None:
        """One more request under way; ``leave`` must follow."""
        mine = self._at_once_by_key.get(principal.id, 0)
        if self._at_once >= MAX_AT_ONCE:
            raise Refusal(
                Kind.UNAVAILABLE,
                "Too many requests are under way. Try again shortly.",
                retry_after_s=1,
                should_retry=True,
            )
        if mine >= MAX_AT_ONCE_PER_KEY and principal.kind != "publishable":
            raise Refusal(
                Kind.RATE_LIMITED,
                "Too many requests of this key are under way.",
                code="rate_limit",
                reason="global-concurrency",
                retry_after_s=1,
                should_retry=True,
            )
        if operation.limit == "search":
            if self._searches_at_once[principal.id] >= max(1, principal.burst // SEARCH_SHARE_AT_ONCE):
                raise Refusal(
                    Kind.RATE_LIMITED,
                    "Too many searches of this key are under way.",
                    code="rate_limit",
                    reason="endpoint-concurrency",
                    retry_after_s=1,
                    should_retry=True,
                )
            self._searches_at_once[principal.id] += 1
        self._at_once += 1
        self._at_once_by_key[principal.id] = mine + 1

    def leave(self, principal: Principal, operation: Operation) -> None:
        """A request has ended."""
        if operation.limit == "search":
            self._searches_at_once[principal.id] -= 1
            if not self._searches_at_once[principal.id]:
                del self._searches_at_once[principal.id]
        self._at_once -= 1
        mine = self._at_once_by_key[principal.id] - 1
        if mine:
            self._at_once_by_key[principal.id] = mine
        else:
            del self._at_once_by_key[principal.id]

    def _admit_address(self, kind: str, address: str, *, rate: int, burst: int) -> None:
        wait = self._addresses.wait_ns(f"{kind} {source(address)}", rate=rate, burst=burst)
        if wait:
            raise _too_fast(wait)


def _too_fast(wait_ns: int, *, reason: str = "global-rate") -> Refusal:
    return Refusal(
        Kind.RATE_LIMITED,
        "Too many requests in too short a time. Slow down and try again.",
        code="rate_limit",
        reason=reason,
        retry_after_s=max(1, -(-wait_ns // _NS)),
        should_retry=True,
    )
