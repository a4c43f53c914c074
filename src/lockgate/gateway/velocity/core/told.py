"""Adds up what the database tells of a payment's keys: velocity's attributes, the last payments, the last places.

A row is as ``risk_history_v1`` (migration 016) gives it. Most attempts share all of their keys with the payment, so
rows are added up once for each set of keys that they share, and not once for each key.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from lockgate.gateway.velocity.core.keys import Keys
from lockgate.gateway.velocity.core.measures import (
    DISTINCT_WINDOWS,
    FRAUD_WINDOWS,
    KIND_OF,
    KINDS,
    MEASURES,
    NAMES,
    OTHERS,
    UNCERTAIN_OR_PAID,
    WINDOWS,
    age_h,
    day_after,
    since,
)

MOST = 200
"""Of a key with more attempts that are not folded, PostgreSQL is asked for sums."""

Row = Sequence[Any]
_EVENT, _KEY, _SUMS, _PAST = range(4)
_COUNTED, _PAID = -1, -2
"""What is remembered of a set of masks."""

_CARD_AT = 6
"""Where the keys stand in a row, in the order of KINDS."""

_PLACES = {kind: KINDS.index(kind) for kind in KINDS}
_OLDER = len(WINDOWS)
_SEEN = tuple(WINDOWS.index(window) for window in DISTINCT_WINDOWS)
_FARTHEST = max(_SEEN)
_COLUMNS = tuple((place, _CARD_AT + place) for place, kind in enumerate(KINDS) if kind in KIND_OF.values())
_OTHERS = {kind: tuple(_PLACES[KIND_OF[others]] for others in OTHERS[kind]) for kind in KINDS}
_TELLS_OF = sum(1 << place for place, _ in _COLUMNS)

_FRAUDS_AT = len(WINDOWS) * len(MEASURES)
_OTHERS_AT = _FRAUDS_AT + len(FRAUD_WINDOWS)
_IN = {mask: tuple(n for n in range(len(WINDOWS)) if mask >> n & 1) for mask in range(1 << len(WINDOWS))}
_FOLDED = ("cards", "customers", "ips", "devices", "emails")
"""The others in the order in which sums tell them."""


class Payment(NamedTuple):
    """One of a key's last payments: ``fraud`` if it is known as such by now."""

    at_ms: int
    amount: int
    fraud: bool


class _Alike:
    """The attempts that count for the same keys of the payment."""

    __slots__ = ("first_ms", "frauds", "others", "rows", "sums")

    def __init__(self) -> None:
        self.rows: list[Row] = []  # from the newest to the oldest
        self.sums = [0] * (len(MEASURES) * (_OLDER + 1))
        self.frauds: list[int] = []
        self.others: dict[int, dict[bytes, int]] = {}  # place of a kind -> other -> the shortest window it was seen in
        self.first_ms = 0


class Told:
    """What was told of the payment of ``keys`` at ``now_ms``, each key by itself."""

    def __init__(self, keys: Keys, rows: Iterable[Row], *, now_ms: int) -> None:
        self.keys, self.now_ms = keys, now_ms
        self._starts = since(now_ms)
        self._asked = [(place, kind) for place, kind in enumerate(KINDS) if keys[place] is not None]
        self._first: dict[str, int] = {}
        self._summed: dict[str, list[Row]] = {}
        self._past: dict[str, list[Row]] = {}
        self._alike: dict[int, _Alike] = {}
        self._memo: dict[tuple[int, ...], Any] = {}
        single: list[Row] = []
        for row in rows:
            if row[0] == _EVENT:
                single.append(row)
            elif row[0] == _KEY:
                kind = row[3]
                if row[1] is not None:
                    self._first[kind] = row[1]
                if row[5]:
                    self._summed.setdefault(kind, [])
            else:
                self._tell(row)
        if single:
            self._add(single)

    def crowded(self) -> list[str]:
        """The kinds of keys of which not every attempt was told: ``replace`` what is known of them."""
        if sum(len(alike.rows) for alike in self._alike.values()) <= MOST:
            return []
        return [
            kind
            for place, kind in self._asked
            if sum(len(alike.rows) for mask, alike in self._alike.items() if mask >> place & 1) > MOST
        ]

    def replace(self, kinds: Iterable[str], rows: Iterable[Row]) -> None:
        """Sums instead of single attempts for ``kinds``."""
        for kind in kinds:
            self._summed[kind] = []
        for row in rows:
            self._tell(row)

    def attributes(self, amount: int) -> dict[str, int | float]:
        """The velocity attributes of a payment over ``amount`` US cents, itself counted."""
        found: dict[str, int | float] = {}
        for place, kind in self._asked:
            summed = self._summed.get(kind)
            if summed is not None:
                values, first_ms = self._of_sums(kind, summed, amount)
            else:
                masks = self._masks(place)
                counted, first_ms = self._counted(masks, amount)
                values = [*counted]
                for of in _OTHERS[kind]:
                    values += self._different(masks, of)
            if kind in self._first:
                first_ms = min(first_ms, self._first[kind])
            found.update(zip(NAMES[kind], values, strict=True))
            found[f"{kind}_age_h"] = age_h(first_ms, self.now_ms) if first_ms != self.now_ms else 0.0
        return found

    def payments(self, kind: str, most: int) -> Sequence[Payment]:
        """The last ``most`` payments (at most 50) of the key of ``kind``, the oldest first; the same for kinds of which
        the same is known."""
        told = self._past.get(kind)
        if kind in self._summed:
            rows = [row for row in told or () if not row[5]]
            return [_payment(row, self.now_ms) for row in sorted(rows, key=_at_ms)[-most:]]
        masks = self._masks(_PLACES[kind])
        if not masks:
            return ()
        found = self._memo.get((_PAID, *masks))
        if found is None:
            rows = [row for row in self._newest_first(masks) if row[3] != "void"][:most]
            rows.reverse()
            found = self._memo[_PAID, *masks] = [_payment(row, self.now_ms) for row in rows]
        return found

    def last_place(self, kind: str) -> tuple[Sequence[float] | None, int | None]:
        """Where the key of ``kind`` was seen last before now, and when; None where nobody knows."""
        if kind in self._summed:
            rows = [row for row in self._past.get(kind, ()) if row[5]]
        else:
            rows = self._newest_first(self._masks(_PLACES[kind]))
        for row in rows:
            if row[12] is not None and row[1] <= self.now_ms:
                return row[12], row[1]
        return None, None

    def _tell(self, row: Row) -> None:
        (self._summed if row[0] == _SUMS else self._past).setdefault(row[3], []).append(row)

    def _newest_first(self, masks: Sequence[int]) -> list[Row]:
        if len(masks) == 1:
            return self._alike[masks[0]].rows
        return sorted((row for mask in masks for row in self._alike[mask].rows), key=_at_ms, reverse=True)

    def _add(self, rows: list[Row]) -> None:
        asked = [
            (1 << place, _CARD_AT + place, self.keys[place]) for place, kind in self._asked if kind not in self._summed
        ]
        m1, h1, h24, d7, d30 = self._starts
        rows.sort(key=_at_ms)
        rows.reverse()
        for row in rows:
            at_ms, folded = row[1], row[5]
            mask = 0
            for bit, column, key in asked:
                if row[column] == key and not folded & bit:
                    mask |= bit
            alike = self._alike.get(mask)
            if alike is None:
                alike = self._alike[mask] = _Alike()
            alike.rows.append(row)
            alike.first_ms = at_ms
            if row[4] is not None:
                alike.frauds.append(row[4])
            if at_ms < d30:
                continue
            window = 0 if at_ms >= m1 else 1 if at_ms >= h1 else 2 if at_ms >= h24 else 3 if at_ms >= d7 else 4
            _count(alike.sums, window * len(MEASURES), row)
            if window <= _FARTHEST and mask & _TELLS_OF != _TELLS_OF:
                self._note_others(alike.others, row, window)

    def _note_others(self, others: dict[int, dict[bytes, int]], row: Row, window: int) -> None:
        """Rows come from the newest: the first time that another is met is the window that it counts in."""
        for place, column in _COLUMNS:
            other = row[column]
            if other is not None and other != self.keys[place]:
                others.setdefault(place, {}).setdefault(other, window)

    def _masks(self, place: int) -> tuple[int, ...]:
        return tuple([mask for mask in self._alike if mask >> place & 1]) if self._alike else ()

    def _counted(self, masks: tuple[int, ...], amount: int) -> tuple[Sequence[int], int]:
        """The measures in every window and known frauds, with this payment; and when the first of them was."""
        found = self._memo.get((_COUNTED, *masks))
        if found is None:
            alike = [self._alike[mask] for mask in masks]
            values: list[int] = []
            attempts, money, declines, blocks = 1, amount, 0, 0
            for at in range(0, _FRAUDS_AT, len(MEASURES)):
                for one in alike:
                    sums = one.sums
                    attempts += sums[at]
                    money += sums[at + 1]
                    declines += sums[at + 2]
                    blocks += sums[at + 3]
                values += (attempts, money, declines, blocks)
            frauds, until_ms = [ms for one in alike for ms in one.frauds], day_after(self.now_ms)
            for window in FRAUD_WINDOWS:
                start = self._starts[WINDOWS.index(window)]
                values.append(sum(start <= ms < until_ms for ms in frauds))
            found = values, min([self.now_ms, *(one.first_ms for one in alike)])
            self._memo[_COUNTED, *masks] = found
        return found

    def _different(self, masks: Sequence[int], of: int) -> Sequence[int]:
        """How many different others of the kind at ``of``, in each window; the payment's own is seen now."""
        own = 0 if self.keys[of] is None else 1
        seen = [others for mask in masks if (others := self._alike[mask].others.get(of))]
        if not seen:
            return (own, own, own)
        nearest = dict(seen[0])
        for others in seen[1:]:
            for other, window in others.items():
                nearest[other] = min(window, nearest.get(other, window))
        windows = list(nearest.values())
        return [own + sum(window <= at for window in windows) for at in _SEEN]

    def _of_sums(self, kind: str, rows: Iterable[Row], amount: int) -> tuple[list[int], int]:
        values = [1, amount, 0, 0] * len(WINDOWS)
        values += [0] * (len(NAMES[kind]) - len(values))
        first_ms = self.now_ms
        columns = {others: at for at, others in enumerate(OTHERS[kind])}
        for row in rows:
            first, attempts, money, declines, blocks, frauds, *others = row[14]
            if first is not None and first < first_ms:
                first_ms = first
            inside = _IN[row[13]]
            for window in inside:
                at = len(MEASURES) * window
                values[at] += attempts
                values[at + 1] += money
                values[at + 2] += declines
                values[at + 3] += blocks
            if frauds:
                for at, window in enumerate(FRAUD_WINDOWS):
                    values[_FRAUDS_AT + at] += frauds * (WINDOWS.index(window) in inside)
            for told, number in zip(_FOLDED, others, strict=True):
                if number and told in columns:
                    start = _OTHERS_AT + columns[told] * len(_SEEN)
                    for at, window in enumerate(_SEEN):
                        values[start + at] += number * (window in inside)
        return values, first_ms


def _count(sums: list[int], at: int, row: Row) -> None:
    """Add an attempt to the measures of its window, which begin at ``at``."""
    state = row[3]
    if state in UNCERTAIN_OR_PAID:
        sums[at] += 1
        sums[at + 1] += row[2]
    elif state == "declined":
        sums[at] += 1
        sums[at + 2] += 1
    elif state == "blocked":
        sums[at] += 1
        sums[at + 3] += 1


def _at_ms(row: Row) -> int:
    return row[1]


def _payment(row: Row, now_ms: int) -> Payment:
    return Payment(row[1], row[2], row[4] is not None and row[4] <= now_ms)
