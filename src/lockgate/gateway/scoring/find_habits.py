"""Reads the habits of a payment's card, customer and device: one round trip, at most fifty rows of each."""

from collections.abc import Iterable, Sequence
from typing import Any

from lockgate.gateway.scoring.core.habits import KINDS, PAST, SETTLES_MS, Sums, attributes
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.velocity.core.keys import Keys


async def habits(
    pool: Pool | Connection, *, account: str, livemode: bool, keys: Keys, now_ms: int
) -> dict[str, int | float]:
    """What the payments before this one were like; a key that the payment does not have has no habits."""
    asked = [getattr(keys, kind) for kind in KINDS]
    if not any(asked):
        return {}
    rows = await pool.fetch(
        "select kind, payments, honest, amount, squares, last_ms, clean, highest,"
        " clean_ms, run, run_ms, run_lowest"
        " from risk_habits_v1($1, $2, $3, $4, $5, $6, $7, $8)",
        account, livemode, *asked, now_ms, PAST, SETTLES_MS,
    )  # fmt: skip
    return answer(keys, rows, now_ms=now_ms)


def answer(keys: Keys, rows: Iterable[Sequence[Any]], *, now_ms: int) -> dict[str, int | float]:
    """The attributes that the columns of risk_habits_v1 say, for whoever asks for them beside others."""
    counted = {
        kind: Sums(payments, honest, int(amount), int(squares), *rest)
        for kind, payments, honest, amount, squares, *rest in rows
    }
    found: dict[str, int | float] = {}
    for kind in KINDS:
        if getattr(keys, kind) is not None:
            found.update(attributes(kind, counted.get(kind), now_ms=now_ms))
    return found
