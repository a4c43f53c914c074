"""Reads of payment intents, charges and attempts: always by the principal's account and mode first."""

from collections.abc import Sequence
from typing import NamedTuple

from lockgate.gateway.customers.find import bounds
from lockgate.gateway.payments.core import hidden
from lockgate.gateway.payments.core.records import Payer
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page, no_cursor
from lockgate.gateway.storage.rows import AttemptRow, ChargeRow, PaymentIntentRow, PaymentMethodRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


class Found(NamedTuple):
    """What a payment is made with: the payment method, its customer, and how often it was tried already."""

    method: PaymentMethodRow | None
    payer: Payer | None
    tries: int


async def payment_intent(pool: Pool, principal: Principal, id_: str, *, param: str = "intent") -> PaymentIntentRow:
    """The payment intent ``id_``; one that only drives a charge of the older API is nobody's to find."""
    found = [] if hidden.charge_of(id_) else await payment_intents(pool, principal, [id_])
    if not found:
        raise missing("payment_intent", id_, param=param)
    return found[0]


async def intent(pool: Pool, principal: Principal, id_: str) -> PaymentIntentRow:
    """The intent that an attempt or a charge names, hidden or not."""
    found = await payment_intents(pool, principal, [id_])
    assert found, "intents are never deleted"
    return found[0]


async def payment_intents(pool: Pool, principal: Principal, ids: Sequence[str]) -> list[PaymentIntentRow]:
    """Those of ``ids`` that exist."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, status, amount, amount_capturable, amount_received, currency,"
        " customer, payment_method, latest_charge, attempt, expires_at, subject, data, personal from payment_intent"
        " where account = $1 and livemode = $2 and id = any($3::text[])",
        principal.account,
        principal.livemode,
        ids,
    )
    return [PaymentIntentRow(*row) for row in rows]


async def charge(pool: Pool, principal: Principal, id_: str, *, param: str = "id") -> ChargeRow:
    """The charge ``id_``."""
    found = await charges(pool, principal, [id_])
    if not found:
        raise missing("charge", id_, param=param)
    return found[0]


async def charges(pool: Pool, principal: Principal, ids: Sequence[str]) -> list[ChargeRow]:
    """Those of ``ids`` that exist."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, status, intent, amount, amount_captured, amount_refunded,"
        " capture_in_doubt, refund_in_doubt, currency, customer, payment_method, balance_transaction, processor,"
        " processor_reference, subject, data, personal from charge"
        " where account = $1 and livemode = $2 and id = any($3::text[])",
        principal.account,
        principal.livemode,
        ids,
    )
    return [ChargeRow(*row) for row in rows]


async def charges_of(pool: Pool, principal: Principal, intent_id: str) -> list[ChargeRow]:
    """Every charge of one intent, newest first: one for each try that got an answer."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, status, intent, amount, amount_captured, amount_refunded,"
        " capture_in_doubt, refund_in_doubt, currency, customer, payment_method, balance_transaction, processor,"
        " processor_reference, subject, data, personal from charge"
        " where account = $1 and livemode = $2 and intent = $3 order by id desc limit 100",
        principal.account,
        principal.livemode,
        intent_id,
    )
    return [ChargeRow(*row) for row in rows]


async def attempt(pool: Pool, principal: Principal, id_: str) -> AttemptRow | None:
    """The attempt ``id_``, if there is one."""
    row = await pool.fetchrow(
        "select account, livemode, id, version, created, action, state, intent, charge, refund, processor, amount,"
        " currency, processor_reference, send_before_ms, next_check_ms, checks, data from attempt"
        " where account = $1 and livemode = $2 and id = $3",
        principal.account,
        principal.livemode,
        id_,
    )
    return AttemptRow(*row) if row else None


async def tries(pool: Pool, principal: Principal, intent_id: str) -> int:
    """How often a payment of one intent was tried."""
    return await pool.fetchval(
        "select count(*) from attempt where account = $1 and livemode = $2 and intent = $3 and action = 'authorize'",
        principal.account,
        principal.livemode,
        intent_id,
    )


async def orders(pool: Pool, principal: Principal, intent_id: str, *, action: str) -> int:
    """How many orders of one kind reached, or may have reached, the processor for one intent."""
    return await pool.fetchval(
        "select count(*) from attempt where account = $1 and livemode = $2 and intent = $3 and action = $4"
        " and state <> 'failed'",
        principal.account,
        principal.livemode,
        intent_id,
        action,
    )


async def means(
    pool: Pool, principal: Principal, *, method: str | None, customer: str | None, intent_id: str | None = None
) -> Found:
    """The payment method, the customer and the tries of a payment, in one round trip. None is not looked for."""
    row = await pool.fetchrow(
        "select p.account, p.livemode, p.id, p.version, p.created, p.type, p.customer, p.fingerprint, p.token,"
        " p.subject, p.data, p.personal, c.id, c.created, c.personal, (select count(*) from attempt a"
        "  where a.account = $1 and a.livemode = $2 and a.intent = $5 and a.action in ('authorize', 'verify'))"
        " from (select 1) one"
        " left join payment_method p on p.account = $1 and p.livemode = $2 and p.id = $3"
        " left join customer c on c.account = $1 and c.livemode = $2 and c.id = $4 and not c.deleted",
        principal.account,
        principal.livemode,
        method,
        customer,
        intent_id,
    )
    assert row is not None, "left joins of one row by keys give one row"
    payer = Payer(row[12], row[13], row[14]) if row[12] is not None else None
    return Found(PaymentMethodRow(*row[:12]) if row[2] is not None else None, payer, row[15])


async def payment_intent_page(
    pool: Pool, principal: Principal, page: Page, *, customer: str | None, created: dict[str, int]
) -> list[PaymentIntentRow]:
    """One row more than the page holds."""
    cursor = page.before if page.backwards else page.after
    if cursor is not None and not await payment_intents(pool, principal, [cursor]):
        raise no_cursor("payment_intent", page)
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, status, amount, amount_capturable, amount_received,"
            " currency, customer, payment_method, latest_charge, attempt, expires_at, subject, data, personal"
            " from payment_intent where account = $1 and livemode = $2 and id > $4 and id >= 'pi_'"
            " and ($5::text is null or customer = $5) and created between $6 and $7 order by id limit $3",
            *(principal.account, principal.livemode, page.limit + 1, cursor, customer, *bounds(created)),
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, status, amount, amount_capturable, amount_received,"
            " currency, customer, payment_method, latest_charge, attempt, expires_at, subject, data, personal"
            " from payment_intent where account = $1 and livemode = $2 and id < coalesce($4, 'q') and id >= 'pi_'"
            " and ($5::text is null or customer = $5) and created between $6 and $7 order by id desc limit $3",
            *(principal.account, principal.livemode, page.limit + 1, cursor, customer, *bounds(created)),
        )
    return [PaymentIntentRow(*row) for row in rows]


async def charge_page(
    pool: Pool,
    principal: Principal,
    page: Page,
    *,
    customer: str | None,
    intent_id: str | None,
    created: dict[str, int],
) -> list[ChargeRow]:
    """One row more than the page holds."""
    cursor = page.before if page.backwards else page.after
    if cursor is not None and not await charges(pool, principal, [cursor]):
        raise no_cursor("charge", page)
    values = (principal.account, principal.livemode, page.limit + 1, cursor, customer, intent_id, *bounds(created))
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, status, intent, amount, amount_captured, amount_refunded,"
            " capture_in_doubt, refund_in_doubt, currency, customer, payment_method, balance_transaction, processor,"
            " processor_reference, subject, data, personal from charge"
            " where account = $1 and livemode = $2 and id > $4 and ($5::text is null or customer = $5)"
            " and ($6::text is null or intent = $6) and created between $7 and $8 order by id limit $3",
            *values,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, status, intent, amount, amount_captured, amount_refunded,"
            " capture_in_doubt, refund_in_doubt, currency, customer, payment_method, balance_transaction, processor,"
            " processor_reference, subject, data, personal from charge"
            " where account = $1 and livemode = $2 and id < coalesce($4, 'd') and ($5::text is null or customer = $5)"
            " and ($6::text is null or intent = $6) and created between $7 and $8 order by id desc limit $3",
            *values,
        )
    return [ChargeRow(*row) for row in rows]


async def api_version(pool: Pool, account: str) -> str:
    """The version that ``account`` is pinned to, for events that no request caused."""
    return await pool.fetchval("select api_version from account where id = $1", account)
