"""Reads what velocity says of an attempt: all attributes of all its keys in one round trip, exact at any moment."""

from collections.abc import Collection

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

_DISTINCT_AT = {
    (kind, others): len(WINDOWS) * len(MEASURES) + len(FRAUD_WINDOWS) + place * len(DISTINCT_WINDOWS)
    for kind in KINDS
    for place, others in enumerate(OTHERS[kind])
}
_OWN_ATTEMPTS = range(0, len(WINDOWS) * len(MEASURES), len(MEASURES))


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
    asked = {kind: key for kind, key in zip(KINDS, keys, strict=True) if key is not None and kind in kinds}
    if not asked:
        return {}
    pairs = [
        (kind, others, other)
        for kind in asked
        for others in OTHERS[kind]
        if (other := getattr(keys, KIND_OF[others])) is not None
    ]
    rows = await pool.fetch(
        "select kind, others, numbers from risk_velocity_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        account, livemode, list(asked), list(asked.values()),
        [kind for kind, _, _ in pairs], [others for _, others, _ in pairs], [other for _, _, other in pairs],
        now_ms, since(now_ms), day_after(now_ms),
    )  # fmt: skip
    values = {kind: [0] * len(NAMES[kind]) for kind in asked}
    first = dict.fromkeys(asked, now_ms)
    for kind, others, numbers in rows:
        if others is None:
            if numbers[0] is not None and numbers[0] < first[kind]:
                first[kind] = numbers[0]
            place, counted = 0, numbers[1:]
        else:
            place, counted = _DISTINCT_AT[kind, others], numbers
        sums = values[kind]
        for number in counted:
            if number:
                sums[place] += number
            place += 1
    found: dict[str, int | float] = {}
    for kind, sums in values.items():
        for place in _OWN_ATTEMPTS:
            sums[place] += 1
            sums[place + 1] += amount
        found.update(zip(NAMES[kind], sums, strict=True))
        found[f"{kind}_age_h"] = age_h(first[kind], now_ms)
    return found
