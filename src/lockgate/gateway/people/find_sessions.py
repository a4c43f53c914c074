"""Reads of sessions: by id with what their person may do, by refresh token, and a person's own."""

from typing import NamedTuple

from lockgate.gateway.people.core.rows import SessionRow
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.paging import Page


class Live(NamedTuple):
    """A session, whether its person may still sign in, and the person's roles by account."""

    session: SessionRow
    person_status: str
    roles: dict[str, tuple[str, ...]]


class Refresh(NamedTuple):
    """What is known of one refresh token."""

    session: str
    used_at: int | None


async def live(pool: Pool | Connection, id_: str) -> Live | None:
    """All that decides what a session may do, in one read."""
    rows = await pool.fetch(
        "select s.id, s.person, s.created, s.began_at, s.last_seen_at, s.expires_at, s.proved_at, s.factors, s.device,"
        " s.personal, s.ended_at, s.ended_reason, p.status, m.account, m.roles"
        " from session s join person p on p.id = s.person"
        " left join membership m on m.person = s.person and m.status = 'active' where s.id = $1",
        id_,
    )
    if not rows:
        return None
    roles = {row["account"]: tuple(row["roles"]) for row in rows if row["account"] is not None}
    return Live(SessionRow(*tuple(rows[0])[:12]), rows[0]["status"], roles)


async def refresh(connection: Pool | Connection, hash_: bytes) -> Refresh | None:
    row = await connection.fetchrow("select session, used_at from session_refresh where hash = $1", hash_)
    return None if row is None else Refresh(*row)


async def sessions(pool: Pool, person: str, page: Page, *, now: int, idle_since: int) -> list[SessionRow]:
    """One page of a person's living sessions, and one row more if there are more."""
    rows = await pool.fetch(
        "select id, person, created, began_at, last_seen_at, expires_at, proved_at, factors, device, personal,"
        " ended_at, ended_reason from session where person = $1 and ended_at is null and expires_at > $2"
        " and last_seen_at >= $3 and ($4::text is null or id < $4) and ($5::text is null or id > $5)"
        " order by case when $5::text is null then id end desc, id limit $6",
        person,
        now,
        idle_since,
        page.after,
        page.before,
        page.limit + 1,
    )
    return [SessionRow(*row) for row in rows]
