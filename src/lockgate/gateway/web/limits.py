"""How fast and how much at once: a request gets room in all of its buckets, or a refusal that says when to retry."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from lockgate.gateway.web.limits_buckets import MAX_BUCKETS, NS, Ask, Buckets, Gcra, Verdict, monotonic_ns
from lockgate.gateway.web.limits_redis import Lease
from lockgate.gateway.web.limits_rules import NO_RULES, PLATFORM, Plan, Rules, Seat, class_of
from lockgate.gateway.web.limits_shared import SharedLimits
from lockgate.gateway.web.limits_traffic import Traffic
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Operation
from lockgate.kernel.principal import Principal
from lockgate.kernel.source import source

__all__ = ["MAX_AT_ONCE", "MAX_BUCKETS", "Gcra", "Held", "Limits", "monotonic_ns"]

CHANGES_PER_HOUR = 1000                   # of one object
MAX_AT_ONCE = 512                         # of this process
_CHANGE_NS = 3600 * NS // CHANGES_PER_HOUR


class Known(Protocol):
    """Gives an account's rules: at once if they were read not long ago."""

    def peek(self, name: tuple[str, bool]) -> Rules | None: ...

    async def get(self, name: tuple[str, bool]) -> Rules: ...


class Held(NamedTuple):
    """The places that a request under way has; `Limits.leave` gives them back."""

    seats: tuple[Seat, ...]
    lease: Lease | None


class Limits:
    """All limits of one process, and of all of them where ``shared`` is given.

    Each method takes what it allows, or raises the refusal; a refused request has taken nothing.
    """

    def __init__(
        self,
        *,
        now_ns: Callable[[], int] = monotonic_ns,
        rules: Known | None = None,
        shared: SharedLimits | None = None,
        traffic: Traffic | None = None,
    ) -> None:
        self.buckets = Buckets(now_ns=now_ns)
        self._rules = rules
        self._shared = shared
        self._traffic = traffic
        self._own, self._number = new_id("run"), 0  # names this process's requests where others' are too
        self._at_once = 0
        self._seated: dict[str, int] = {}
        self._watched: dict[str, tuple[int, int]] = {}

    async def admit(self, principal: Principal, operation: Operation, path: Mapping[str, str]) -> Held:
        """One request of a principal, now under way; ``leave`` must follow.

        A publishable key is in every shopper's browser: it has a bucket for each address, so that none can use up
        what is another's. For the same reason what shoppers change does not count against the merchant's own changes.
        """
        rules = NO_RULES if self._rules is None else await self._rules_of(principal.account, principal.livemode)
        cls = class_of(operation)
        sender = source(principal.address)
        plan = rules.plan(principal, cls, sender)
        asks: Sequence[Ask] = plan.asks
        if operation.access == "write" and path:
            by = principal.account if principal.sees_secrets else f"{principal.account} {sender}"
            changed = f"{by} {' '.join(path.values())}"
            asks = (*asks, Ask("object", changed, _CHANGE_NS, CHANGES_PER_HOUR, "resource-specific"))
        try:
            held = await self._take(plan, asks, cls)
        except Refusal:
            if self._traffic is not None:
                self._traffic.note(principal, cls, refused=True)
            raise
        if self._traffic is not None:
            self._traffic.note(principal, cls, refused=False)
        return held

    def leave(self, held: Held) -> None:
        """A request has ended."""
        self._at_once -= 1
        for seat in held.seats:
            left = self._seated[seat.name] - 1
            if left:
                self._seated[seat.name] = left
            else:
                del self._seated[seat.name]
        if held.lease is not None and self._shared is not None:
            self._shared.leave(held.lease)

    async def admit_from(self, cls: str, address: str) -> None:
        """One request without a key: a page, a message to a hook, a sign-in, a request for a token, a stray one."""
        await self._admit_open(cls, await self._open(cls, source(address)))

    async def failures_left(self, address: str, presented: str = "") -> None:
        """Refuses while an address, or the same wrong key from anywhere, has failed too often to be looked up again."""
        for ask in await self._failure(address, presented):
            wait = self.buckets.look(ask) if self._shared is None else await self._shared.look(ask, "failure")
            if wait:
                raise _too_fast(wait, "global-rate")

    async def failed(self, address: str, presented: str = "") -> None:
        """One failed authentication; past the limit it is answered as too fast."""
        for ask in await self._failure(address, presented):  # each counts, also where the other is full already
            await self._admit_open("failure", [ask])

    def take_watched(self) -> dict[str, tuple[int, int]]:
        """What rules that only watch have seen since the last time: by rule, asked and would have been refused."""
        taken, self._watched = self._watched, {}
        return taken

    async def _take(self, plan: Plan, asks: Sequence[Ask], cls: str) -> Held:
        full = self._full(plan.seats)
        if full is not None:
            raise full
        lease = None
        if self._shared is None:
            verdict = self.buckets.take(asks)
        else:
            self._number += 1
            lease = Lease(f"{self._own} {self._number}", [(f"now {seat.name}", seat.most) for seat in plan.seats])
            self._sit(plan.seats)  # before waiting: this process's own bound holds meanwhile
            try:
                verdict, place = await self._shared.take(asks, cls, lease=lease)
            except BaseException:  # who was cancelled meanwhile may have been given a place there
                self.leave(Held(plan.seats, lease))
                raise
            if verdict.wait_ns:
                self.leave(Held(plan.seats, None))
                if place is not None:
                    raise _too_many(plan.seats[place])
        self._watch(asks, verdict)
        if verdict.wait_ns:
            raise _too_fast(verdict.wait_ns, verdict.reason)
        if lease is None:
            self._sit(plan.seats)
        return Held(plan.seats, lease)

    async def _admit_open(self, cls: str, asks: Sequence[Ask]) -> None:
        if self._shared is None:
            verdict = self.buckets.take(asks)
        else:
            verdict, _ = await self._shared.take(asks, cls)
        self._watch(asks, verdict)
        if verdict.wait_ns:
            raise _too_fast(verdict.wait_ns, verdict.reason)

    async def _open(self, cls: str, sender: str) -> list[Ask]:
        rules = NO_RULES if self._rules is None else await self._rules_of(PLATFORM, False)
        return rules.open(cls, sender)

    async def _failure(self, address: str, presented: str) -> list[Ask]:
        asks = await self._open("failure", source(address))
        if presented:  # in a bucket of its own: it must not fill the one of those who come from the same place
            asks.append(asks[0]._replace(family="failed key", bucket=_short(presented), observer=None))
        return asks

    async def _rules_of(self, account: str, livemode: bool) -> Rules:
        assert self._rules is not None, "asked only where there are rules"
        return self._rules.peek((account, livemode)) or await self._rules.get((account, livemode))

    def _full(self, seats: Sequence[Seat]) -> Refusal | None:
        if self._at_once >= MAX_AT_ONCE:
            return Refusal(
                Kind.UNAVAILABLE,
                "Too many requests are under way. Try again shortly.",
                retry_after_s=1,
                should_retry=True,
            )
        for seat in seats:
            most = seat.most if self._shared is None else self._shared.share_of(seat.most)
            if self._seated.get(seat.name, 0) >= most:
                return _too_many(seat)
        return None

    def _sit(self, seats: Sequence[Seat]) -> None:
        self._at_once += 1
        for seat in seats:
            self._seated[seat.name] = self._seated.get(seat.name, 0) + 1

    def _watch(self, asks: Sequence[Ask], verdict: Verdict) -> None:
        for ask in asks:
            if ask.observer is not None:
                asked, over = self._watched.get(ask.observer, (0, 0))
                self._watched[ask.observer] = (asked + 1, over + (ask.observer in verdict.over))


def _short(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=12).hexdigest()


def _too_many(seat: Seat) -> Refusal:
    what = "searches of this key" if seat.reason == "endpoint-concurrency" else f"requests of this {_whose(seat)}"
    return Refusal(
        Kind.RATE_LIMITED,
        f"Too many {what} are under way.",
        code="rate_limit",
        reason=seat.reason,
        retry_after_s=1,
        should_retry=True,
    )


def _whose(seat: Seat) -> str:
    return "key" if seat.name.startswith("key ") else "account"


def _too_fast(wait_ns: int, reason: str) -> Refusal:
    return Refusal(
        Kind.RATE_LIMITED,
        "Too many requests in too short a time. Slow down and try again.",
        code="rate_limit",
        reason=reason,
        retry_after_s=max(1, -(-wait_ns // NS)),
        should_retry=True,
    )
