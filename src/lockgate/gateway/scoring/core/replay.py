"""Replays a history: each payment with the attributes that it would have had, judged live, at its own moment.

The history is velocity's own twin in memory, and the vector is the one that is made online; a fraud counts for nothing
before the moment at which it became known.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from lockgate.gateway.rules.core.catalogue import Attributes
from lockgate.gateway.rules.core.packed import number
from lockgate.gateway.scoring.core import features
from lockgate.gateway.scoring.core.habits import Habits
from lockgate.gateway.scoring.core.table import Table
from lockgate.gateway.velocity.core.keys import Keys
from lockgate.gateway.velocity.core.memory import Memory

_CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Paid:
    """One payment of a history. ``amount`` is US cents; ``facts`` are what is known of it before its history;
    ``state`` how it ended; ``known_ms`` when it became known as fraud, None where it did not."""

    at_ms: int
    amount: int
    keys: Keys
    facts: Attributes = field(default_factory=dict)
    state: str = "approved"
    known_ms: int | None = None


def attributes(history: Iterable[Paid]) -> Iterator[tuple[Paid, Attributes]]:
    """Each payment with its attributes. Raises ValueError where ``history`` is not in time order."""
    memory, habits = Memory(), Habits()
    waiting: list[tuple[int, int]] = []  # when a fraud becomes known, and which
    last = None
    for place, paid in enumerate(history):
        if last is not None and paid.at_ms < last:
            raise ValueError("payments must come in the order of their times")
        last = paid.at_ms
        while waiting and waiting[0][0] <= paid.at_ms:
            known_ms, which = heapq.heappop(waiting)
            memory.label(str(which), known_ms)
            habits.label(str(which), fraud=True)
        found = {**paid.facts, "amount": paid.amount}
        found |= memory.attributes(paid.keys, amount=paid.amount, now_ms=paid.at_ms)
        found |= habits.attributes(paid.keys, now_ms=paid.at_ms)
        yield paid, {name: _settled(value) for name, value in found.items()}
        memory.add(str(place), paid.keys, amount=paid.amount, at_ms=paid.at_ms, state=paid.state)
        if paid.state != "void":
            habits.add(str(place), paid.keys, amount=paid.amount, at_ms=paid.at_ms)
        if paid.known_ms is not None:
            heapq.heappush(waiting, (paid.known_ms, place))


def table(history: Iterable[Paid]) -> Table:
    """The whole history as a table to train and judge on."""
    chunks: list[np.ndarray] = []
    rows: list[np.ndarray] = []
    at_ms: list[int] = []
    known_ms: list[int] = []
    cards: list[int] = []
    numbers: dict[bytes | None, int] = {}
    for paid, found in attributes(history):
        rows.append(features.vector(found))
        at_ms.append(paid.at_ms)
        known_ms.append(paid.known_ms or 0)
        cards.append(numbers.setdefault(paid.keys.card, len(numbers)))
        if len(rows) == _CHUNK:
            chunks.append(np.stack(rows))
            rows = []
    chunks.append(np.stack(rows) if rows else np.empty((0, len(features.NAMES)), dtype=np.float32))
    times, known, numbered = (np.array(column, np.int64) for column in (at_ms, known_ms, cards))
    return Table(np.concatenate(chunks), times, known, numbered)


def _settled(value: int | float | str | bool) -> int | float | str | bool:
    """As stored decisions have it; what is no number counts as nothing."""
    return (number(value) or 0) if isinstance(value, float) else value
