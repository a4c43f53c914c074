"""The access room's own statements."""

from collections.abc import Sequence

from lockgate.gateway.access.core.holders import ItemRow, ReviewRow
from lockgate.gateway.storage.database import Connection, Pool


async def insert_review(connection: Connection, row: ReviewRow, items: Sequence[ItemRow]) -> bool:
    """False if the account has an open review already."""
    done = await connection.execute(
        "insert into access_review (account, id, created, started_by, due_at, completed_at, completed_by)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        *row,
    )
    if done == "INSERT 0 0":
        return False
    await connection.executemany(
        "insert into access_review_item (account, review, id, kind, holder, label, livemode, roles, permissions,"
        " granted_by, granted_at, expires_at, last_used_at, decision, decided_by, decided_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        [tuple(item) for item in items],
    )
    return True


async def decide_item(connection: Connection, row: ItemRow) -> bool:
    """Write what was decided; False if somebody decided meanwhile, or the review is over."""
    done = await connection.execute(
        "update access_review_item set decision = $4, decided_by = $5, decided_at = $6"
        " where account = $1 and review = $2 and id = $3 and decision is null and exists ("
        "  select from access_review r where r.account = $1 and r.id = $2 and r.completed_at is null)",
        row.account,
        row.review,
        row.id,
        row.decision,
        row.decided_by,
        row.decided_at,
    )
    return done != "UPDATE 0"


async def complete_review(connection: Connection, row: ReviewRow) -> bool:
    """End a review; False if it was ended meanwhile, or has items that nobody decided."""
    done = await connection.execute(
        "update access_review set completed_at = $3, completed_by = $4 where account = $1 and id = $2"
        " and completed_at is null and not exists (select from access_review_item i where i.account = $1"
        "  and i.review = $2 and i.decision is null)",
        row.account,
        row.id,
        row.completed_at,
        row.completed_by,
    )
    return done != "UPDATE 0"


async def insert_notice(connection: Connection, account: str, due_at: int, *, now: int) -> bool:
    """False if this was said before."""
    done = await connection.execute(
        "insert into access_review_notice (account, due_at, created) values ($1, $2, $3) on conflict do nothing",
        account,
        due_at,
        now,
    )
    return done != "INSERT 0 0"


async def show_anew(pool: Pool, row: ItemRow) -> None:
    """What an item's holder may do at this moment, for whoever looks again before deciding."""
    await pool.execute(
        "update access_review_item set roles = $4, permissions = $5"
        " where account = $1 and review = $2 and id = $3 and decision is null",
        row.account,
        row.review,
        row.id,
        row.roles,
        row.permissions,
    )
