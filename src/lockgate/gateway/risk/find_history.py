"""Reads in which value lists a payment stands and where its card and customer were last: in one round trip."""

from collections.abc import Sequence
from typing import Any

from lockgate.gateway.storage.database import Connection, Pool


async def lists_and_places(
    pool: Pool | Connection,
    account: str,
    livemode: bool,
    *,
    hashes: Sequence[bytes],
    card: bytes | None,
    customer: bytes | None,
    now_ms: int,
) -> tuple[Sequence[Any], Sequence[Any]]:
    """The columns of risk_memberships_v1, and those of risk_last_places_v1."""
    found = await pool.fetchrow(
        "select m.aliases, m.hashes, m.item_types, m.prefixes,"
        " p.card_place, p.card_at_ms, p.customer_place, p.customer_at_ms"
        " from risk_memberships_v1($1, $2, $3) m, risk_last_places_v1($1, $2, $4, $5, $6) p",
        account,
        livemode,
        list(hashes),
        card,
        customer,
        now_ms,
    )
    assert found is not None, "both functions give one row"
    row = tuple(found)
    return row[:4], row[4:]
