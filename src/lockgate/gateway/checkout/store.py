"""The room's own SQL over all accounts: sessions with news or past their time, and the one that a page shows."""

from typing import NamedTuple

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.records import CheckoutSessionRow


class Place(NamedTuple):
    """Which session of whose."""

    account: str
    livemode: bool
    id: str


class Shown(NamedTuple):
    """A session, and the merchant's name."""

    row: CheckoutSessionRow
    merchant: str


async def with_news(pool: Pool, *, most: int) -> list[Place]:
    """Sessions whose intent has come further than they know."""
    rows = await pool.fetch(
        "select s.account, s.livemode, s.id from checkout_session s"
        " left join payment_intent i on i.account = s.account and i.livemode = s.livemode and i.id = s.payment_intent"
        " left join setup_intent u on u.account = s.account and u.livemode = s.livemode and u.id = s.setup_intent"
        " left join attempt a on a.account = i.account and a.livemode = i.livemode and a.id = i.attempt"
        " where s.watched and (i.status in ('succeeded', 'canceled') or u.status in ('succeeded', 'canceled')"
        "  or s.status = 'open' and i.status = 'requires_capture'"
        "  or s.status = 'open' and i.status = 'processing' and a.state in ('unknown', 'pending')"
        "  or s.status = 'complete' and i.status = 'requires_payment_method') limit $1",
        most,
    )
    return [Place(*row) for row in rows]


async def past_their_time(pool: Pool, *, now: int, ahead: int, most: int) -> list[Place]:
    """Open sessions that are over by their account's clock, unless somebody is paying at this moment."""
    rows = await pool.fetch(
        "select s.account, s.livemode, s.id from checkout_session s"
        " left join payment_intent i on i.account = s.account and i.livemode = s.livemode and i.id = s.payment_intent"
        " left join setup_intent u on u.account = s.account and u.livemode = s.livemode and u.id = s.setup_intent"
        " where s.status = 'open' and s.expires_at <= $1::bigint + $2::bigint"
        " and s.expires_at <= $1 + coalesce((select c.offset_s from test_clock c"
        "  where c.account = s.account and c.livemode = s.livemode), 0)"
        " and coalesce(i.status, u.status) <> 'processing' order by s.expires_at limit $3",
        now,
        ahead,
        most,
    )
    return [Place(*row) for row in rows]


async def page_of(pool: Pool, id_: str) -> Shown | None:
    """The session that a shopper opens. She knows nothing but its id, which nobody can guess."""
    row = await pool.fetchrow(
        "select s.account, s.livemode, s.id, s.version, s.created, s.status, s.payment_status, s.mode, s.expires_at,"
        " s.customer, s.payment_intent, s.setup_intent, s.email_index, s.watched, s.subject, s.data, s.personal,"
        " m.name from checkout_session s join account m on m.id = s.account where s.id = $1",
        id_,
    )
    if row is None:
        return None
    *columns, merchant = row
    return Shown(CheckoutSessionRow(*columns), merchant)
