"""Reads of mandates, the account and mode first."""

from collections.abc import Sequence

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.records import MandateRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


async def mandate(pool: Pool, principal: Principal, id_: str) -> MandateRow:
    """One mandate; missing for anybody else's."""
    rows = await mandates(pool, principal, [id_])
    if not rows:
        raise missing("mandate", id_, param="mandate")
    return rows[0]


async def mandates(pool: Pool, principal: Principal, ids: Sequence[str]) -> list[MandateRow]:
    """Those of ``ids`` that exist."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, status, type, payment_method, intent, subject, data, personal"
        " from mandate where account = $1 and livemode = $2 and id = any($3::text[])",
        principal.account,
        principal.livemode,
        list(ids),
    )
    return [MandateRow(*row) for row in rows]


async def active_of(pool: Pool, principal: Principal, methods: Sequence[str]) -> list[MandateRow]:
    """The mandates by which these payment methods may still be charged."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, status, type, payment_method, intent, subject, data, personal"
        " from mandate where account = $1 and livemode = $2 and payment_method = any($3::text[])"
        " and status = 'active' order by id",
        principal.account,
        principal.livemode,
        list(methods),
    )
    return [MandateRow(*row) for row in rows]
