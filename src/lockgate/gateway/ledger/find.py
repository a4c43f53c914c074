"""Reads of the books: an account's balance is what is folded plus what is not yet, in one snapshot."""

from lockgate.gateway.storage.database import Pool


async def balances(pool: Pool, *, account: str, livemode: bool) -> dict[tuple[str, str], int]:
    """The balance of every ledger account of one merchant account and mode, by (name, currency)."""
    rows = await pool.fetch(
        "select ledger, currency, sum(amount)::bigint as amount from ("
        " select ledger, currency, amount from balance where account = $1 and livemode = $2"
        " union all"
        " select ledger, currency, amount from balance_delta where account = $1 and livemode = $2"
        ") parts group by ledger, currency",
        account,
        livemode,
    )
    return {(row["ledger"], row["currency"]): row["amount"] for row in rows}
