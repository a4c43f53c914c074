"""The rows of factors: written one person at a time, each code and challenge taken once."""

from collections.abc import Sequence

from lockgate.gateway.factors.find import PasskeyRow, TotpRow
from lockgate.gateway.storage.database import Connection, Pool


async def lock(connection: Connection, person: str) -> list[int]:
    """Hold the person's row until the transaction ends; when her tries failed, oldest first."""
    await connection.execute(
        "insert into factor_guard (person, failed) values ($1, '{}') on conflict do nothing", person
    )
    return list(await connection.fetchval("select failed from factor_guard where person = $1 for update", person) or [])


async def note_failures(connection: Connection, person: str, failed: Sequence[int]) -> None:
    """Remember when tries failed."""
    await connection.execute("update factor_guard set failed = $2 where person = $1", person, list(failed))


async def begin_totp(connection: Connection, row: TotpRow) -> None:
    """Keep an app that is not confirmed yet, in place of any other such."""
    await connection.execute("delete from totp where person = $1 and confirmed_at is null", row.person)
    await connection.execute(
        "insert into totp (person, id, created, sealed, step, confirmed_at, last_used_at)"
        " values ($1, $2, $3, $4, $5, $6, $7)",
        *row,
    )


async def confirm_totp(connection: Connection, person: str, id_: str, *, step: int, now: int) -> bool:
    """The app made its first code."""
    done = await connection.execute(
        "update totp set confirmed_at = $4, last_used_at = $4, step = $3"
        " where person = $1 and id = $2 and confirmed_at is null",
        person,
        id_,
        step,
        now,
    )
    return done == "UPDATE 1"


async def take_step(connection: Connection, person: str, id_: str, *, step: int, now: int) -> bool:
    """Take the code of ``step``, unless it or a later one was taken."""
    done = await connection.execute(
        "update totp set step = $3, last_used_at = $4 where person = $1 and id = $2 and step < $3",
        person,
        id_,
        step,
        now,
    )
    return done == "UPDATE 1"


async def add_passkey(connection: Connection, row: PasskeyRow) -> bool:
    """Keep a passkey; False where its credential is known already."""
    done = await connection.execute(
        "insert into passkey (person, id, created, credential, public_key, sign_count, transports, aaguid,"
        " backup_eligible, backed_up, sealed, last_used_at)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) on conflict do nothing",
        *row,
    )
    return done == "INSERT 0 1"


async def count_signature(pool: Pool, row: PasskeyRow, *, count: int, backed_up: bool, now: int) -> bool:
    """Raise the passkey's count to ``count``; False where it stands as high already. Some always say 0."""
    done = await pool.execute(
        "update passkey set sign_count = $3, backed_up = $4, last_used_at = $5"
        " where person = $1 and id = $2 and (sign_count < $3 or (sign_count = 0 and $3 = 0))",
        row.person,
        row.id,
        count,
        backed_up,
        now,
    )
    return done == "UPDATE 1"


async def remove(connection: Connection, person: str, id_: str) -> str | None:
    """Remove one factor; which kind it was, or None."""
    if await connection.execute("delete from totp where person = $1 and id = $2", person, id_) == "DELETE 1":
        return "totp"
    if await connection.execute("delete from passkey where person = $1 and id = $2", person, id_) == "DELETE 1":
        return "passkey"
    return None


async def keep_challenge(
    pool: Pool,
    hash_: bytes,
    *,
    purpose: str,
    person: str | None,
    ceremony: bytes | None,
    content: bytes,
    expires_at: int,
) -> None:
    """A challenge that goes out."""
    await pool.execute(
        "insert into passkey_challenge (hash, purpose, person, ceremony, content, expires_at)"
        " values ($1, $2, $3, $4, $5, $6)",
        hash_,
        purpose,
        person,
        ceremony,
        content,
        expires_at,
    )


async def take_challenge(
    pool: Pool,
    hash_: bytes,
    *,
    purpose: str,
    person: str | None,
    ceremony: bytes | None,
    content: bytes,
    now: int,
) -> bool:
    """Take a challenge that came back, for good; whether it was out for just this."""
    return bool(
        await pool.fetchval(
            "delete from passkey_challenge where hash = $1 returning purpose = $2"
            " and person is not distinct from $3 and ceremony is not distinct from $4 and content = $5"
            " and expires_at > $6",
            hash_,
            purpose,
            person,
            ceremony,
            content,
            now,
        )
    )


async def renew_recovery_codes(connection: Connection, person: str, hashes: Sequence[bytes], *, now: int) -> None:
    """These codes and no others."""
    await connection.execute("delete from recovery_code where person = $1", person)
    await connection.execute(
        "insert into recovery_code (person, hash, created) select $1, unnest($2::bytea[]), $3",
        person,
        list(hashes),
        now,
    )


async def take_recovery_code(connection: Connection, person: str, hash_: bytes, *, now: int) -> bool:
    """Use one code up."""
    done = await connection.execute(
        "update recovery_code set used_at = $3 where person = $1 and hash = $2 and used_at is null",
        person,
        hash_,
        now,
    )
    return done == "UPDATE 1"


async def sweep(pool: Pool, *, before: int) -> int:
    """Forget what was begun and not finished before ``before``; how much that was."""
    gone = 0
    for done in (
        await pool.execute("delete from passkey_challenge where expires_at < $1", before),
        await pool.execute("delete from totp where confirmed_at is null and created < $1", before),
    ):
        gone += int(done.rsplit(" ", 1)[1])
    return gone
