"""Reads what velocity says of an attempt: all attributes of all its keys in one round trip, exact at any moment."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.velocity.core.keys import Keys
from lockgate.gateway.velocity.core.measures import (
    DISTINCT_WINDOWS,
    FRAUD_WINDOWS,
    KIND_OF,
    KINDS,
    MEASURES,
    NAMES,
    OTHERS,
    WINDOWS,
    age_h,
    day_after,
    since,
)


def _places(windows: Sequence[str]) -> list[int]:
    return [WINDOWS.index(window) for window in windows]


_COLUMNS = {kind: {others: place for place, others in enumerate(OTHERS[kind])} for kind in KINDS}
_FOLDED = ("cards", "customers", "ips", "devices", "emails")
"""The others in the order in which folded counts tell them."""

_FRAUDS_AT = len(WINDOWS) * len(MEASURES)
_OTHERS_AT = _FRAUDS_AT + len(FRAUD_WINDOWS)
_COUNTED = {mask: [len(MEASURES) * n for n in range(len(WINDOWS)) if mask >> n & 1] for mask in range(32)}
_FRAUD_IN = {
    mask: [_FRAUDS_AT + n for n, at in enumerate(_places(FRAUD_WINDOWS)) if mask >> at & 1] for mask in range(32)
}
_SEEN_IN = {mask: [n for n, at in enumerate(_places(DISTINCT_WINDOWS)) if mask >> at & 1] for mask in range(32)}
"""By the windows that a row counts into, as bits: where its numbers are added."""


class Question(NamedTuple):
    """What is asked of one attempt: ``arguments`` are those of risk_velocity_v1, ``asked`` the keys by kind."""

    asked: Mapping[str, bytes]
    amount: int
    now_ms: int
    arguments: tuple[Any, ...]


async def history(
    pool: Pool | Connection,
    *,
    account: str,
    livemode: bool,
    keys: Keys,
    amount: int,
    now_ms: int,
    kinds: Collection[str] = KINDS,
) -> dict[str, int | float]:
    """The velocity attributes of an attempt over ``amount`` US cents at ``now_ms``, itself counted.

    Only keys of ``kinds`` are asked for: whoever needs fewer pays for fewer. A key that the payment does not have has
    no attributes.
    """
    put = question(account=account, livemode=livemode, keys=keys, amount=amount, now_ms=now_ms, kinds=kinds)
    if not put.asked:
        return {}
    rows = await pool.fetch(
        "select kind, others, windows, numbers from risk_velocity_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *put.arguments,
    )
    return answer(put, rows)


def question(
    *, account: str, livemode: bool, keys: Keys, amount: int, now_ms: int, kinds: Collection[str] = KINDS
) -> Question:
    """The question of ``history``, for whoever asks it beside others in one statement."""
    asked = {kind: key for kind, key in zip(KINDS, keys, strict=True) if key is not None and kind in kinds}
    pairs = [
        (kind, others, other)
        for kind in asked
        for others in OTHERS[kind]
        if (other := getattr(keys, KIND_OF[others])) is not None
    ]
    return Question(
        asked, amount, now_ms,
        (
            account, livemode, list(asked), list(asked.values()),
            [kind for kind, _, _ in pairs], [others for _, others, _ in pairs], [other for _, _, other in pairs],
            now_ms, since(now_ms), day_after(now_ms),
        ),
    )  # fmt: skip


def answer(put: Question, rows: Iterable[Sequence[Any]]) -> dict[str, int | float]:
    """The attributes that ``rows`` (kind, others, windows, numbers) say."""
    asked, amount, now_ms = put.asked, put.amount, put.now_ms
    values = {kind: [0] * len(NAMES[kind]) for kind in asked}
    first = dict.fromkeys(asked, now_ms)
    for kind, others, windows, numbers in rows:
        sums = values[kind]
        if others is not None:
            _add_others(sums, _COLUMNS[kind].get(others), windows, numbers[0])
            continue
        if numbers[0] is not None and numbers[0] < first[kind]:
            first[kind] = numbers[0]
        if not windows:
            continue
        _, attempts, money, declines, blocks, *more = numbers
        for place in _COUNTED[windows]:
            sums[place] += attempts
            sums[place + 1] += money
            sums[place + 2] += declines
            sums[place + 3] += blocks
        if more and more[0]:
            for place in _FRAUD_IN[windows]:
                sums[place] += more[0]
        for told, number in zip(_FOLDED, more[1:], strict=False):
            _add_others(sums, _COLUMNS[kind].get(told), windows, number)
    found: dict[str, int | float] = {}
    for kind, sums in values.items():
        for place in _COUNTED[31]:
            sums[place] += 1
            sums[place + 1] += amount
        found.update(zip(NAMES[kind], sums, strict=True))
        found[f"{kind}_age_h"] = age_h(first[kind], now_ms)
    return found


def _add_others(sums: list[int], column: int | None, windows: int, number: int) -> None:
    """``number`` more of the others in ``column``; None: nobody asks for those."""
    if number and column is not None:
        start = _OTHERS_AT + column * len(DISTINCT_WINDOWS)
        for place in _SEEN_IN[windows]:
            sums[start + place] += number
