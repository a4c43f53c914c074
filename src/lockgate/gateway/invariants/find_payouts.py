"""Reads for the invariants of payouts, as those of ``find``: in one account and mode, inside its one snapshot."""

from typing import Any, NamedTuple

from lockgate.gateway.storage.database import Connection

Row = tuple[Any, ...]


class BookedPayout(NamedTuple):
    """What the books say of one payout that a processor accepted. ``watched``: its processor will be asked again."""

    reference: str
    account: str
    livemode: bool
    payout: str
    amount: int
    status: str
    watched: bool


async def booked_payouts(connection: Connection, account: str, livemode: bool) -> list[BookedPayout]:
    """Every accepted payout of the simulator."""
    rows = await connection.fetch(
        "select processor_reference, account, livemode, id, amount, status, ask_at is not null or attempt is not null"
        " from payout where account = $1 and livemode = $2 and processor = 'simulator'"
        " and processor_reference is not null",
        account,
        livemode,
    )
    return [BookedPayout(*row) for row in rows]


async def misplaced(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(ledger, currency, kept, said) where what is on its way or at the bank is not what the payouts' states say."""
    rows = await connection.fetch(
        "select ledger, currency, sum(kept)::bigint, sum(said)::bigint from ("
        " select ledger, currency, amount as kept, 0 as said from balance where account = $1 and livemode = $2"
        " union all select ledger, currency, amount, 0 from balance_delta where account = $1 and livemode = $2"
        " union all select case when status = 'paid' then 'bank:' else 'transit:' end || processor, currency, 0, amount"
        "  from payout where account = $1 and livemode = $2 and status in ('pending', 'in_transit', 'paid')"
        ") parts where ledger like 'transit:%' or ledger like 'bank:%'"
        " group by ledger, currency having sum(kept) <> sum(said)",
        account,
        livemode,
    )
    return [tuple(row) for row in rows]


async def overpaid(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(currency, short by): payouts, with those whose order is out, took more than was ever available.

    Refunds and disputes are left out: they may take available money below nothing, payouts may not.
    """
    rows = await connection.fetch(
        "select currency, -sum(amount)::bigint from ("
        " select currency, net as amount from balance_transaction where account = $1 and livemode = $2"
        "  and status = 'available' and (net > 0 or type in ('payout', 'payout_cancel', 'payout_failure'))"
        " union all select currency, -amount from attempt where account = $1 and livemode = $2 and action = 'payout'"
        "  and state = 'open'"
        ") parts group by currency having sum(amount) < 0",
        account,
        livemode,
    )
    return [tuple(row) for row in rows]


async def unevenly_paid(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(payout, off by) of every automatic payout whose movements, its own among them, do not sum to nothing."""
    rows = await connection.fetch(
        "select p.id, coalesce(sum(t.net), 0)::bigint from payout p"
        " left join payout_line l on l.account = $1 and l.livemode = $2 and l.payout = p.id"
        " left join balance_transaction t on t.account = $1 and t.livemode = $2 and t.id = l.id"
        " where p.account = $1 and p.livemode = $2 and (p.automatic or l.id is not null) group by p.id"
        " having coalesce(sum(t.net), 0) <> 0 or count(t.id) < 2",
        account,
        livemode,
    )
    return [tuple(row) for row in rows]


async def stray_lines(connection: Connection, account: str, livemode: bool) -> list[Row]:
    """(movement, payout) that was given to a payout that neither stands nor is being ordered."""
    rows = await connection.fetch(
        "select l.id, l.payout from payout_line l where l.account = $1 and l.livemode = $2 and l.payout is not null"
        " and not exists (select from payout p where p.account = $1 and p.livemode = $2 and p.id = l.payout)"
        " and not exists (select from attempt a where a.account = $1 and a.livemode = $2 and a.action = 'payout'"
        "  and a.state = 'open' and a.data->'payout'->>'id' = l.payout)",
        account,
        livemode,
    )
    return [tuple(row) for row in rows]
