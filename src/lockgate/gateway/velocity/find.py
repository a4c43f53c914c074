"""Reads what velocity says of an attempt: all attributes of all its keys in one round trip, exact at any moment."""

from typing import Any

from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.velocity.core.keys import Keys
from lockgate.gateway.velocity.core.measures import day_after, since
from lockgate.gateway.velocity.core.told import Row, Told


async def history(
    pool: Pool | Connection,
    *,
    account: str,
    livemode: bool,
    keys: Keys,
    amount: int,
    now_ms: int,
) -> dict[str, int | float]:
    """The velocity attributes of an attempt over ``amount`` US cents at ``now_ms``, itself counted.

    A key that the payment does not have has no attributes.
    """
    if not any(keys):
        return {}
    rows = await pool.fetch(
        "select part, at_ms, amount, word, fraud_ms, folded, card, customer, ip, device, email, bin, place, windows,"
        " numbers from risk_history_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        *arguments(account, livemode, keys, now_ms=now_ms),
    )
    return (await told(pool, account, livemode, keys=keys, now_ms=now_ms, rows=rows)).attributes(amount)


def arguments(account: str, livemode: bool, keys: Keys, *, now_ms: int) -> tuple[Any, ...]:
    """Those of risk_history_v1, for whoever asks it beside something else."""
    return (account, livemode, *keys, now_ms, since(now_ms), day_after(now_ms))


async def told(
    pool: Pool | Connection,
    account: str,
    livemode: bool,
    *,
    keys: Keys,
    now_ms: int,
    rows: list[Row],
) -> Told:
    """What the rows of risk_history_v1 tell. A key that is used much and not folded yet is asked for once more."""
    found = Told(keys, rows, now_ms=now_ms)
    crowded = found.crowded()
    if crowded:
        found.replace(crowded, await _sums(pool, account, livemode, keys=keys, now_ms=now_ms, kinds=crowded))
    return found


async def _sums(
    pool: Pool | Connection, account: str, livemode: bool, *, keys: Keys, now_ms: int, kinds: list[str]
) -> list[Row]:
    asked = keys._asdict()
    return await pool.fetch(
        "select 2, null::bigint, null::bigint, a.kind, null::bigint, null::int, null, null, null, null, null, null,"
        " null::real[], v.windows, v.numbers from unnest($3::text[], $4::bytea[]) a (kind, key)"
        " cross join lateral risk_velocity_v1($1, $2, a.kind, a.key, $5, $6, $7, $8, $9, $10, $11) v"
        " union all"
        " select 3, p.at_ms, p.amount, a.kind, p.fraud_ms, p.last::int, null, null, null, null, null, null,"
        " p.place, null, null from unnest($3, $4) a (kind, key)"
        " cross join lateral risk_past_v1($1, $2, a.kind, a.key, $12) p where a.kind in ('card', 'customer', 'device')",
        account, livemode, kinds, [asked[kind] for kind in kinds],
        keys.card, keys.customer, keys.ip, keys.device, keys.email, since(now_ms), day_after(now_ms), now_ms,
    )  # fmt: skip
