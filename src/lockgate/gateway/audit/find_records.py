"""Reads of one account's audit records: the principal first, filtered, newest first."""

from collections.abc import Mapping
from typing import NamedTuple

from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.paging import Page, bounds, no_cursor
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


class Wanted(NamedTuple):
    """What a record must say; None: anything."""

    actor: str | None = None
    action: str | None = None
    outcome: str | None = None
    object: str | None = None
    address: str | None = None


async def one(pool: Pool, principal: Principal, id_: str, *, param: str = "record") -> AuditRow:
    """The record ``id_``."""
    row = await pool.fetchrow(
        "select account, livemode, id, created_ms, action, outcome, actor, object, address, request, detail, personal,"
        " tx from audit where account = $1 and livemode = $2 and id = $3",
        principal.account,
        principal.livemode,
        id_,
    )
    if row is None:
        raise missing("audit_record", id_, param=param)
    return AuditRow(*row)


async def page_of_records(
    pool: Pool, principal: Principal, page: Page, *, wanted: Wanted, created: Mapping[str, int]
) -> list[AuditRow]:
    """One row more than the page holds."""
    cursor = page.after or page.before
    first, last = bounds(created)
    values = (
        principal.account, principal.livemode, page.limit + 1, cursor, first * 1000, min(last * 1000 + 999, 2**63 - 1),
        *wanted,
    )  # fmt: skip
    async with pool.acquire() as connection, connection.transaction(readonly=True):
        if cursor is not None and not await connection.fetchval(
            "select exists (select from audit where account = $1 and livemode = $2 and id = $3)", *values[:2], cursor
        ):
            raise no_cursor("audit_record", page)
        # Which index serves depends on what is asked for: each time anew, never one plan for all.
        await connection.execute("set local plan_cache_mode = force_custom_plan")
        if page.backwards:
            rows = await connection.fetch(
                "select account, livemode, id, created_ms, action, outcome, actor, object, address, request, detail,"
                " personal, tx from audit where account = $1 and livemode = $2 and id > $4"
                " and created_ms between $5 and $6 and ($7::text is null or actor = $7)"
                " and ($8::text is null or action = $8) and ($9::text is null or outcome = $9)"
                " and ($10::text is null or object = $10) and ($11::text is null or address = $11)"
                " order by id limit $3",
                *values,
            )
        else:
            rows = await connection.fetch(
                "select account, livemode, id, created_ms, action, outcome, actor, object, address, request, detail,"
                " personal, tx from audit where account = $1 and livemode = $2 and ($4::text is null or id < $4)"
                " and created_ms between $5 and $6 and ($7::text is null or actor = $7)"
                " and ($8::text is null or action = $8) and ($9::text is null or outcome = $9)"
                " and ($10::text is null or object = $10) and ($11::text is null or address = $11)"
                " order by id desc limit $3",
                *values,
            )
    return [AuditRow(*row) for row in rows]
