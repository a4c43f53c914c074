"""Reads all of a payment's history in one round trip: its counts and habits, its value lists, where it was last."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from lockgate.gateway.scoring import find_habits
from lockgate.gateway.scoring.core.habits import PAST, SETTLES_MS
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.velocity import find as find_velocity
from lockgate.gateway.velocity.core.keys import Keys

_COUNTED = (
    "select 0, kind, others, windows, numbers, null::numeric, null::text[], null::bytea[], null::text[],"
    " null::smallint[], null::real[], null::bigint, null::real[], null::bigint"
    " from risk_velocity_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    " union all"
    " select 1, kind, null, null, array[payments, honest, amount::bigint, settled, settled_frauds, first_ms, last_ms,"
    "  clean], squares, null, null, null, null, null, null, null, null"
    " from risk_habits_v1($1, $2, $11, $12, $13, $8, $14, $15)"
    " union all"
)
_IN_LISTS = (
    " select 2, null, null, null, null, null, m.aliases, m.hashes, m.item_types, m.prefixes,"
    "  p.card_place, p.card_at_ms, p.customer_place, p.customer_at_ms"
    " from risk_last_places_v1($1, $2, $11, $12, $8) p, risk_memberships_v1($1, $2, $16) m"
)
_WITHOUT_LISTS = (
    " select 2, null, null, null, null, null, null, null,"
    "  (select array_agg(distinct l.item_type) from value_list l"
    "   where l.account = $1 and l.livemode = $2 and not l.deleted), null,"
    "  p.card_place, p.card_at_ms, p.customer_place, p.customer_at_ms"
    " from risk_last_places_v1($1, $2, $11, $12, $8) p"
)
"""Where the account is believed to have no list: whether that is so, and nothing more."""


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
    hashes: Sequence[bytes] | None,
) -> History:
    """All of it, as of one moment. ``amount`` is in US cents; ``hashes`` are looked for in value lists, None: there is
    no list in which to look."""
    put = find_velocity.question(account=account, livemode=livemode, keys=keys, amount=amount, now_ms=now_ms)
    given = (*put.arguments, keys.card, keys.customer, keys.device, PAST, SETTLES_MS)
    if hashes is None:
        rows = await pool.fetch(_COUNTED + _WITHOUT_LISTS, *given)
    else:
        rows = await pool.fetch(_COUNTED + _IN_LISTS, *given, list(hashes))
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
    payments, honest, amount, *rest = row[4]
    return row[1], payments, honest, amount, row[5], *rest
