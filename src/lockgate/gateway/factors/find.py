"""Reads of the factors of one person."""

from typing import NamedTuple

from lockgate.gateway.storage.database import Connection, Pool


class TotpRow(NamedTuple):
    """An authenticator app. ``step`` is the last 30 seconds whose code was taken; unconfirmed ones prove nothing."""

    person: str
    id: str
    created: int
    sealed: bytes
    step: int
    confirmed_at: int | None
    last_used_at: int | None


class PasskeyRow(NamedTuple):
    """A passkey: the public half, and what its authenticator said of itself."""

    person: str
    id: str
    created: int
    credential: bytes
    public_key: bytes
    sign_count: int
    transports: list[str]
    aaguid: str
    backup_eligible: bool
    backed_up: bool
    sealed: bytes
    last_used_at: int | None


async def totps(connection: Connection | Pool, person: str) -> list[TotpRow]:
    """The authenticator apps that ``person`` proved to have, oldest first."""
    rows = await connection.fetch(
        "select person, id, created, sealed, step, confirmed_at, last_used_at from totp"
        " where person = $1 and confirmed_at is not null order by id",
        person,
    )
    return [TotpRow(*row) for row in rows]


async def begun_totp(connection: Connection | Pool, person: str, *, since: int) -> TotpRow | None:
    """The app that ``person`` began to add and has not confirmed yet."""
    row = await connection.fetchrow(
        "select person, id, created, sealed, step, confirmed_at, last_used_at from totp"
        " where person = $1 and confirmed_at is null and created >= $2 order by id desc limit 1",
        person,
        since,
    )
    return None if row is None else TotpRow(*row)


async def passkeys(connection: Connection | Pool, person: str) -> list[PasskeyRow]:
    """The passkeys of ``person``, oldest first."""
    rows = await connection.fetch(
        "select person, id, created, credential, public_key, sign_count, transports, aaguid, backup_eligible,"
        " backed_up, sealed, last_used_at from passkey where person = $1 order by id",
        person,
    )
    return [PasskeyRow(*row) for row in rows]


async def passkey_by_credential(connection: Connection | Pool, credential: bytes) -> PasskeyRow | None:
    """The passkey that an authenticator calls ``credential``, whoever's it is."""
    row = await connection.fetchrow(
        "select person, id, created, credential, public_key, sign_count, transports, aaguid, backup_eligible,"
        " backed_up, sealed, last_used_at from passkey where credential = $1",
        credential,
    )
    return None if row is None else PasskeyRow(*row)


async def unused_recovery_codes(connection: Connection | Pool, person: str) -> int:
    """How many recovery codes ``person`` has left."""
    count = await connection.fetchval(
        "select count(*) from recovery_code where person = $1 and used_at is null", person
    )
    return int(count or 0)


async def kinds(connection: Connection | Pool, person: str) -> tuple[str, ...]:
    """What ``person`` can prove a second factor with, best first."""
    row = await connection.fetchrow(
        "select exists (select from passkey where person = $1),"
        " exists (select from totp where person = $1 and confirmed_at is not null),"
        " exists (select from recovery_code where person = $1 and used_at is null)",
        person,
    )
    assert row is not None, "a select without from has one row"
    return tuple(kind for kind, has in zip(("passkey", "totp", "recovery_code"), row, strict=True) if has)
