"""Reads of the access room: reviews, their items, when the next is due, and who holds what at this moment."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from lockgate.gateway.access.core.holders import ItemRow, ReviewRow
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.paging import Page, no_cursor
from lockgate.kernel.errors import missing


class Counted(NamedTuple):
    """A review, and how many of its items are decided."""

    row: ReviewRow
    total: int
    decided: int


class Due(NamedTuple):
    """When an account's next review is due, and what that follows from."""

    account: str
    created: int
    last_completed: int | None


async def review(pool: Pool | Connection, account: str, id_: str) -> Counted:
    """One review, or a refusal that says that there is none."""
    row = await pool.fetchrow(
        "select r.account, r.id, r.created, r.started_by, r.due_at, r.completed_at, r.completed_by,"
        " (select count(*) from access_review_item i where i.account = $1 and i.review = r.id),"
        " (select count(decision) from access_review_item i where i.account = $1 and i.review = r.id)"
        " from access_review r where r.account = $1 and r.id = $2",
        account,
        id_,
    )
    if row is None:
        raise missing("access_review", id_, param="review")
    return _counted(row)


async def reviews(pool: Pool, account: str, page: Page) -> list[Counted]:
    """Reviews, newest first; one row more than the page holds."""
    cursor = page.after or page.before
    if cursor is not None and not await pool.fetchval(
        "select exists (select from access_review where account = $1 and id = $2)", account, cursor
    ):
        raise no_cursor("access_review", page)
    rows = await pool.fetch(
        "select r.account, r.id, r.created, r.started_by, r.due_at, r.completed_at, r.completed_by,"
        " (select count(*) from access_review_item i where i.account = $1 and i.review = r.id),"
        " (select count(decision) from access_review_item i where i.account = $1 and i.review = r.id)"
        " from access_review r where r.account = $1 and ($2::text is null or r.id < $2)"
        " and ($3::text is null or r.id > $3)"
        " order by case when $3::text is null then r.id end desc, r.id limit $4",
        account,
        page.after,
        page.before,
        page.limit + 1,
    )
    return [_counted(row) for row in rows]


async def item(pool: Pool | Connection, account: str, review_: str, id_: str) -> ItemRow:
    """One item, or a refusal that says that there is none."""
    row = await pool.fetchrow(
        "select account, review, id, kind, holder, label, livemode, roles, permissions, granted_by, granted_at,"
        " expires_at, last_used_at, decision, decided_by, decided_at from access_review_item"
        " where account = $1 and review = $2 and id = $3",
        account,
        review_,
        id_,
    )
    if row is None:
        raise missing("access_review_item", id_, param="item")
    return ItemRow(*row)


async def items(pool: Pool, account: str, review_: str, page: Page) -> list[ItemRow]:
    """A review's items, newest first; one row more than the page holds."""
    cursor = page.after or page.before
    if cursor is not None and not await pool.fetchval(
        "select exists (select from access_review_item where account = $1 and review = $2 and id = $3)",
        account,
        review_,
        cursor,
    ):
        raise no_cursor("access_review_item", page)
    rows = await pool.fetch(
        "select account, review, id, kind, holder, label, livemode, roles, permissions, granted_by, granted_at,"
        " expires_at, last_used_at, decision, decided_by, decided_at from access_review_item"
        " where account = $1 and review = $2 and ($3::text is null or id < $3) and ($4::text is null or id > $4)"
        " order by case when $4::text is null then id end desc, id limit $5",
        account,
        review_,
        page.after,
        page.before,
        page.limit + 1,
    )
    return [ItemRow(*row) for row in rows]


async def due(pool: Pool | Connection, account: str) -> Due | None:
    """What the account's next due date follows from."""
    row = await pool.fetchrow(
        "select a.id, a.created, (select max(completed_at) from access_review r where r.account = $1)"
        " from account a where a.id = $1",
        account,
    )
    return None if row is None else Due(*row)


async def overdue(pool: Pool, *, now: int, every_s: int, most: int) -> list[Due]:
    """Accounts whose last review was completed, or that were made, so long ago, and that were not told of it yet."""
    rows = await pool.fetch(
        "select d.id, d.created, d.last from (select a.id, a.created, (select max(r.completed_at) from access_review r"
        "  where r.account = a.id) as last from account a) d where coalesce(d.last, d.created) + $2 <= $1"
        " and not exists (select from access_review_notice n where n.account = d.id"
        "  and n.due_at = coalesce(d.last, d.created) + $2) order by d.id limit $3",
        now,
        every_s,
        most,
    )
    return [Due(*row) for row in rows]


async def members(pool: Pool, account: str, *, roles: Sequence[str] | None = None) -> list[Any]:
    """The account's people who may act now, of ``roles`` if any are named, each with what is sealed about them."""
    return await pool.fetch(
        "select m.person, m.roles, m.granted_by, m.created, m.changed_at, p.last_seen_at, p.personal"
        " from membership m join person p on p.id = m.person where m.account = $1 and m.status = 'active'"
        " and p.status = 'active' and ($2::text[] is null or m.roles && $2) order by m.person",
        account,
        None if roles is None else list(roles),
    )


async def grants(pool: Pool, account: str) -> list[Any]:
    """The apps that people of the account let in, both modes."""
    return await pool.fetch(
        "select g.id, g.livemode, g.person, g.scope, g.created, g.last_used_at, a.name from app_grant g"
        " left join app a on (a.account, a.livemode, a.id) = (g.app_account, g.livemode, g.app)"
        " where g.account = $1 and g.revoked_at is null order by g.id",
        account,
    )


async def certificates(pool: Pool, account: str, *, now: int) -> list[Any]:
    """The client certificates, and authorities of the account's own, that are good now; both modes."""
    return await pool.fetch(
        "select id, livemode, kind, name, api_key, app, created, not_after from client_certificate"
        " where account = $1 and revoked_at is null and not_after > $2 order by id",
        account,
        now,
    )


def _counted(row: Any) -> Counted:
    return Counted(ReviewRow(*tuple(row)[:7]), row[7], row[8])
