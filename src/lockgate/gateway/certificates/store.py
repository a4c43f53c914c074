"""The certificates room's own statements: its rows, what handshakes believe, and what the clock calls."""

from collections.abc import Sequence
from typing import NamedTuple

from lockgate.gateway.certificates.find import AuthorityRow, CertificateRow, ServerRow
from lockgate.gateway.storage.database import Connection


class Ending(NamedTuple):
    """A certificate whose end somebody may have to hear of."""

    account: str
    livemode: bool
    id: str
    not_after: int
    warned_days: int | None


async def lock_trust(connection: Connection) -> None:
    """One change at a time of what handshakes believe, and tell every listener that there is one."""
    await connection.execute("update certificate_trust set version = version + 1")


async def insert(connection: Connection, row: CertificateRow) -> bool:
    """Keep a certificate; False if it is known already."""
    done = await connection.execute(
        "insert into client_certificate (account, livemode, id, created, kind, name, api_key, app, names, thumbprint,"
        " key_hash, subject, issuer, serial, algorithm, not_before, not_after, certificate, issued_by, replaces,"
        " revoked_at, revocation_reason, warned_days)"
        " values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,"
        " $23) on conflict do nothing",
        *row,
    )
    return done == "INSERT 0 1"


async def lock(connection: Connection, *, account: str, livemode: bool, id_: str) -> CertificateRow | None:
    """The certificate, held until this transaction ends."""
    row = await connection.fetchrow(
        "select account, livemode, id, created, kind, name, api_key, app, names, thumbprint, key_hash, subject, issuer,"
        " serial, algorithm, not_before, not_after, certificate, issued_by, replaces, revoked_at, revocation_reason,"
        " warned_days from client_certificate where account = $1 and livemode = $2 and id = $3 for update",
        account,
        livemode,
        id_,
    )
    return None if row is None else CertificateRow(*row)


async def revoke(connection: Connection, row: CertificateRow) -> None:
    """Write the revocation as ``row`` has it, and have its issuer's list made anew."""
    await connection.execute(
        "update client_certificate set revoked_at = $4, revocation_reason = $5"
        " where account = $1 and livemode = $2 and id = $3",
        row.account,
        row.livemode,
        row.id,
        row.revoked_at,
        row.revocation_reason,
    )
    await connection.execute("update certificate_authority set list_stale = true where id = $1", row.issued_by)


async def require(connection: Connection, *, account: str, livemode: bool, api_key: str, now: int) -> None:
    await connection.execute(
        "insert into certificate_requirement (account, livemode, api_key, created) values ($1, $2, $3, $4)"
        " on conflict do nothing",
        account,
        livemode,
        api_key,
        now,
    )


async def free(connection: Connection, *, account: str, livemode: bool, api_key: str) -> None:
    await connection.execute(
        "delete from certificate_requirement where account = $1 and livemode = $2 and api_key = $3",
        account,
        livemode,
        api_key,
    )


async def lock_authorities(connection: Connection) -> None:
    """One maker of issuers and lists at a time, until this transaction ends."""
    await connection.execute("select pg_advisory_xact_lock(hashtext('lockgate.certificate_authority'))")


async def insert_authority(connection: Connection, row: AuthorityRow) -> None:
    await connection.execute(
        "insert into certificate_authority (id, created, not_before, not_after, certificate, sealed)"
        " values ($1, $2, $3, $4, $5, $6)",
        *row,
    )


async def stale_lists(connection: Connection, *, before: int, now: int) -> list[tuple[str, int]]:
    """Issuers whose list must be made anew, with the last one's number: something changed, or its time runs out."""
    rows = await connection.fetch(
        "select id, list_number from certificate_authority where not_after > $2 and (list_stale or list_next < $1)"
        " order by id for update skip locked",
        before,
        now,
    )
    return [(row[0], row[1]) for row in rows]


async def keep_list(connection: Connection, id_: str, *, number: int, next_: int, list_: bytes) -> None:
    await connection.execute(
        "update certificate_authority set list = $4, list_number = $2, list_next = $3, list_stale = false"
        " where id = $1",
        id_,
        number,
        next_,
        list_,
    )


async def ending(connection: Connection, *, until: int, now: int, most: int) -> list[Ending]:
    """Good client certificates that end before ``until``; the nearest warning that was given stands with each."""
    rows = await connection.fetch(
        "select account, livemode, id, not_after, warned_days from client_certificate"
        " where revoked_at is null and not_after > $2 and not_after <= $1"
        " and (warned_days is null or (warned_days > 14 and not_after <= $2 + 14 * 86400)"
        "  or (warned_days > 7 and not_after <= $2 + 7 * 86400))"
        " order by not_after limit $3 for update skip locked",
        until,
        now,
        most,
    )
    return [Ending(*row) for row in rows]


async def warned(connection: Connection, *, account: str, livemode: bool, id_: str, days: int) -> None:
    await connection.execute(
        "update client_certificate set warned_days = $4 where account = $1 and livemode = $2 and id = $3",
        account,
        livemode,
        id_,
        days,
    )


async def ending_servers(connection: Connection, *, until: int) -> list[Ending]:
    """The installation's own that end before ``until``, but for service certificates, which live for a day."""
    rows = await connection.fetch(
        "select '-', true, name, not_after, warned_days from server_certificate"
        " where not_after <= $1 and purpose <> 'service' order by not_after for update skip locked",
        until,
    )
    return [Ending(*row) for row in rows]


async def warned_server(connection: Connection, name: str, *, days: int) -> None:
    await connection.execute("update server_certificate set warned_days = $2 where name = $1", name, days)


async def replace_servers(connection: Connection, rows: Sequence[ServerRow]) -> None:
    """What there is now of the installation's own; a renewed certificate is to be warned of anew."""
    await connection.execute("delete from server_certificate where name <> all($1::text[])", [row.name for row in rows])
    await connection.executemany(
        "insert into server_certificate as s (name, purpose, kind, place, subject, issuer, serial, algorithm,"
        " thumbprint, not_before, not_after, seen) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
        " on conflict (name) do update set purpose = excluded.purpose, kind = excluded.kind, place = excluded.place,"
        " subject = excluded.subject, issuer = excluded.issuer, serial = excluded.serial,"
        " algorithm = excluded.algorithm, thumbprint = excluded.thumbprint, not_before = excluded.not_before,"
        " not_after = excluded.not_after, seen = excluded.seen,"
        " warned_days = case when s.not_after = excluded.not_after then s.warned_days end",
        [tuple(row) for row in rows],
    )

