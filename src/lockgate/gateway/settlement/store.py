"""Settlement's own statements: what has come due, of all accounts, for the clock to move.

Each account has its own time: ``ahead`` is the most that any is ahead of ``now``, and finds the rows by their index.
"""

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.records import PayoutRow, PayoutScheduleRow
from lockgate.gateway.storage.rows import BalanceTransactionRow


async def due(pool: Pool, *, now: int, ahead: int, limit: int) -> list[BalanceTransactionRow]:
    """The longest-due pending movements, whoever's they are; of one moment, what takes money away first.

    What is fetched back from a bank waits until it is there, however long that takes.
    """
    rows = await pool.fetch(
        "select account, livemode, id, version, created, type, status, amount, fee, net, currency, source,"
        " available_on, data from balance_transaction t where status = 'pending'"
        " and available_on <= $1::bigint + $2::bigint and available_on <= $1 + coalesce((select c.offset_s"
        "  from test_clock c where c.account = t.account and c.livemode = t.livemode), 0)"
        " and not (t.type = 'payout' and exists (select from payout p where p.account = t.account"
        "  and p.livemode = t.livemode and p.id = t.source and p.status in ('pending', 'in_transit')))"
        " order by available_on, net limit $3",
        now,
        ahead,
        limit,
    )
    return [BalanceTransactionRow(*row) for row in rows]


async def payouts_to_ask(pool: Pool, *, now: int, ahead: int, limit: int) -> list[PayoutRow]:
    """Payouts of which it is time to ask where they are."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, status, amount, currency, arrival_date, automatic, ask_at,"
        " attempt, balance_transaction, processor, processor_reference, data from payout t"
        " where ask_at <= $1::bigint + $2::bigint and ask_at <= $1 + coalesce((select c.offset_s"
        "  from test_clock c where c.account = t.account and c.livemode = t.livemode), 0)"
        " order by ask_at limit $3",
        now,
        ahead,
        limit,
    )
    return [PayoutRow(*row) for row in rows]


async def schedules_due(pool: Pool, *, now: int, ahead: int, limit: int) -> list[PayoutScheduleRow]:
    """Accounts and modes whose day of paying out has come."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, interval, anchor, delay_days, due_at, done"
        " from payout_schedule t where due_at <= $1::bigint + $2::bigint and due_at <= $1 + coalesce((select c.offset_s"
        "  from test_clock c where c.account = t.account and c.livemode = t.livemode), 0)"
        " order by due_at limit $3",
        now,
        ahead,
        limit,
    )
    return [PayoutScheduleRow(*row) for row in rows]
