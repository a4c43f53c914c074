"""Reads of setup intents, the account and mode first."""

from collections.abc import Sequence

from lockgate.gateway.customers.find import bounds
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page, no_cursor
from lockgate.gateway.storage.records import SetupAttemptRow
from lockgate.gateway.storage.rows import SetupIntentRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


async def setup_intent(pool: Pool, principal: Principal, id_: str, *, param: str = "intent") -> SetupIntentRow:
    """One setup intent; missing for anybody else's."""
    rows = await setup_intents(pool, principal, [id_])
    if not rows:
        raise missing("setupintent", id_, param=param)
    return rows[0]


async def setup_intents(pool: Pool, principal: Principal, ids: Sequence[str]) -> list[SetupIntentRow]:
    """Those of ``ids`` that exist."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, status, customer, payment_method, attempt, subject, data,"
        " personal from setup_intent where account = $1 and livemode = $2 and id = any($3::text[])",
        principal.account,
        principal.livemode,
        list(ids),
    )
    return [SetupIntentRow(*row) for row in rows]


async def setup_page(
    pool: Pool,
    principal: Principal,
    page: Page,
    *,
    customer: str | None,
    payment_method: str | None,
    created: dict[str, int],
) -> list[SetupIntentRow]:
    """One row more than the page holds, in the page's direction."""
    cursor = page.after or page.before
    if cursor is not None and not await setup_intents(pool, principal, [cursor]):
        raise no_cursor("setupintent", page)
    values = (
        principal.account, principal.livemode, page.limit + 1, cursor, *bounds(created), customer, payment_method,
    )
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, status, customer, payment_method, attempt, subject, data,"
            " personal from setup_intent where account = $1 and livemode = $2"
            " and id > $4 and created between $5 and $6 and ($7::text is null or customer = $7)"
            " and ($8::text is null or payment_method = $8) order by id limit $3",
            *values,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, status, customer, payment_method, attempt, subject, data,"
            " personal from setup_intent where account = $1 and livemode = $2"
            " and ($4::text is null or id < $4) and created between $5 and $6 and ($7::text is null or customer = $7)"
            " and ($8::text is null or payment_method = $8) order by id desc limit $3",
            *values,
        )
    return [SetupIntentRow(*row) for row in rows]


async def setup_attempts(pool: Pool, principal: Principal, ids: Sequence[str]) -> list[SetupAttemptRow]:
    """Those of ``ids`` that exist."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, setup_intent, status, customer, payment_method, attempt,"
        " subject, data, personal from setup_attempt where account = $1 and livemode = $2 and id = any($3::text[])",
        principal.account,
        principal.livemode,
        list(ids),
    )
    return [SetupAttemptRow(*row) for row in rows]


async def setup_attempt_page(
    pool: Pool, principal: Principal, page: Page, *, setup_intent_id: str, created: dict[str, int]
) -> list[SetupAttemptRow]:
    """One row more than the page holds, of one setup intent."""
    cursor = page.after or page.before
    if cursor is not None and not await setup_attempts(pool, principal, [cursor]):
        raise no_cursor("setup_attempt", page)
    values = (principal.account, principal.livemode, page.limit + 1, cursor, *bounds(created), setup_intent_id)
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, setup_intent, status, customer, payment_method, attempt,"
            " subject, data, personal from setup_attempt where account = $1 and livemode = $2 and setup_intent = $7"
            " and id > $4 and created between $5 and $6 order by id limit $3",
            *values,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, setup_intent, status, customer, payment_method, attempt,"
            " subject, data, personal from setup_attempt where account = $1 and livemode = $2 and setup_intent = $7"
            " and ($4::text is null or id < $4) and created between $5 and $6 order by id desc limit $3",
            *values,
        )
    return [SetupAttemptRow(*row) for row in rows]


async def tries(pool: Pool, principal: Principal, id_: str) -> int:
    """How often a card was tried on one setup intent."""
    return await pool.fetchval(
        "select count(*) from attempt where account = $1 and livemode = $2 and intent = $3 and action = 'verify'",
        principal.account,
        principal.livemode,
        id_,
    )


async def default_currency(pool: Pool, account: str) -> str:
    """The account's own currency: an order to verify a card moves nothing, but needs one."""
    return await pool.fetchval("select default_currency from account where id = $1", account)
