"""Reads of customers and payment methods: always by the principal's account and mode first."""

from collections.abc import Sequence

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page, bounds
from lockgate.gateway.storage.rows import CustomerRow, PaymentMethodRow
from lockgate.kernel.errors import Kind, Refusal, missing
from lockgate.kernel.principal import Principal


async def customer(pool: Pool, principal: Principal, id_: str, *, param: str = "customer") -> CustomerRow:
    """The customer ``id_`` for use; a deleted one counts as missing."""
    row = await customer_or_deleted(pool, principal, id_, param=param)
    if row.deleted:
        raise missing("customer", id_, param=param)
    return row


async def customer_or_deleted(pool: Pool, principal: Principal, id_: str, *, param: str = "id") -> CustomerRow:
    """The customer ``id_``, deleted or not."""
    found = await customers(pool, principal, [id_])
    if not found:
        raise missing("customer", id_, param=param)
    return found[0]


async def customers(pool: Pool, principal: Principal, ids: Sequence[str]) -> list[CustomerRow]:
    """Those of ``ids`` that exist, deleted ones too."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, deleted, email_index, data, personal from customer"
        " where account = $1 and livemode = $2 and id = any($3::text[]) and ($4::text is null or id = $4)",
        principal.account,
        principal.livemode,
        ids,
        principal.customer,
    )
    return [CustomerRow(*row) for row in rows]


async def payment_method(
    pool: Pool, principal: Principal, id_: str, *, param: str = "payment_method", or_loose: bool = False
) -> PaymentMethodRow:
    """The payment method ``id_``. ``or_loose``: also for a key of one customer, one that belongs to nobody yet."""
    found = await payment_methods(pool, principal, [id_], or_loose=or_loose)
    if not found:
        raise missing("PaymentMethod", id_, param=param)
    return found[0]


async def payment_methods(
    pool: Pool, principal: Principal, ids: Sequence[str], *, or_loose: bool = False
) -> list[PaymentMethodRow]:
    """Those of ``ids`` that exist."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, type, customer, fingerprint, token, subject, data, personal"
        " from payment_method where account = $1 and livemode = $2 and id = any($3::text[])"
        " and ($4::text is null or customer = $4 or ($5 and customer is null))",
        principal.account,
        principal.livemode,
        ids,
        principal.customer,
        or_loose,
    )
    return [PaymentMethodRow(*row) for row in rows]


async def customer_page(
    pool: Pool, principal: Principal, page: Page, *, email_index: bytes | None, created: dict[str, int]
) -> list[CustomerRow]:
    """One row more than the page holds, of customers that are not deleted."""
    if page.before is not None:
        await _known_customer(pool, principal, page.before, "ending_before")
        rows = await pool.fetch(
            "select account, livemode, id, version, created, deleted, email_index, data, personal from customer"
            " where account = $1 and livemode = $2 and not deleted and id > $4"
            " and ($5::bytea is null or email_index = $5) and created between $6 and $7 order by id limit $3",
            *(principal.account, principal.livemode, page.limit + 1, page.before, email_index, *bounds(created)),
        )
    else:
        if page.after is not None:
            await _known_customer(pool, principal, page.after, "starting_after")
        rows = await pool.fetch(
            "select account, livemode, id, version, created, deleted, email_index, data, personal from customer"
            " where account = $1 and livemode = $2 and not deleted and id < coalesce($4, 'd')"
            " and ($5::bytea is null or email_index = $5) and created between $6 and $7 order by id desc limit $3",
            *(principal.account, principal.livemode, page.limit + 1, page.after, email_index, *bounds(created)),
        )
    return [CustomerRow(*row) for row in rows]


async def payment_method_page(
    pool: Pool, principal: Principal, page: Page, *, customer_id: str | None, allow_redisplay: str | None
) -> list[PaymentMethodRow]:
    """One row more than the page holds; of one customer, or of all that have one."""
    if page.before is not None:
        await _known_payment_method(pool, principal, page.before, "ending_before")
        rows = await pool.fetch(
            "select account, livemode, id, version, created, type, customer, fingerprint, token, subject, data,"
            " personal from payment_method where account = $1 and livemode = $2 and id > $4 and customer is not null"
            " and ($5::text is null or customer = $5) and ($6::text is null or data->>'allow_redisplay' = $6)"
            " order by id limit $3",
            *(principal.account, principal.livemode, page.limit + 1, page.before, customer_id, allow_redisplay),
        )
    else:
        if page.after is not None:
            await _known_payment_method(pool, principal, page.after, "starting_after")
        rows = await pool.fetch(
            "select account, livemode, id, version, created, type, customer, fingerprint, token, subject, data,"
            " personal from payment_method where account = $1 and livemode = $2 and id < coalesce($4, 'q')"
            " and customer is not null and ($5::text is null or customer = $5)"
            " and ($6::text is null or data->>'allow_redisplay' = $6) order by id desc limit $3",
            *(principal.account, principal.livemode, page.limit + 1, page.after, customer_id, allow_redisplay),
        )
    return [PaymentMethodRow(*row) for row in rows]


async def attached_to(pool: Pool, principal: Principal, customer_id: str) -> list[PaymentMethodRow]:
    """Every payment method of one customer."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, type, customer, fingerprint, token, subject, data, personal"
        " from payment_method where account = $1 and livemode = $2 and customer = $3",
        principal.account,
        principal.livemode,
        customer_id,
    )
    return [PaymentMethodRow(*row) for row in rows]


async def _known_customer(pool: Pool, principal: Principal, id_: str, param: str) -> None:
    if not await customers(pool, principal, [id_]):
        raise Refusal(Kind.INVALID, f"No such customer: '{id_}'", code="resource_missing", param=param)


async def _known_payment_method(pool: Pool, principal: Principal, id_: str, param: str) -> None:
    if not await payment_methods(pool, principal, [id_]):
        raise Refusal(Kind.INVALID, f"No such PaymentMethod: '{id_}'", code="resource_missing", param=param)
