"""The oauth room's own writes to codes, sessions and tokens, and the sweeps that forget what is over."""

from lockgate.gateway.oauth.core.rows import CodeRow, RefreshRow, SessionRow
from lockgate.gateway.storage.database import Connection, Pool


async def insert_code(connection: Connection, row: CodeRow) -> None:
    await connection.execute(
        "insert into app_code (account, livemode, hash, created, expires_at, grant_id, app, scope, asked, session)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        *row,
    )


async def spend_code(connection: Connection, row: CodeRow, *, session: str) -> str | None:
    """None for the one who is first, and the code is spent by then; else the session that the first use began."""
    held = await connection.fetchval(
        "select session from app_code where account = $1 and livemode = $2 and hash = $3 for update",
        *(row.account, row.livemode, row.hash),
    )
    if held is None:
        await connection.execute(
            "update app_code set session = $4 where account = $1 and livemode = $2 and hash = $3",
            *(row.account, row.livemode, row.hash, session),
        )
    return held


async def insert_session(connection: Connection, row: SessionRow) -> None:
    await connection.execute(
        "insert into app_session (account, livemode, id, grant_id, app_account, app, scope, created, expires_at,"
        " key_thumbprint, ended_at, ended_why) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        *row,
    )


async def insert_refresh(connection: Connection, row: RefreshRow) -> None:
    await connection.execute(
        "insert into app_refresh (account, livemode, hash, session, created, expires_at, used_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        *row,
    )


async def lock_session(connection: Connection, *, account: str, livemode: bool, id_: str) -> SessionRow | None:
    """The session, held until this transaction ends: its refresh tokens are used one at a time."""
    row = await connection.fetchrow(
        "select account, livemode, id, grant_id, app_account, app, scope, created, expires_at, key_thumbprint,"
        " ended_at, ended_why from app_session where account = $1 and livemode = $2 and id = $3 for update",
        *(account, livemode, id_),
    )
    return None if row is None else SessionRow(*row)


async def read_refresh(connection: Connection, *, account: str, livemode: bool, hash_: bytes) -> RefreshRow | None:
    """The refresh token as it stands, under its session's lock."""
    row = await connection.fetchrow(
        "select account, livemode, hash, session, created, expires_at, used_at from app_refresh"
        " where account = $1 and livemode = $2 and hash = $3",
        *(account, livemode, hash_),
    )
    return None if row is None else RefreshRow(*row)


async def spend_refresh(connection: Connection, row: RefreshRow, *, now: int) -> None:
    await connection.execute(
        "update app_refresh set used_at = $4 where account = $1 and livemode = $2 and hash = $3",
        *(row.account, row.livemode, row.hash, now),
    )


async def end_session(
    connection: Connection, *, account: str, livemode: bool, id_: str, why: str, now: int
) -> bool:
    """End the session with all its tokens; False if it had ended before."""
    done = await connection.execute(
        "update app_session set ended_at = $5, ended_why = $4 where account = $1 and livemode = $2 and id = $3"
        " and ended_at is null",
        *(account, livemode, id_, why, now),
    )
    return done != "UPDATE 0"


async def note_use(connection: Connection, *, account: str, livemode: bool, grant: str, now: int) -> None:
    """The grant was used: tokens were given for it."""
    await connection.execute(
        "update app_grant set last_used_at = $4 where account = $1 and livemode = $2 and id = $3",
        *(account, livemode, grant, now),
    )


async def end_token(connection: Connection, *, account: str, livemode: bool, jti: str, expires_at: int) -> None:
    """End one access token before its time."""
    await connection.execute(
        "insert into app_ended_token (account, livemode, jti, expires_at) values ($1, $2, $3, $4)"
        " on conflict do nothing",
        *(account, livemode, jti, expires_at),
    )


async def forget_requests(pool: Pool, *, now: int) -> int:
    return _count(await pool.execute("delete from app_request where expires_at <= $1", now))


async def forget_codes(pool: Pool, *, before: int) -> int:
    return _count(await pool.execute("delete from app_code where created < $1", before))


async def forget_refresh_tokens(pool: Pool, *, before: int) -> int:
    """A session's spent tokens stay as long as it may live: one that comes back must be known."""
    return _count(await pool.execute("delete from app_refresh where created < $1 and expires_at < $1", before))


async def forget_sessions(pool: Pool, *, before: int) -> int:
    return _count(await pool.execute("delete from app_session where expires_at < $1", before))


async def forget_ended_tokens(pool: Pool, *, now: int) -> int:
    return _count(await pool.execute("delete from app_ended_token where expires_at <= $1", now))


async def forget_proofs(pool: Pool, *, now: int) -> int:
    return _count(await pool.execute("delete from proof_seen where expires_at <= $1", now))


def _count(status: str) -> int:
    return int(status.rsplit(" ", 1)[1])
