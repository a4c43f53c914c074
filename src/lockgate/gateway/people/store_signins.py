"""The sign-ins' own statements: what waits for a second factor, how many failed, and where people signed in before."""

from collections.abc import Sequence

from lockgate.gateway.people.core.lockout import Failures
from lockgate.gateway.people.core.rows import SignInRow
from lockgate.gateway.storage.database import Connection, Pool


async def insert_sign_in(connection: Connection, row: SignInRow) -> None:
    await connection.execute(
        "insert into sign_in (id, secret_hash, person, created, expires_at, failures, device, invitation,"
        " invitation_account) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        *row,
    )


async def sign_in(pool: Pool | Connection, id_: str) -> SignInRow | None:
    row = await pool.fetchrow(
        "select id, secret_hash, person, created, expires_at, failures, device, invitation, invitation_account"
        " from sign_in where id = $1",
        id_,
    )
    return None if row is None else SignInRow(*row)


async def count_failure(connection: Connection | Pool, id_: str) -> None:
    await connection.execute("update sign_in set failures = failures + 1 where id = $1", id_)


async def delete_sign_in(connection: Connection, id_: str) -> bool:
    """Take the sign-in away; False if another has done so already."""
    return await connection.execute("delete from sign_in where id = $1", id_) != "DELETE 0"


async def delete_sign_ins(connection: Connection, person: str) -> None:
    """A half-finished sign-in was begun with a password that is not good any more."""
    await connection.execute("delete from sign_in where person = $1", person)


async def lock_failures(connection: Connection, bucket: bytes) -> Failures | None:
    """What is kept of a bucket, held until this transaction ends; None if it was just made."""
    await connection.execute(
        "insert into sign_in_failures (bucket, failures, locks, began, last_at) values ($1, 0, 0, 0, 0)"
        " on conflict do nothing",
        bucket,
    )
    row = await connection.fetchrow(
        "select failures, locks, began, last_at, locked_until from sign_in_failures where bucket = $1 for update",
        bucket,
    )
    return None if row is None or row["last_at"] == 0 else Failures(*row)


async def keep_failures(connection: Connection, bucket: bytes, kept: Failures) -> None:
    await connection.execute(
        "update sign_in_failures set failures = $2, locks = $3, began = $4, last_at = $5, locked_until = $6"
        " where bucket = $1",
        bucket,
        *kept,
    )


async def forget_failures(connection: Connection, bucket: bytes) -> None:
    await connection.execute("delete from sign_in_failures where bucket = $1", bucket)


async def known_places(connection: Connection | Pool, person: str, marks: Sequence[bytes]) -> set[bytes]:
    """Which of ``marks`` this person signed in from before."""
    rows = await connection.fetch(
        "select mark from known_place where person = $1 and mark = any($2)", person, list(marks)
    )
    return {row["mark"] for row in rows}


async def keep_place(connection: Connection, person: str, mark: bytes, *, kind: str, now: int) -> bool:
    """Remember where ``person`` signed in; whether it is new."""
    return bool(
        await connection.fetchval(
            "insert into known_place (person, mark, kind, created, last_seen_at) values ($1, $2, $3, $4, $4)"
            " on conflict (person, mark) do update set last_seen_at = $4 returning xmax = 0",
            person,
            mark,
            kind,
            now,
        )
    )


async def forget_old(pool: Pool, *, now: int, quiet_s: int, places_s: int) -> int:
    """Forget sign-ins that were not finished, failures long past, and places nobody came back to."""
    done = 0
    for status in (
        await pool.execute(
            "delete from sign_in where id in (select id from sign_in where expires_at < $1 limit 1000)", now
        ),
        await pool.execute(
            "delete from sign_in_failures where bucket in (select bucket from sign_in_failures where last_at < $1"
            " and coalesce(locked_until, 0) < $1 limit 1000)",
            now - quiet_s,
        ),
        await pool.execute(
            "delete from known_place where (person, mark) in (select person, mark from known_place"
            " where last_seen_at < $1 limit 1000)",
            now - places_s,
        ),
        await pool.execute(
            "delete from person_link where hash in (select hash from person_link where expires_at < $1 limit 1000)", now
        ),
    ):
        done += int(status.rsplit(" ", 1)[1])
    return done


async def any_place(connection: Connection, person: str) -> bool:
    """Whether ``person`` has ever signed in anywhere that is remembered."""
    return bool(await connection.fetchval("select exists (select from known_place where person = $1)", person))
