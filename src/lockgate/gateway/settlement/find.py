"""Reads of balance transactions, the account and mode first."""

from collections.abc import Sequence

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page, no_cursor
from lockgate.gateway.storage.rows import BalanceTransactionRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


async def balance_transaction(pool: Pool, principal: Principal, id_: str) -> BalanceTransactionRow:
    """One movement; missing for anybody else's."""
    rows = await balance_transactions_by_id(pool, principal, [id_])
    if not rows:
        raise missing("balance transaction", id_)
    return rows[0]


async def balance_transactions_by_id(
    pool: Pool, principal: Principal, ids: Sequence[str]
) -> list[BalanceTransactionRow]:
    """Those of ``ids`` that exist."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, type, status, amount, fee, net, currency, source,"
        " available_on, data from balance_transaction where account = $1 and livemode = $2 and id = any($3::text[])",
        principal.account,
        principal.livemode,
        list(ids),
    )
    return [BalanceTransactionRow(*row) for row in rows]


async def balance_transactions(
    pool: Pool,
    principal: Principal,
    *,
    page: Page,
    created: dict[str, int],
    currency: str | None,
    source: str | None,
    type_: str | None,
    payout: str | None,
) -> list[BalanceTransactionRow]:
    """One row more than the page holds, in the page's direction."""
    cursor = page.after or page.before
    if cursor is not None and not await balance_transactions_by_id(pool, principal, [cursor]):
        raise no_cursor("balance transaction", page)
    filters = (
        principal.account,
        principal.livemode,
        cursor,
        created.get("eq"),
        created.get("gt"),
        created.get("gte"),
        created.get("lt"),
        created.get("lte"),
        currency,
        source,
        type_,
        payout,
        page.limit + 1,
    )
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, type, status, amount, fee, net, currency, source,"
            " available_on, data from balance_transaction t where account = $1 and livemode = $2"
            " and ($3::text is null or id > $3) and ($4::bigint is null or created = $4)"
            " and ($5::bigint is null or created > $5) and ($6::bigint is null or created >= $6)"
            " and ($7::bigint is null or created < $7) and ($8::bigint is null or created <= $8)"
            " and ($9::text is null or currency = $9) and ($10::text is null or source = $10)"
            " and ($11::text is null or type = $11) and ($12::text is null or exists (select from payout_line l"
            "  where l.account = $1 and l.livemode = $2 and l.payout = $12 and l.id = t.id)) order by id limit $13",
            *filters,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, type, status, amount, fee, net, currency, source,"
            " available_on, data from balance_transaction t where account = $1 and livemode = $2"
            " and ($3::text is null or id < $3) and ($4::bigint is null or created = $4)"
            " and ($5::bigint is null or created > $5) and ($6::bigint is null or created >= $6)"
            " and ($7::bigint is null or created < $7) and ($8::bigint is null or created <= $8)"
            " and ($9::text is null or currency = $9) and ($10::text is null or source = $10)"
            " and ($11::text is null or type = $11) and ($12::text is null or exists (select from payout_line l"
            "  where l.account = $1 and l.livemode = $2 and l.payout = $12 and l.id = t.id))"
            " order by id desc limit $13",
            *filters,
        )
    return [BalanceTransactionRow(*row) for row in rows]


async def default_currency(pool: Pool, principal: Principal) -> str:
    """The currency that the account thinks in."""
    return await pool.fetchval("select default_currency from account where id = $1", principal.account)
