"""Reads all of a payment's history in one round trip: its counts and habits, its value lists, where it was last."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from lockgate.gateway.scoring.core import habits
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.velocity import find as find_velocity
from lockgate.gateway.velocity.core.keys import Keys
from lockgate.gateway.velocity.core.told import Told

_COUNTED = (
    "select part, at_ms, amount, word, fraud_ms, folded, card, customer, ip, device, email, bin, place, windows,"
    " numbers, null::text[], null::bytea[], null::text[], null::smallint[]"
    " from risk_history_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
    " union all"
    " select 4, null, null, null, null, null, null, null, null, null, null, null, null, null, null,"
)
_IN_LISTS = " m.aliases, m.hashes, m.item_types, m.prefixes from risk_memberships_v1($1, $2, $12) m"
_WITHOUT_LISTS = (
    " null, null, array_agg(distinct l.item_type), null from value_list l"
    " where l.account = $1 and l.livemode = $2 and not l.deleted"
)
"""Where the account is believed to have no list: whether that is so, and nothing more."""
_LISTS = 4


class History(NamedTuple):
    """``counted`` are attributes; ``lists`` the columns of risk_memberships_v1; ``last`` is where and when the card and
    the customer were seen last, each None where nobody knows."""

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
    given = find_velocity.arguments(account, livemode, keys, now_ms=now_ms)
    if hashes is None:
        rows = await pool.fetch(_COUNTED + _WITHOUT_LISTS, *given)
    else:
        rows = await pool.fetch(_COUNTED + _IN_LISTS, *given, list(hashes))
    lists = rows.pop()
    assert lists[0] == _LISTS, "what was asked for last is told last"
    told = await find_velocity.told(pool, account, livemode, keys=keys, now_ms=now_ms, rows=rows)
    counted = told.attributes(amount)
    counted |= _habits(told)
    return History(counted, lists[15:], (*told.last_place("card"), *told.last_place("customer")))


def _habits(told: Told) -> dict[str, int | float]:
    found: dict[str, int | float] = {}
    before, sums = None, None
    for kind in habits.KINDS:
        if getattr(told.keys, kind) is not None:
            paid = told.payments(kind, habits.PAST)
            if paid is not before:  # most often the very same as with the key before
                before, sums = paid, habits.add_up(paid, now_ms=told.now_ms) if paid else None
            found.update(habits.attributes(kind, sums, now_ms=told.now_ms))
    return found
