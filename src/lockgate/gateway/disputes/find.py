"""Reads of disputes and of what hangs on them: always by the principal's account and mode first."""

from collections.abc import Sequence

from lockgate.gateway.customers.find import bounds
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page, no_cursor
from lockgate.gateway.storage.records import DisputeRow
from lockgate.gateway.storage.rows import BalanceTransactionRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


async def dispute(pool: Pool, principal: Principal, id_: str) -> DisputeRow:
    """One dispute; missing for anybody else's."""
    found = await disputes(pool, principal, [id_])
    if not found:
        raise missing("dispute", id_)
    return found[0]


async def disputes(pool: Pool, principal: Principal, ids: Sequence[str]) -> list[DisputeRow]:
    """Those of ``ids`` that exist."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, status, reason, charge, intent, amount, currency, due_by,"
        " ask_at, attempt, processor, processor_reference, subject, data, personal from dispute"
        " where account = $1 and livemode = $2 and id = any($3::text[])",
        principal.account,
        principal.livemode,
        ids,
    )
    return [DisputeRow(*row) for row in rows]


async def dispute_called(pool: Pool, principal: Principal, processor: str, *, reference: str) -> DisputeRow | None:
    """The dispute that ``processor`` calls ``reference``, if we know it."""
    row = await pool.fetchrow(
        "select account, livemode, id, version, created, status, reason, charge, intent, amount, currency, due_by,"
        " ask_at, attempt, processor, processor_reference, subject, data, personal from dispute"
        " where account = $1 and livemode = $2 and processor = $3 and processor_reference = $4",
        principal.account,
        principal.livemode,
        processor,
        reference,
    )
    return DisputeRow(*row) if row else None


async def dispute_page(
    pool: Pool,
    principal: Principal,
    page: Page,
    *,
    charge: str | None,
    intent: str | None,
    created: dict[str, int],
) -> list[DisputeRow]:
    """One row more than the page holds."""
    cursor = page.before if page.backwards else page.after
    if cursor is not None and not await disputes(pool, principal, [cursor]):
        raise no_cursor("dispute", page)
    values = (principal.account, principal.livemode, page.limit + 1, cursor, charge, intent, *bounds(created))
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, status, reason, charge, intent, amount, currency, due_by,"
            " ask_at, attempt, processor, processor_reference, subject, data, personal from dispute"
            " where account = $1 and livemode = $2 and id > $4 and ($5::text is null or charge = $5)"
            " and ($6::text is null or intent = $6) and created between $7 and $8 order by id limit $3",
            *values,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, status, reason, charge, intent, amount, currency, due_by,"
            " ask_at, attempt, processor, processor_reference, subject, data, personal from dispute"
            " where account = $1 and livemode = $2 and id < coalesce($4, 'e') and ($5::text is null or charge = $5)"
            " and ($6::text is null or intent = $6) and created between $7 and $8 order by id desc limit $3",
            *values,
        )
    return [DisputeRow(*row) for row in rows]


async def transactions(pool: Pool, principal: Principal, ids: Sequence[str]) -> list[BalanceTransactionRow]:
    """The movements that disputes have caused, oldest first."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, type, status, amount, fee, net, currency, source,"
        " available_on, data from balance_transaction where account = $1 and livemode = $2 and id = any($3::text[])"
        " order by id",
        principal.account,
        principal.livemode,
        ids,
    )
    return [BalanceTransactionRow(*row) for row in rows]
