"""Reads of checkout sessions and of what their intents say, the account and mode first."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page, bounds, no_cursor
from lockgate.gateway.storage.records import CheckoutSessionRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


class Word(NamedTuple):
    """How an intent stands, whether that is in doubt, and what it was paid with."""

    status: str
    in_doubt: bool
    payment_method: str | None


async def session(pool: Pool, principal: Principal, id_: str) -> CheckoutSessionRow:
    """The session ``id_``."""
    rows = await sessions(pool, principal, [id_])
    if not rows:
        raise missing("checkout.session", id_, param="session")
    return rows[0]


async def sessions(pool: Pool, principal: Principal, ids: Sequence[str]) -> list[CheckoutSessionRow]:
    """Those of ``ids`` that exist."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, status, payment_status, mode, expires_at, customer,"
        " payment_intent, setup_intent, email_index, watched, subject, data, personal from checkout_session"
        " where account = $1 and livemode = $2 and id = any($3::text[])",
        principal.account,
        principal.livemode,
        list(ids),
    )
    return [CheckoutSessionRow(*row) for row in rows]


async def session_page(
    pool: Pool,
    principal: Principal,
    page: Page,
    *,
    customer: str | None,
    payment_intent: str | None,
    status: str | None,
    email_index: bytes | None,
    created: Mapping[str, int],
) -> list[CheckoutSessionRow]:
    """One row more than the page holds, in the page's direction."""
    cursor = page.after or page.before
    if cursor is not None and not await sessions(pool, principal, [cursor]):
        raise no_cursor("checkout.session", page)
    values = (
        principal.account, principal.livemode, page.limit + 1, cursor, *bounds(created), customer, payment_intent,
        status, email_index,
    )  # fmt: skip
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, status, payment_status, mode, expires_at, customer,"
            " payment_intent, setup_intent, email_index, watched, subject, data, personal from checkout_session"
            " where account = $1 and livemode = $2 and id > $4 and created between $5 and $6"
            " and ($7::text is null or customer = $7) and ($8::text is null or payment_intent = $8)"
            " and ($9::text is null or status = $9) and ($10::bytea is null or email_index = $10)"
            " order by id limit $3",
            *values,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, status, payment_status, mode, expires_at, customer,"
            " payment_intent, setup_intent, email_index, watched, subject, data, personal from checkout_session"
            " where account = $1 and livemode = $2 and ($4::text is null or id < $4) and created between $5 and $6"
            " and ($7::text is null or customer = $7) and ($8::text is null or payment_intent = $8)"
            " and ($9::text is null or status = $9) and ($10::bytea is null or email_index = $10)"
            " order by id desc limit $3",
            *values,
        )
    return [CheckoutSessionRow(*row) for row in rows]


async def word_of(pool: Pool, principal: Principal, row: CheckoutSessionRow) -> Word:
    """What the intent of a session says now."""
    if row.setup_intent is not None:
        found = await pool.fetchrow(
            "select status, false, payment_method from setup_intent"
            " where account = $1 and livemode = $2 and id = $3",
            principal.account,
            principal.livemode,
            row.setup_intent,
        )
    else:
        found = await pool.fetchrow(
            "select i.status, coalesce(a.state in ('unknown', 'pending'), false), i.payment_method"
            " from payment_intent i left join attempt a"
            " on a.account = i.account and a.livemode = i.livemode and a.id = i.attempt"
            " where i.account = $1 and i.livemode = $2 and i.id = $3",
            principal.account,
            principal.livemode,
            row.payment_intent,
        )
    assert found is not None, "a session is made together with its intent"
    return Word(*found)
