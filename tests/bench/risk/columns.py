"""A history's table made column by column: what replaying it gives, fast enough for a million and a half payments.

Only for histories like G1's: a card, a customer who is that card, a device; everything approved, each fraud known a
fixed time later. ``proven`` replays some keys through the code that makes features online and compares every figure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lockgate.gateway.scoring.core import features
from lockgate.gateway.scoring.core.habits import PAST, SETTLES_MS
from lockgate.gateway.scoring.core.replay import Paid, table
from lockgate.gateway.scoring.core.table import Table
from lockgate.gateway.velocity.core.keys import Keys

HOUR_MS, DAY_MS = 3_600_000, 86_400_000
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
_REACH = 1 << 45  # more milliseconds than any history has


@dataclass(frozen=True, slots=True)
class History:
    """Payments in time order; ``known_ms`` is 0 for the honest ones, else SETTLES_MS after ``at_ms``."""

    at_ms: Ints
    amount: Ints
    card: Ints
    device: Ints
    known_ms: Ints

    def part(self, chosen: NDArray[np.bool_]) -> "History":
        return History(*(getattr(self, name)[chosen] for name in self.__slots__))

    def payments(self) -> Iterable[Paid]:
        """The same for ``replay``, one by one."""
        columns = (getattr(self, name).tolist() for name in self.__slots__)
        for at_ms, amount, card, device, known_ms in zip(*columns, strict=True):
            whose = card.to_bytes(16)
            keys = Keys(card=whose, customer=whose, device=device.to_bytes(16))
            yield Paid(at_ms, amount, keys, _moment(at_ms), known_ms=known_ms or None)


def made(history: History) -> Table:
    """The table of a history."""
    blank = Paid(0, 0, Keys(card=b"c", customer=b"c", device=b"d"), _moment(0))
    rows = np.repeat(table([blank]).rows, len(history.at_ms), axis=0)
    columns: dict[str, Floats] = {
        "log_amount": np.log1p(history.amount.astype(np.float64)),
        **{name: np.asarray(value, np.float64) for name, value in _moment(history.at_ms).items()},
    }
    cards = _of_key("card", history, history.card, history.device)
    columns |= cards
    for name, value in cards.items():
        if name != "card_devices_24h":
            columns["customer" + name.removeprefix("card")] = value
    columns |= _of_key("device", history, history.device, history.card)
    for name, value in columns.items():
        if name in features.NAMES:
            rows[:, features.NAMES.index(name)] = value
    return Table(rows, history.at_ms, history.known_ms, history.card)


def proven(history: History, data: Table, *, keys: int = 25) -> int:
    """Compares the columns of some cards and some devices with what replaying their payments gives; how many payments
    that were. A card's figures depend on its own payments only, and a device's on its own."""
    compared = 0
    for of, kinds in ((history.card, ("card_", "customer_")), (history.device, ("device_",))):
        chosen = np.isin(of, np.random.default_rng(1).choice(np.unique(of), keys, replace=False))
        others = ("card_", "customer_", "device_")
        places = [n for n, name in enumerate(features.NAMES) if name.startswith(kinds) or not name.startswith(others)]
        replayed = table(history.part(chosen).payments()).rows[:, places]
        wrong = np.flatnonzero((replayed != data.rows[chosen][:, places]).any(axis=0))
        assert not len(wrong), f"not as replayed: {[features.NAMES[places[n]] for n in wrong]}"
        compared += len(replayed)
    return compared


def _moment(at_ms: Any) -> dict[str, Any]:
    return {"hour_of_day": at_ms // HOUR_MS % 24, "day_of_week": (at_ms // DAY_MS + 3) % 7 + 1}


def _of_key(kind: str, history: History, key: Ints, other: Ints) -> dict[str, Floats]:
    """The figures of one kind of key: everything is sorted by key and time, and windows are places in that order."""
    order = np.argsort(key, kind="stable")
    _, number = np.unique(key[order], return_inverse=True)
    now, amount = history.at_ms[order], history.amount[order]
    fraud = history.known_ms[order] > 0
    place, base = np.arange(len(now)), number * _REACH
    times = base + now
    first = np.searchsorted(number, number)

    def since(start: Ints) -> Ints:
        return np.searchsorted(times, base + np.maximum(start, 0))

    spent, frauds = _summed(amount), _summed(fraud)
    start = {"1h": now - HOUR_MS + 1, "24h": (now // HOUR_MS - 23) * HOUR_MS,
             "7d": (now // DAY_MS - 6) * DAY_MS, "30d": (now // DAY_MS - 29) * DAY_MS}  # fmt: skip
    found: dict[str, Floats] = {}
    tried = {window: place - since(from_ms) + 1 for window, from_ms in start.items()}
    for window in ("1h", "24h", "30d"):
        found[f"attempts_{window}"] = tried[window].astype(np.float64)
    found["age_h"] = _hours(now - now[first])

    # What is known now was paid a settling time ago: known frauds are those before ``settled``.
    settled = np.searchsorted(times, base + np.maximum(now - SETTLES_MS, -1), side="right")
    for window in ("7d", "30d"):
        told = np.minimum(since(start[window] - SETTLES_MS), settled)
        found[f"frauds_{window}"] = (frauds[settled] - frauds[told]).astype(np.float64)

    past = np.maximum(first, place - PAST)
    settled_past = np.maximum(settled, past)
    payments, known = place - past, frauds[settled_past] - frauds[past]
    lost, squares, lost_squares = (_summed(one) for one in (amount * fraud, amount**2, amount**2 * fraud))
    honest = payments - known
    money = (spent[place] - spent[past] - (lost[settled_past] - lost[past])).astype(np.float64)
    square = squares[place] - squares[past] - (lost_squares[settled_past] - lost_squares[past])
    some = np.maximum(honest, 1)
    usual = np.round(money / some)
    deviation = np.round(np.sqrt((square * honest - money * money) / (some * some)))

    guilty = np.append(np.flatnonzero(fraud), 0)
    last_ms = now[guilty[frauds[settled_past] - 1]]
    clean = settled_past - np.searchsorted(times, base + last_ms, side="right")
    found["past_payments"], found["past_frauds"] = payments.astype(np.float64), known.astype(np.float64)
    found["clean_since_fraud"] = np.where(known, clean, 0).astype(np.float64)
    never = features.NEVER_H
    found["fraud_last_h"] = np.where(known, _hours(now - last_ms), never)

    # The last settled payment that is not known as fraud, and the known frauds after it: those follow one another.
    innocent = np.append(np.flatnonzero(~fraud), 0)
    innocents = _summed(~fraud)
    some_clean = innocents[settled_past] > innocents[past]
    clean_ms = now[innocent[innocents[settled_past] - 1]]
    found["clean_last_h"] = np.where(some_clean, _hours(now - clean_ms), never)
    after = np.searchsorted(times, np.where(some_clean, base + clean_ms, -1), side="right")
    run = np.minimum(np.maximum(after, past), settled_past)
    in_run = frauds[settled_past] - frauds[run]
    found["fraud_run"] = in_run.astype(np.float64)
    found["fraud_run_first_h"] = np.where(in_run, _hours(now - now[guilty[frauds[run]]]), never)
    lowest, highest = np.zeros(len(now)), np.zeros(len(now))
    for place_run in np.flatnonzero(in_run).tolist():
        of = slice(run[place_run], settled_past[place_run])
        lowest[place_run] = amount[of][fraud[of]].min()
    found["fraud_run_lowest"] = lowest
    fresh = np.maximum(np.searchsorted(times, base + np.maximum(now - SETTLES_MS, -1), side="right"), past)
    money_of = amount.tolist()
    for at, (from_place, to_place) in enumerate(zip(fresh.tolist(), place.tolist(), strict=True)):
        highest[at] = max(money_of[from_place:to_place], default=0)

    week_money = (spent[place + 1] - spent[since(start["7d"])] - amount).astype(np.float64)
    recent = np.where(tried["7d"] > 1, week_money / np.maximum(tried["7d"] - 1, 1), usual)
    there = usual > 0
    divisor = np.where(there, usual, 1)
    found["usual"] = usual * there
    found["ratio"] = np.where(there, amount / divisor, 1.0)
    found["deviation"] = np.where(there, (amount - usual) / np.maximum(deviation, divisor / 10), 0.0)
    found["recent_ratio"] = np.where(there, recent / divisor, 1.0)
    found["highest_ratio"] = np.where(there, highest / divisor, 0.0)
    found["fraud_share"] = features.share(
        found["frauds_30d"], np.maximum(tried["30d"] - tried["7d"], found["frauds_30d"])
    )
    found["devices_24h" if kind == "card" else "cards_24h"] = _different(times, number, now, other[order], start["24h"])
    if kind == "card":
        found["cards_7d"] = np.ones(len(now))
    back = np.empty_like(order)
    back[order] = place
    return {f"{kind}_{name}": value[back] for name, value in found.items()}


def _different(times: Ints, number: Ints, now: Ints, other: Ints, start: Ints) -> Floats:
    """How many different others a key was seen with since ``start``, this one with them."""
    found = np.empty(len(now))
    begin = np.searchsorted(times, number * _REACH + start).tolist()
    others = other.tolist()
    for place, from_place in enumerate(begin):
        found[place] = len(set(others[from_place : place + 1]))
    return found


def _hours(passed: Ints) -> Floats:
    """In thousandths, rounded as Python rounds: numpy's own rounding differs in the last digit."""
    different, place = np.unique(passed, return_inverse=True)
    return np.array([round(max(0, one) / HOUR_MS, 3) for one in different.tolist()])[place]


def _summed(values: NDArray[np.generic]) -> Ints:
    """Before each place, and at the end, the sum of what stands before it."""
    return np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
