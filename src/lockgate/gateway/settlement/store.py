"""Settlement's own statement: what has become available, of all accounts, for the clock to move."""

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.rows import BalanceTransactionRow


async def due(pool: Pool, *, now: int, limit: int) -> list[BalanceTransactionRow]:
    """The longest-due pending movements, whoever's they are."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, type, status, amount, fee, net, currency, source,"
        " available_on, data from balance_transaction where status = 'pending' and available_on <= $1"
        " order by available_on limit $2",
        now,
        limit,
    )
    return [BalanceTransactionRow(*row) for row in rows]
