"""Reads of refunds, the account and mode first."""

from collections.abc import Sequence

from lockgate.gateway.customers.find import bounds
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page, no_cursor
from lockgate.gateway.storage.rows import BalanceTransactionRow, RefundRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


async def refund(pool: Pool, principal: Principal, id_: str) -> RefundRow:
    """One refund; missing for anybody else's."""
    rows = await refunds(pool, principal, [id_])
    if not rows:
        raise missing("refund", id_)
    return rows[0]


async def refunds(pool: Pool, principal: Principal, ids: Sequence[str]) -> list[RefundRow]:
    """Those of ``ids`` that exist."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, status, charge, intent, amount, currency,"
        " balance_transaction, data from refund where account = $1 and livemode = $2 and id = any($3::text[])",
        principal.account,
        principal.livemode,
        list(ids),
    )
    return [RefundRow(*row) for row in rows]


async def refund_page(
    pool: Pool, principal: Principal, page: Page, *, charge: str | None, intent: str | None, created: dict[str, int]
) -> list[RefundRow]:
    """One row more than the page holds, in the page's direction; of one charge or intent if given."""
    cursor = page.after or page.before
    if cursor is not None and not await refunds(pool, principal, [cursor]):
        raise no_cursor("refund", page)
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, status, charge, intent, amount, currency,"
            " balance_transaction, data from refund where account = $1 and livemode = $2"
            " and id > $4 and created between $5 and $6"
            " and ($7::text is null or charge = $7) and ($8::text is null or intent = $8) order by id limit $3",
            *(principal.account, principal.livemode, page.limit + 1, cursor, *bounds(created), charge, intent),
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, status, charge, intent, amount, currency,"
            " balance_transaction, data from refund where account = $1 and livemode = $2"
            " and ($4::text is null or id < $4) and created between $5 and $6"
            " and ($7::text is null or charge = $7) and ($8::text is null or intent = $8) order by id desc limit $3",
            *(principal.account, principal.livemode, page.limit + 1, cursor, *bounds(created), charge, intent),
        )
    return [RefundRow(*row) for row in rows]


async def of_charges(pool: Pool, principal: Principal, charges: Sequence[str], *, limit: int) -> list[RefundRow]:
    """The newest ``limit`` refunds of each of ``charges``, newest first."""
    rows = await pool.fetch(
        "select r.account, r.livemode, r.id, r.version, r.created, r.status, r.charge, r.intent, r.amount, r.currency,"
        " r.balance_transaction, r.data from unnest($3::text[]) wanted (id) cross join lateral ("
        "  select * from refund where account = $1 and livemode = $2 and charge = wanted.id order by id desc limit $4"
        " ) r",
        principal.account,
        principal.livemode,
        list(charges),
        limit,
    )
    return [RefundRow(*row) for row in rows]


async def taken(pool: Pool, principal: Principal, charge: str) -> list[BalanceTransactionRow]:
    """What was taken on ``charge``, a movement for each capture, the first one first."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, type, status, amount, fee, net, currency, source,"
        " available_on, data from balance_transaction where account = $1 and livemode = $2 and source = $3"
        " and type = 'charge' order by created, id",
        principal.account,
        principal.livemode,
        charge,
    )
    return [BalanceTransactionRow(*row) for row in rows]


async def fees_returned(pool: Pool, principal: Principal, charge: str) -> int:
    """How much of the fees for ``charge`` came back with its refunds, less what went again with those that failed."""
    return await pool.fetchval(
        "select coalesce(-sum(t.fee), 0)::bigint from refund r join balance_transaction t"
        " on t.account = $1 and t.livemode = $2 and t.source = r.id"
        " where r.account = $1 and r.livemode = $2 and r.charge = $3",
        principal.account,
        principal.livemode,
        charge,
    )


async def transaction(pool: Pool, principal: Principal, id_: str) -> BalanceTransactionRow:
    """The balance transaction ``id_``, which a refund names."""
    row = await pool.fetchrow(
        "select account, livemode, id, version, created, type, status, amount, fee, net, currency, source,"
        " available_on, data from balance_transaction where account = $1 and livemode = $2 and id = $3",
        principal.account,
        principal.livemode,
        id_,
    )
    assert row is not None, "what was given back has its balance transaction"
    return BalanceTransactionRow(*row)
