"""Habits: what the last payments with a card, customer or device were like, and what became known of them.

Velocity counts within windows; habits look back over a number of payments, however long that takes: an average is worth
more than a window that holds two. Word of a fraud comes late, so that the last week always looks honest: only
payments that are at least that old and not known as fraud are clean. Known frauds after the last clean one are a run.
"""

import math
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lockgate.gateway.rules.core.catalogue import HABIT_KEYS, HABITS
from lockgate.gateway.velocity.core.keys import Keys

KINDS = HABIT_KEYS
PAST = 50
"""How many payments are looked back over."""

SETTLES_MS = 7 * 86_400_000
_HOUR_MS = 3_600_000

NAMES: Mapping[str, tuple[str, ...]] = {kind: tuple(f"{kind}_{measure}" for measure in HABITS) for kind in KINDS}


@dataclass(frozen=True, slots=True)
class Sums:
    """What one look-back adds up to. ``honest`` is how many are not known as fraud, ``amount`` and ``squares`` are over
    them. ``last_ms`` is the last fraud, ``clean`` how many clean payments came after it, ``highest`` the largest honest
    amount of the last week; ``clean_ms`` is the last clean payment, ``run`` how many frauds came after that, ``run_ms``
    and ``run_lowest`` the first time and the least amount of these.
    """

    payments: int
    honest: int
    amount: int
    squares: int
    last_ms: int | None
    clean: int
    highest: int | None
    clean_ms: int | None
    run: int
    run_ms: int | None
    run_lowest: int | None


def attributes(kind: str, sums: Sums | None, *, now_ms: int) -> dict[str, int | float]:
    """The habits of one key; of one that was never seen they say nothing but that there were no payments."""
    first, *names = NAMES[kind]
    if sums is None or not sums.payments:
        return {first: 0}
    mean = sums.amount / sums.honest if sums.honest else None
    found: dict[str, int | float] = {first: sums.payments}
    if mean is not None:
        # Whole numbers up to here: no order of adding up can give another deviation.
        variance = (sums.squares * sums.honest - sums.amount * sums.amount) / (sums.honest * sums.honest)
        found[names[0]] = round(mean)
        found[names[1]] = round(math.sqrt(variance))
    found[names[2]] = sums.payments - sums.honest
    if sums.highest is not None:
        found[names[3]] = sums.highest
    if sums.clean_ms is not None:
        found[names[4]] = _hours(now_ms - sums.clean_ms)
    found[names[5]] = sums.run
    if sums.run_ms is not None and sums.run_lowest is not None:
        found[names[6]], found[names[7]] = _hours(now_ms - sums.run_ms), sums.run_lowest
    if sums.last_ms is not None:
        found[names[8]], found[names[9]] = _hours(now_ms - sums.last_ms), sums.clean
    return found


def _hours(passed_ms: int) -> float:
    return round(max(0, passed_ms) / _HOUR_MS, 3)


class Paid(Protocol):
    """A payment that is looked back at: ``fraud`` if it is known as such by then."""

    @property
    def at_ms(self) -> int: ...

    @property
    def amount(self) -> int: ...

    @property
    def fraud(self) -> bool: ...


@dataclass(slots=True)
class _One:
    """One payment of a key; shared by its keys, so that a label is noted once."""

    at_ms: int
    amount: int
    fraud: bool = False


@dataclass(slots=True)
class Habits:
    """The twin in memory: the same figures from a stream of payments in time order."""

    _past: dict[tuple[str, bytes], deque[_One]] = field(default_factory=dict)
    _named: dict[str, _One] = field(default_factory=dict)

    def attributes(self, keys: Keys, *, now_ms: int) -> dict[str, int | float]:
        """What the habits of a payment's keys were before it."""
        found: dict[str, int | float] = {}
        for kind in KINDS:
            key = getattr(keys, kind)
            if key is not None:
                found.update(attributes(kind, add_up(self._past.get((kind, key), ()), now_ms=now_ms), now_ms=now_ms))
        return found

    def add(self, attempt: str, keys: Keys, *, amount: int, at_ms: int) -> None:
        """Count a payment; ``attempt`` names it for when something becomes known of it."""
        one = self._named[attempt] = _One(at_ms, amount)
        for kind in KINDS:
            key = getattr(keys, kind)
            if key is not None:
                past = self._past.get((kind, key))
                if past is None:
                    past = self._past[kind, key] = deque(maxlen=PAST)
                past.append(one)

    def label(self, attempt: str, *, fraud: bool) -> None:
        """It became known as fraud, or that is taken back."""
        one = self._named.get(attempt)
        if one is not None:
            one.fraud = fraud


def add_up(past: Iterable[Paid], *, now_ms: int) -> Sums:
    """What the last payments add up to, the oldest first."""
    until = now_ms - SETTLES_MS
    payments = honest = amount = squares = clean = run = 0
    last_ms = clean_ms = highest = run_ms = run_lowest = None
    for one in past:
        payments += 1
        if one.fraud:
            if one.at_ms != last_ms:
                last_ms, clean = one.at_ms, 0
            if clean_ms is None or one.at_ms > clean_ms:
                if run_ms is None or run_lowest is None:
                    run_ms, run_lowest = one.at_ms, one.amount
                run += 1
                run_lowest = min(run_lowest, one.amount)
            continue
        honest += 1
        amount += one.amount
        squares += one.amount * one.amount
        if one.at_ms > until:
            highest = one.amount if highest is None else max(highest, one.amount)
            continue
        if last_ms is not None and one.at_ms > last_ms:
            clean += 1
        clean_ms, run, run_ms, run_lowest = one.at_ms, 0, None, None
    return Sums(
        payments=payments, honest=honest, amount=amount, squares=squares, last_ms=last_ms, clean=clean, highest=highest,
        clean_ms=clean_ms, run=run, run_ms=run_ms, run_lowest=run_lowest,
    )  # fmt: skip
