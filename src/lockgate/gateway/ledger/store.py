"""The ledger's own statement: folding deltas into balances."""

from lockgate.gateway.storage.database import Pool


async def fold(pool: Pool, *, limit: int) -> int:
    """Move up to ``limit`` deltas into the balances they belong to; returns how many.

    One statement, so that every reader's snapshot sees a delta either apart or folded, never both or neither. What is
    deleted is what is added: two folds at once share the rows out, because a row can be deleted only once.
    """
    return await pool.fetchval(
        "with taken as ("
        " delete from balance_delta where seq in (select seq from balance_delta order by seq limit $1)"
        " returning account, livemode, ledger, currency, amount"
        "), folded as ("
        " insert into balance as b (account, livemode, ledger, currency, amount)"
        " select account, livemode, ledger, currency, sum(amount)::bigint from taken"
        " group by account, livemode, ledger, currency order by account, livemode, ledger, currency"
        " on conflict (account, livemode, ledger, currency) do update set amount = b.amount + excluded.amount"
        ") select count(*) from taken",
        limit,
    )
