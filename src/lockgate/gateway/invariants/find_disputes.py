"""Reads for the invariants of disputes: what the books hold of each, and which messages were worked through."""

from typing import Any, NamedTuple

from lockgate.gateway.storage.database import Connection


class BookedDispute(NamedTuple):
    """What the books say of one dispute of the simulator, summed from transfers, never taken from its own row."""

    reference: str
    account: str
    livemode: bool
    dispute: str
    withdrawn: int
    reinstated: int


async def disputed(connection: Connection, account: str, livemode: bool) -> list[BookedDispute]:
    """Every dispute of the simulator."""
    rows = await connection.fetch(
        "select d.processor_reference, d.account, d.livemode, d.id,"
        " coalesce((select sum(t.amount) from transfer t where t.account = $1 and t.livemode = $2"
        "  and t.phase = 'posted' and t.kind = 'dispute' and t.source = d.id), 0)::bigint,"
        " coalesce((select sum(t.amount) from transfer t where t.account = $1 and t.livemode = $2"
        "  and t.phase = 'posted' and t.kind = 'dispute_reversal' and t.source = d.id), 0)::bigint"
        " from dispute d where d.account = $1 and d.livemode = $2 and d.processor = 'simulator'",
        account,
        livemode,
    )
    return [BookedDispute(*row) for row in rows]


async def worked_through(connection: Connection, account: str, livemode: bool) -> set[str]:
    """The simulator's messages whose news is written down."""
    rows = await connection.fetch(
        "select id from notification where account = $1 and livemode = $2 and processor = 'simulator'"
        " and state = 'done'",
        account,
        livemode,
    )
    return {row["id"] for row in rows}


async def misbooked(connection: Connection, account: str, livemode: bool) -> list[tuple[Any, ...]]:
    """(dispute, status, amount, withdrawn, reinstated) of every dispute whose money is not where its state says."""
    rows = await connection.fetch(
        "select id, status, amount, withdrawn, reinstated from (select d.id, d.status, d.amount,"
        " coalesce((select sum(t.amount) from transfer t where t.account = $1 and t.livemode = $2"
        "  and t.phase = 'posted' and t.kind = 'dispute' and t.source = d.id), 0)::bigint as withdrawn,"
        " coalesce((select sum(t.amount) from transfer t where t.account = $1 and t.livemode = $2"
        "  and t.phase = 'posted' and t.kind = 'dispute_reversal' and t.source = d.id), 0)::bigint as reinstated"
        " from dispute d where d.account = $1 and d.livemode = $2) counted"
        " where withdrawn <> case when status in ('needs_response', 'under_review', 'won', 'lost') then amount"
        "  else 0 end or reinstated <> case when status = 'won' then amount else 0 end",
        account,
        livemode,
    )
    return [tuple(row) for row in rows]
