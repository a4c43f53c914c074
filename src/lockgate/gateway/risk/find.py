"""Reads of value lists, their items and reviews: the principal first. What stands in a deleted list is gone with it."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page, bounds, no_cursor
from lockgate.gateway.storage.records import ReviewRow, ValueListItemRow, ValueListRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


class Start(NamedTuple):
    """The first items of one list, newest first, and how many it has."""

    items: list[ValueListItemRow]
    total: int


async def value_list(pool: Pool, principal: Principal, id_: str, *, param: str = "value_list") -> ValueListRow:
    """The list ``id_``; a deleted one counts as missing."""
    row = await pool.fetchrow(
        "select account, livemode, id, version, created, alias, name, item_type, created_by, deleted, data"
        " from value_list where account = $1 and livemode = $2 and id = $3 and not deleted",
        principal.account,
        principal.livemode,
        id_,
    )
    if row is None:
        raise missing("value_list", id_, param=param)
    return ValueListRow(*row)


async def value_list_page(
    pool: Pool,
    principal: Principal,
    page: Page,
    *,
    alias: str | None,
    contains: Sequence[bytes] | None,
    created: Mapping[str, int],
) -> list[ValueListRow]:
    """One row more than the page holds. ``contains``: hashes of a value, one of which must stand in the list."""
    cursor = page.after or page.before
    if cursor is not None and not await _known_list(pool, principal, cursor):
        raise no_cursor("value_list", page)
    values = (principal.account, principal.livemode, page.limit + 1, cursor, *bounds(created), alias, contains)
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, alias, name, item_type, created_by, deleted, data"
            " from value_list l where account = $1 and livemode = $2 and not deleted and id > $4"
            " and created between $5 and $6 and ($7::text is null or alias = $7) and ($8::bytea[] is null or exists ("
            "  select from value_list_item i where i.account = $1 and i.livemode = $2 and i.value_list = l.id"
            "  and i.value_index = any($8) and not i.deleted)) order by id limit $3",
            *values,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, alias, name, item_type, created_by, deleted, data"
            " from value_list l where account = $1 and livemode = $2 and not deleted"
            " and ($4::text is null or id < $4)"
            " and created between $5 and $6 and ($7::text is null or alias = $7) and ($8::bytea[] is null or exists ("
            "  select from value_list_item i where i.account = $1 and i.livemode = $2 and i.value_list = l.id"
            "  and i.value_index = any($8) and not i.deleted)) order by id desc limit $3",
            *values,
        )
    return [ValueListRow(*row) for row in rows]


async def _known_list(pool: Pool, principal: Principal, id_: str) -> bool:
    """Whether there is or was such a list: a page may begin behind one that was deleted meanwhile."""
    return await pool.fetchval(
        "select exists (select from value_list where account = $1 and livemode = $2 and id = $3)",
        principal.account,
        principal.livemode,
        id_,
    )


async def starts(pool: Pool, principal: Principal, lists: Sequence[str], *, limit: int) -> dict[str, Start]:
    """The first items and the number of items of each of ``lists``."""
    rows = await pool.fetch(
        "select i.account, i.livemode, i.id, i.version, i.created, i.value_list, i.value_index, i.created_by,"
        " i.deleted, i.personal, i.prefix from unnest($3::text[]) l(id) cross join lateral ("
        "  select * from value_list_item where account = $1 and livemode = $2 and value_list = l.id and not deleted"
        "  order by id desc limit $4) i",
        principal.account,
        principal.livemode,
        list(lists),
        limit,
    )
    totals = await pool.fetch(
        "select value_list, count(*) from value_list_item"
        " where account = $1 and livemode = $2 and value_list = any($3::text[]) and not deleted group by value_list",
        principal.account,
        principal.livemode,
        list(lists),
    )
    counted = dict(map(tuple, totals))
    found: dict[str, list[ValueListItemRow]] = {id_: [] for id_ in lists}
    for row in rows:
        found[row["value_list"]].append(ValueListItemRow(*row))
    return {id_: Start(items, max(counted.get(id_, 0), len(items))) for id_, items in found.items()}


async def count_items(pool: Pool, principal: Principal, list_: str) -> int:
    """How many items a list has."""
    return await pool.fetchval(
        "select count(*) from value_list_item"
        " where account = $1 and livemode = $2 and value_list = $3 and not deleted",
        principal.account,
        principal.livemode,
        list_,
    )


async def item(pool: Pool, principal: Principal, id_: str, *, param: str = "item") -> ValueListItemRow:
    """The item ``id_``; missing once it or its list is deleted."""
    row = await pool.fetchrow(
        "select i.account, i.livemode, i.id, i.version, i.created, i.value_list, i.value_index, i.created_by,"
        " i.deleted, i.personal, i.prefix from value_list_item i"
        " join value_list l on l.account = i.account and l.livemode = i.livemode and l.id = i.value_list"
        " where i.account = $1 and i.livemode = $2 and i.id = $3 and not i.deleted and not l.deleted",
        principal.account,
        principal.livemode,
        id_,
    )
    if row is None:
        raise missing("value_list_item", id_, param=param)
    return ValueListItemRow(*row)


async def item_page(
    pool: Pool,
    principal: Principal,
    page: Page,
    *,
    list_: str,
    value_index: bytes | None,
    created: Mapping[str, int],
) -> list[ValueListItemRow]:
    """One row more than the page holds, of one list."""
    cursor = page.after or page.before
    if cursor is not None and not await _known_item(pool, principal, cursor):
        raise no_cursor("value_list_item", page)
    values = (principal.account, principal.livemode, page.limit + 1, cursor, *bounds(created), list_, value_index)
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, value_list, value_index, created_by, deleted, personal,"
            " prefix from value_list_item where account = $1 and livemode = $2 and value_list = $7 and not deleted"
            " and id > $4 and created between $5 and $6 and ($8::bytea is null or value_index = $8)"
            " order by id limit $3",
            *values,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, value_list, value_index, created_by, deleted, personal,"
            " prefix from value_list_item where account = $1 and livemode = $2 and value_list = $7 and not deleted"
            " and ($4::text is null or id < $4) and created between $5 and $6"
            " and ($8::bytea is null or value_index = $8) order by id desc limit $3",
            *values,
        )
    return [ValueListItemRow(*row) for row in rows]


async def _known_item(pool: Pool, principal: Principal, id_: str) -> bool:
    return await pool.fetchval(
        "select exists (select from value_list_item where account = $1 and livemode = $2 and id = $3)",
        principal.account,
        principal.livemode,
        id_,
    )


async def review(pool: Pool, principal: Principal, id_: str, *, param: str = "review") -> ReviewRow:
    """The review ``id_``."""
    rows = await reviews(pool, principal, [id_])
    if not rows:
        raise missing("review", id_, param=param)
    return rows[0]


async def reviews(pool: Pool, principal: Principal, ids: Sequence[str]) -> list[ReviewRow]:
    """Those of ``ids`` that exist."""
    rows = await pool.fetch(
        "select account, livemode, id, version, created, is_open, charge, intent, subject, data, personal from review"
        " where account = $1 and livemode = $2 and id = any($3::text[])",
        principal.account,
        principal.livemode,
        list(ids),
    )
    return [ReviewRow(*row) for row in rows]


async def review_page(
    pool: Pool, principal: Principal, page: Page, *, created: Mapping[str, int]
) -> list[ReviewRow]:
    """One row more than the page holds, of reviews that are still open, as the dialect lists them."""
    cursor = page.after or page.before
    if cursor is not None and not await reviews(pool, principal, [cursor]):
        raise no_cursor("review", page)
    values = (principal.account, principal.livemode, page.limit + 1, cursor, *bounds(created))
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, is_open, charge, intent, subject, data, personal"
            " from review where account = $1 and livemode = $2 and is_open and id > $4"
            " and created between $5 and $6 order by id limit $3",
            *values,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, version, created, is_open, charge, intent, subject, data, personal"
            " from review where account = $1 and livemode = $2 and is_open and ($4::text is null or id < $4)"
            " and created between $5 and $6 order by id desc limit $3",
            *values,
        )
    return [ReviewRow(*row) for row in rows]
