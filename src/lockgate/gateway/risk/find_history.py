"""Reads all of a payment's history in one round trip: its counts and habits, its value lists, where it was last."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from lockgate.gateway.scoring import find_habits
from lockgate.gateway.scoring.core.habits import PAST, SETTLES_MS
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.velocity import find as find_velocity
from lockgate.gateway.velocity.core.keys import Keys

_READ = (
    "select 0, kind, others, windows, numbers, null::numeric[], null::text[], null::bytea[], null::text[],"
    " null::smallint[], null::real[], null::bigint, null::real[], null::bigint"
    " from risk_velocity_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    " union all"
    " select 1, kind, null, null, null, array[payments, honest, amount, squares, last_ms, clean, highest,"
    "  clean_ms, run, run_ms, run_lowest], null, null, null, null, null, null, null, null"
    " from risk_habits_v1($1, $2, $11, $12, $13, $8, $14, $15)"
    " union all"
    " select 2, null, null, null, null, null, m.aliases, m.hashes, m.item_types, m.prefixes,"
    "  p.card_place, p.card_at_ms, p.customer_place, p.customer_at_ms"
    " from risk_memberships_v1($1, $2, $16) m, risk_last_places_v1($1, $2, $11, $12, $8) p"
)


class History(NamedTuple):
    """``counted`` are attributes; ``lists`` the columns of risk_memberships_v1, ``last`` those of
    risk_last_places_v1."""

    counted: dict[str, int | float]
    lists: Sequence[Any]
    last: Sequence[Any]


async def history(
    pool: Pool | Connection,
    account: str,
    livemode: bool,
    *,
    keys: Keys,
    amount: int,
    now_ms: int,
    hashes: Sequence[bytes],
) -> History:
    """All of it, as of one moment. ``amount`` is in US cents; ``hashes`` are looked for in value lists."""
    put = find_velocity.question(account=account, livemode=livemode, keys=keys, amount=amount, now_ms=now_ms)
    rows = await pool.fetch(
        _READ, *put.arguments, keys.card, keys.customer, keys.device, PAST, SETTLES_MS, list(hashes)
    )
    parts: tuple[list[Any], list[Any], list[Any]] = ([], [], [])
    for row in rows:
        parts[row[0]].append(row)
    [rest] = parts[2]
    return History(
        counted={
            **find_velocity.answer(put, [row[1:5] for row in parts[0]]),
            **find_habits.answer(keys, [_habit(row) for row in parts[1]], now_ms=now_ms),
        },
        lists=rest[6:10],
        last=rest[10:14],
    )


def _habit(row: Sequence[Any]) -> tuple[Any, ...]:
    return row[1], *(None if number is None else int(number) for number in row[5])
