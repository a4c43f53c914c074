"""The room's own statements over all accounts: disputes to ask about, warnings that were overtaken."""

from typing import NamedTuple

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.records import DisputeRow, EarlyFraudWarningRow


class Due(NamedTuple):
    """A dispute whose processor is to be asked."""

    account: str
    livemode: bool
    processor: str
    reference: str


async def take_due(pool: Pool, *, now: int, ahead: int, wait_s: int, limit: int) -> list[Due]:
    """Disputes that are due on their account's clock; each is due again ``wait_s`` later unless it is answered."""
    rows = await pool.fetch(
        "update dispute d set ask_at = due.own_now + $3 from ("
        " select t.account, t.livemode, t.id, $1 + coalesce((select c.offset_s from test_clock c"
        "  where c.account = t.account and c.livemode = t.livemode), 0) as own_now"
        " from dispute t where t.ask_at <= $1::bigint + $2::bigint and t.ask_at <= $1 + coalesce((select c.offset_s"
        "  from test_clock c where c.account = t.account and c.livemode = t.livemode), 0)"
        " order by t.ask_at limit $4 for update of t skip locked"
        ") due where (d.account, d.livemode, d.id) = (due.account, due.livemode, due.id)"
        " returning d.account, d.livemode, d.processor, d.processor_reference",
        now,
        ahead,
        wait_s,
        limit,
    )
    return [Due(*row) for row in rows]


async def ask_at(pool: Pool, row: DisputeRow, when: int | None) -> None:
    """Ask about a dispute that has not changed at another time; it is no change of the dispute."""
    await pool.execute(
        "update dispute set ask_at = $4 where account = $1 and livemode = $2 and id = $3 and version = $5",
        row.account,
        row.livemode,
        row.id,
        when,
        row.version,
    )


async def overtaken(pool: Pool, *, limit: int) -> list[EarlyFraudWarningRow]:
    """Warnings noted as actionable whose charge was refunded or disputed since."""
    rows = await pool.fetch(
        "select w.account, w.livemode, w.id, w.version, w.created, w.charge, w.intent, w.fraud_type, w.actionable,"
        " w.processor, w.processor_reference, w.data from early_fraud_warning w"
        " join charge c on c.account = w.account and c.livemode = w.livemode and c.id = w.charge"
        " where w.actionable and (c.amount_refunded >= c.amount_captured or c.data->>'disputed' = 'true') limit $1",
        limit,
    )
    return [EarlyFraudWarningRow(*row) for row in rows]
