"""Velocity in memory: the same attributes as from the database, from a stream of attempts, for training and import.

Amounts and counts are kept as running sums, sorted by time, so that any window is two look-ups and a subtraction; what
comes late is sorted in. It holds whatever it was told: a stream of months fits, an installation's history need not.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from dataclasses import dataclass, field

from lockgate.gateway.velocity.core.keys import Keys
from lockgate.gateway.velocity.core.measures import (
    DISTINCT_WINDOWS,
    FRAUD_WINDOWS,
    KIND_OF,
    KINDS,
    NAMES,
    OTHERS,
    WINDOWS,
    age_h,
    contribution,
    day_after,
    since,
)

_DISTINCT = tuple(WINDOWS.index(window) for window in DISTINCT_WINDOWS)
_FRAUD = tuple(WINDOWS.index(window) for window in FRAUD_WINDOWS)
_PLACES = {kind: tuple(KINDS.index(KIND_OF[others]) for others in OTHERS[kind]) for kind in KINDS}


@dataclass(slots=True)
class _Seen:
    """When each of a key's others was last seen with it; ``sorted_ms`` are the same times, in order."""

    last_ms: dict[bytes, int] = field(default_factory=dict)
    sorted_ms: list[int] = field(default_factory=list)

    def add(self, other: bytes, at_ms: int) -> None:
        before = self.last_ms.get(other)
        if before is not None:
            if at_ms <= before:
                return
            del self.sorted_ms[bisect_left(self.sorted_ms, before)]
        self.last_ms[other] = at_ms
        insort(self.sorted_ms, at_ms)

    def counts(self, own: bytes | None, starts: tuple[int, ...]) -> list[int]:
        total = len(self.sorted_ms)
        last = None if own is None else self.last_ms.get(own, -1)
        found = []
        for n in _DISTINCT:
            start = starts[n]
            found.append(total - bisect_left(self.sorted_ms, start) + (last is not None and last < start))
        return found


@dataclass(slots=True)
class _Key:
    """One key: its times in order, and after each the sums of everything up to it."""

    first_ms: int | None = None
    times: list[int] = field(default_factory=list)
    attempts: list[int] = field(default_factory=lambda: [0])
    amount: list[int] = field(default_factory=lambda: [0])
    declines: list[int] = field(default_factory=lambda: [0])
    blocks: list[int] = field(default_factory=lambda: [0])
    frauds: list[int] = field(default_factory=list)
    seen: tuple[_Seen, ...] = ()

    def add(self, at_ms: int, parts: tuple[int, int, int, int]) -> None:
        place = bisect_right(self.times, at_ms)
        self.times.insert(place, at_ms)
        for sums, part in zip((self.attempts, self.amount, self.declines, self.blocks), parts, strict=True):
            sums.insert(place + 1, sums[place] + part)
            if part:
                for later in range(place + 2, len(sums)):
                    sums[later] += part

    def values(self, own: Iterable[bytes | None], *, amount: int, now_ms: int, starts: tuple[int, ...]) -> list[int]:
        found: list[int] = []
        times, attempts, money, declines, blocks = self.times, self.attempts, self.amount, self.declines, self.blocks
        all_attempts, all_money = attempts[-1] + 1, money[-1] + amount
        all_declines, all_blocks = declines[-1], blocks[-1]
        for start in starts:
            before = bisect_left(times, start)
            found += (
                all_attempts - attempts[before],
                all_money - money[before],
                all_declines - declines[before],
                all_blocks - blocks[before],
            )
        if self.frauds:
            known = bisect_left(self.frauds, day_after(now_ms))
            found += [known - bisect_left(self.frauds, starts[n]) for n in _FRAUD]
        else:
            found += (0, 0)
        for one, seen in zip(own, self.seen, strict=True):
            found += seen.counts(one, starts)
        return found


def _new(kind: str) -> _Key:
    return _Key(seen=tuple(_Seen() for _ in OTHERS[kind]))


_UNSEEN = {kind: _new(kind) for kind in KINDS}


@dataclass(slots=True)
class _Attempt:
    keys: Keys
    at_ms: int
    amount: int
    state: str
    fraud_ms: int | None = None


@dataclass(slots=True)
class Memory:
    """A stream's history. Ask ``attributes`` first, then ``add``: an attempt is counted in its own attributes once."""

    _keys: dict[tuple[str, bytes], _Key] = field(default_factory=dict)
    _attempts: dict[str, _Attempt] = field(default_factory=dict)

    def attributes(self, keys: Keys, *, amount: int, now_ms: int) -> dict[str, int | float]:
        """What velocity says of an attempt over ``amount`` US cents at ``now_ms``, itself counted."""
        starts = since(now_ms)
        found: dict[str, int | float] = {}
        for kind, key in zip(KINDS, keys, strict=True):
            if key is None:
                continue
            state = self._keys.get((kind, key)) or _UNSEEN[kind]
            own = [keys[place] for place in _PLACES[kind]]
            found.update(zip(NAMES[kind], state.values(own, amount=amount, now_ms=now_ms, starts=starts), strict=True))
            found[f"{kind}_age_h"] = age_h(now_ms if state.first_ms is None else state.first_ms, now_ms)
        return found

    def add(self, attempt: str, keys: Keys, *, amount: int, at_ms: int, state: str = "open") -> None:
        """Count an attempt; ``attempt`` names it when it ends."""
        self._attempts[attempt] = _Attempt(keys, at_ms, amount, state)
        parts = contribution(state, amount)
        for kind, key in zip(KINDS, keys, strict=True):
            if key is None:
                continue
            one = self._keys.get((kind, key))
            if one is None:
                one = self._keys[kind, key] = _new(kind)
            one.first_ms = at_ms if one.first_ms is None else min(one.first_ms, at_ms)
            one.add(at_ms, parts)
            for place, seen in zip(_PLACES[kind], one.seen, strict=True):
                other = keys[place]
                if other is not None:
                    seen.add(other, at_ms)

    def end(self, attempt: str, state: str) -> None:
        """What became of it: approved, declined or void. An attempt that was never added is passed over."""
        ended = self._attempts.get(attempt)
        if ended is None or ended.state == state:
            return
        before, after = contribution(ended.state, ended.amount), contribution(state, ended.amount)
        ended.state = state
        parts = (after[0] - before[0], after[1] - before[1], after[2] - before[2], after[3] - before[3])
        if any(parts):
            for kind, key in zip(KINDS, ended.keys, strict=True):
                if key is not None:
                    self._keys[kind, key].add(ended.at_ms, parts)

    def label(self, attempt: str, known_ms: int | None) -> None:
        """The attempt became known as fraud at ``known_ms``; None takes that back."""
        labelled = self._attempts.get(attempt)
        if labelled is None or labelled.fraud_ms == known_ms:
            return
        for kind, key in zip(KINDS, labelled.keys, strict=True):
            if key is not None:
                frauds = self._keys[kind, key].frauds
                if labelled.fraud_ms is not None:
                    frauds.remove(labelled.fraud_ms)
                if known_ms is not None:
                    insort(frauds, known_ms)
        labelled.fraud_ms = known_ms
