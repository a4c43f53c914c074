"""Reads of payouts and of when they are made, the account and mode first."""

from collections.abc import Sequence

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page, no_cursor
from lockgate.gateway.storage.records import PayoutLineRow, PayoutRow, PayoutScheduleRow
from lockgate.gateway.storage.rows import BalanceTransactionRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


async def payout(pool: Pool, principal: Principal, id_: str, *, param: str = "payout") -> PayoutRow:
    """One payout; missing for anybody else's."""
    rows = await payouts_by_id(pool, principal, [id_])
    if not rows:
        raise missing("payout", id_, param=param)
    return rows[0]


async def payouts_by_id(pool: Pool, principal: Principal, ids: Sequence[str]) -> list[PayoutRow]:
    """Those of ``ids`` that exist."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, status, amount, currency, arrival_date, automatic, ask_at,"
        " attempt, balance_transaction, processor, processor_reference, data from payout"
        " where account = $1 and livemode = $2 and id = any($3::text[])",
        principal.account,
        principal.livemode,
        list(ids),
    )
    return [PayoutRow(*row) for row in rows]


async def payout_by_reference(pool: Pool, principal: Principal, reference: str) -> PayoutRow | None:
    """The payout that its processor calls ``reference``."""
    row = await pool.fetchrow(
        "select account, livemode, id, version, created, status, amount, currency, arrival_date, automatic, ask_at,"
        " attempt, balance_transaction, processor, processor_reference, data from payout"
        " where account = $1 and livemode = $2 and processor_reference = $3",
        principal.account,
        principal.livemode,
        reference,
    )
    return None if row is None else PayoutRow(*row)


async def payouts(
    pool: Pool,
    principal: Principal,
    *,
    page: Page,
    created: dict[str, int],
    arrival_date: dict[str, int],
    status: str | None,
) -> list[PayoutRow]:
    """One row more than the page holds, in the page's direction."""
    cursor = page.after or page.before
    if cursor is not None and not await payouts_by_id(pool, principal, [cursor]):
        raise no_cursor("payout", page)
    bounds = ("eq", "gt", "gte", "lt", "lte")
    filters = (
        principal.account,
        principal.livemode,
        cursor,
        *(created.get(bound) for bound in bounds),
        *(arrival_date.get(bound) for bound in bounds),
        status,
        page.limit + 1,
    )
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, status, amount, currency, arrival_date, automatic, ask_at,"
            " attempt, balance_transaction, processor, processor_reference, data from payout"
            " where account = $1 and livemode = $2 and ($3::text is null or id > $3)"
            " and ($4::bigint is null or created = $4) and ($5::bigint is null or created > $5)"
            " and ($6::bigint is null or created >= $6) and ($7::bigint is null or created < $7)"
            " and ($8::bigint is null or created <= $8) and ($9::bigint is null or arrival_date = $9)"
            " and ($10::bigint is null or arrival_date > $10) and ($11::bigint is null or arrival_date >= $11)"
            " and ($12::bigint is null or arrival_date < $12) and ($13::bigint is null or arrival_date <= $13)"
            " and ($14::text is null or status = $14) order by id limit $15",
            *filters,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, status, amount, currency, arrival_date, automatic, ask_at,"
            " attempt, balance_transaction, processor, processor_reference, data from payout"
            " where account = $1 and livemode = $2 and ($3::text is null or id < $3)"
            " and ($4::bigint is null or created = $4) and ($5::bigint is null or created > $5)"
            " and ($6::bigint is null or created >= $6) and ($7::bigint is null or created < $7)"
            " and ($8::bigint is null or created <= $8) and ($9::bigint is null or arrival_date = $9)"
            " and ($10::bigint is null or arrival_date > $10) and ($11::bigint is null or arrival_date >= $11)"
            " and ($12::bigint is null or arrival_date < $12) and ($13::bigint is null or arrival_date <= $13)"
            " and ($14::text is null or status = $14) order by id desc limit $15",
            *filters,
        )
    return [PayoutRow(*row) for row in rows]


async def schedule(pool: Pool, principal: Principal) -> PayoutScheduleRow | None:
    """When money is paid out by the clock, once that was said."""
    row = await pool.fetchrow(
        "select account, livemode, id, version, created, interval, anchor, delay_days, due_at, done"
        " from payout_schedule where account = $1 and livemode = $2",
        principal.account,
        principal.livemode,
    )
    return None if row is None else PayoutScheduleRow(*row)


async def currencies(pool: Pool, principal: Principal) -> list[str]:
    """The currencies in which there is something available to pay out."""
    rows = await pool.fetch(
        "select currency from ("
        " select currency, amount from balance where account = $1 and livemode = $2 and ledger = 'merchant:available'"
        " union all"
        " select currency, amount from balance_delta"
        "  where account = $1 and livemode = $2 and ledger = 'merchant:available'"
        ") parts group by currency having sum(amount) > 0 order by currency",
        principal.account,
        principal.livemode,
    )
    return [row["currency"] for row in rows]


async def unpaid(
    pool: Pool, principal: Principal, currency: str, *, taken_before: int, limit: int
) -> list[tuple[BalanceTransactionRow, int]]:
    """Available movements that no automatic payout has taken, oldest first, each with its line's version, 0 for none.

    A charge waits until it was made before ``taken_before``; what takes money away never waits and comes first, so that
    the sum is never more than what is available.
    """
    rows = await pool.fetch(
        "select t.account, t.livemode, t.id, t.version, t.created, t.type, t.status, t.amount, t.fee, t.net,"
        " t.currency, t.source, t.available_on, t.data, coalesce(l.version, 0) from balance_transaction t"
        " left join payout_line l on l.account = $1 and l.livemode = $2 and l.id = t.id"
        " where t.account = $1 and t.livemode = $2 and t.currency = $3 and t.status = 'available' and l.payout is null"
        " and (t.type <> 'charge' or t.net < 0 or t.created <= $4) order by t.net >= 0, t.id limit $5",
        principal.account,
        principal.livemode,
        currency,
        taken_before,
        limit,
    )
    return [(BalanceTransactionRow(*row[:14]), row[14]) for row in rows]


async def lines(pool: Pool, principal: Principal, payout: str) -> list[PayoutLineRow]:
    """Which movements ``payout`` has taken."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, payout from payout_line"
        " where account = $1 and livemode = $2 and payout = $3 order by id",
        principal.account,
        principal.livemode,
        payout,
    )
    return [PayoutLineRow(*row) for row in rows]


async def paying_out(pool: Pool, principal: Principal) -> bool:
    """Whether an order to pay out is out of which not even the first answer is written."""
    return await pool.fetchval(
        "select exists (select from attempt where account = $1 and livemode = $2 and action = 'payout'"
        " and state = 'open')",
        principal.account,
        principal.livemode,
    )
