"""Reads of early fraud warnings: always by the principal's account and mode first.

Whether one is still actionable is read from its charge, which may have been refunded or disputed a moment ago; the row
itself, and the event that tells of it, follow by a job.
"""

from collections.abc import Sequence

from lockgate.gateway.customers.find import bounds
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page, no_cursor
from lockgate.gateway.storage.records import EarlyFraudWarningRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


async def warning(pool: Pool, principal: Principal, id_: str) -> EarlyFraudWarningRow:
    """One warning; missing for anybody else's."""
    found = await warnings(pool, principal, [id_])
    if not found:
        raise missing("early_fraud_warning", id_)
    return found[0]


async def warnings(pool: Pool, principal: Principal, ids: Sequence[str]) -> list[EarlyFraudWarningRow]:
    """Those of ``ids`` that exist."""
    rows = await pool.fetch(
        "select w.account, w.livemode, w.id, w.version, w.created, w.charge, w.intent, w.fraud_type,"
        " w.actionable and c.amount_refunded < c.amount_captured and c.data->>'disputed' is distinct from 'true',"
        " w.processor, w.processor_reference, w.data from early_fraud_warning w"
        " join charge c on c.account = w.account and c.livemode = w.livemode and c.id = w.charge"
        " where w.account = $1 and w.livemode = $2 and w.id = any($3::text[])",
        principal.account,
        principal.livemode,
        ids,
    )
    return [EarlyFraudWarningRow(*row) for row in rows]


async def known(pool: Pool, principal: Principal, processor: str, *, reference: str) -> bool:
    """Whether we know the warning that ``processor`` calls ``reference``."""
    return await pool.fetchval(
        "select exists (select from early_fraud_warning where account = $1 and livemode = $2 and processor = $3"
        " and processor_reference = $4)",
        principal.account,
        principal.livemode,
        processor,
        reference,
    )


async def actionable(pool: Pool, principal: Principal, charge: str) -> list[EarlyFraudWarningRow]:
    """The warnings about ``charge`` that are still noted as actionable."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, charge, intent, fraud_type, actionable, processor,"
        " processor_reference, data from early_fraud_warning"
        " where account = $1 and livemode = $2 and charge = $3 and actionable",
        principal.account,
        principal.livemode,
        charge,
    )
    return [EarlyFraudWarningRow(*row) for row in rows]


async def warning_page(
    pool: Pool,
    principal: Principal,
    page: Page,
    *,
    charge: str | None,
    intent: str | None,
    created: dict[str, int],
) -> list[EarlyFraudWarningRow]:
    """One row more than the page holds."""
    cursor = page.before if page.backwards else page.after
    if cursor is not None and not await warnings(pool, principal, [cursor]):
        raise no_cursor("early_fraud_warning", page)
    values = (principal.account, principal.livemode, page.limit + 1, cursor, charge, intent, *bounds(created))
    if page.backwards:
        rows = await pool.fetch(
            "select w.account, w.livemode, w.id, w.version, w.created, w.charge, w.intent, w.fraud_type,"
            " w.actionable and c.amount_refunded < c.amount_captured and c.data->>'disputed' is distinct from 'true',"
            " w.processor, w.processor_reference, w.data from early_fraud_warning w"
            " join charge c on c.account = w.account and c.livemode = w.livemode and c.id = w.charge"
            " where w.account = $1 and w.livemode = $2 and w.id > $4 and ($5::text is null or w.charge = $5)"
            " and ($6::text is null or w.intent = $6) and w.created between $7 and $8 order by w.id limit $3",
            *values,
        )
    else:
        rows = await pool.fetch(
            "select w.account, w.livemode, w.id, w.version, w.created, w.charge, w.intent, w.fraud_type,"
            " w.actionable and c.amount_refunded < c.amount_captured and c.data->>'disputed' is distinct from 'true',"
            " w.processor, w.processor_reference, w.data from early_fraud_warning w"
            " join charge c on c.account = w.account and c.livemode = w.livemode and c.id = w.charge"
            " where w.account = $1 and w.livemode = $2 and w.id < coalesce($4, 'j')"
            " and ($5::text is null or w.charge = $5) and ($6::text is null or w.intent = $6)"
            " and w.created between $7 and $8 order by w.id desc limit $3",
            *values,
        )
    return [EarlyFraudWarningRow(*row) for row in rows]
