"""The sessions' own statements: beginning, renewing, ending, and forgetting them."""

from collections.abc import Sequence

from lockgate.gateway.people.core.rows import SessionRow
from lockgate.gateway.storage.database import Connection, Pool


async def insert_session(connection: Connection, row: SessionRow, *, refresh_hash: bytes) -> None:
    """A new session with its first refresh token."""
    await connection.execute(
        "insert into session (id, person, created, began_at, last_seen_at, expires_at, proved_at, factors, device,"
        " personal, ended_at, ended_reason) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        *row,
    )
    await insert_refresh(connection, refresh_hash, session=row.id, now=row.created)


async def insert_refresh(connection: Connection, hash_: bytes, *, session: str, now: int) -> None:
    await connection.execute(
        "insert into session_refresh (hash, session, created) values ($1, $2, $3)", hash_, session, now
    )


async def spend_refresh(connection: Connection, hash_: bytes, *, now: int) -> None:
    await connection.execute("update session_refresh set used_at = $2 where hash = $1", hash_, now)


async def lock_session(connection: Connection, id_: str) -> SessionRow | None:
    """The session, held until this transaction ends."""
    row = await connection.fetchrow(
        "select id, person, created, began_at, last_seen_at, expires_at, proved_at, factors, device, personal,"
        " ended_at, ended_reason from session where id = $1 for update",
        id_,
    )
    return None if row is None else SessionRow(*row)


async def touch_session(connection: Connection | Pool, id_: str, *, person: str, now: int) -> None:
    """Note that the session is used, and with it that its person is there."""
    await connection.execute(
        "with seen as (update session set last_seen_at = $3 where id = $1 and last_seen_at < $3)"
        " update person set last_seen_at = $3 where id = $2 and coalesce(last_seen_at, 0) < $3",
        id_,
        person,
        now,
    )


async def end_session(connection: Connection, id_: str, *, reason: str, now: int) -> bool:
    done = await connection.execute(
        "update session set ended_at = $3, ended_reason = $2 where id = $1 and ended_at is null", id_, reason, now
    )
    return done != "UPDATE 0"


async def end_sessions(
    connection: Connection, persons: Sequence[str], *, reason: str, now: int, but: str | None
) -> list[str]:
    """End all sessions of ``persons`` except ``but``; returns whose were ended, one entry for each session."""
    rows = await connection.fetch(
        "update session set ended_at = $3, ended_reason = $2 where person = any($1) and ended_at is null"
        " and id is distinct from $4 returning person",
        list(persons),
        reason,
        now,
        but,
    )
    return [row["person"] for row in rows]


async def forget_sessions(pool: Pool, *, before: int) -> int:
    """Forget sessions that are long over, their refresh tokens with them."""
    done = await pool.execute(
        "delete from session where id in (select id from session where expires_at < $1 limit 500)", before
    )
    return int(done.rsplit(" ", 1)[1])
