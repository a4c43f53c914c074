"""Reads of the certificates room: the principal first; by thumbprint where nobody is known yet."""

from typing import NamedTuple

from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.paging import Page, no_cursor
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


class CertificateRow(NamedTuple):
    """One client certificate, or a foreign authority whose certificates are one merchant's."""

    account: str
    livemode: bool
    id: str
    created: int
    kind: str
    name: str
    api_key: str | None
    app: str | None
    names: list[str]
    thumbprint: bytes
    key_hash: bytes
    subject: bytes
    issuer: str
    serial: str
    algorithm: str
    not_before: int
    not_after: int
    certificate: bytes
    issued_by: str | None
    replaces: str | None
    revoked_at: int | None
    revocation_reason: str | None
    warned_days: int | None


class AuthorityRow(NamedTuple):
    """What signs client certificates; ``sealed`` is its private half."""

    id: str
    created: int
    not_before: int
    not_after: int
    certificate: bytes
    sealed: bytes

    def __repr__(self) -> str:
        return f"AuthorityRow({self.id})"


class RequirementRow(NamedTuple):
    """A key, or ``*`` for all of an account, that is refused without a certificate."""

    api_key: str
    created: int


class ServerRow(NamedTuple):
    """One of the installation's own certificates or keys."""

    name: str
    purpose: str
    kind: str
    place: str
    subject: str
    issuer: str
    serial: str
    algorithm: str
    thumbprint: bytes | None
    not_before: int | None
    not_after: int | None
    seen: int


class SigningKeyRow(NamedTuple):
    """A key that signs access tokens."""

    kid: str
    created: int
    algorithm: str


class Expiring(NamedTuple):
    """When something ends. ``account`` is ``-`` for the installation's own."""

    account: str
    livemode: bool
    name: str
    purpose: str
    not_after: int
    warned_days: int | None


async def certificate(pool: Pool, who: Principal, id_: str, *, param: str = "client_certificate") -> CertificateRow:
    """The certificate ``id_``."""
    row = await pool.fetchrow(
        "select account, livemode, id, created, kind, name, api_key, app, names, thumbprint, key_hash, subject, issuer,"
        " serial, algorithm, not_before, not_after, certificate, issued_by, replaces, revoked_at, revocation_reason,"
        " warned_days from client_certificate where account = $1 and livemode = $2 and id = $3",
        who.account,
        who.livemode,
        id_,
    )
    if row is None:
        raise missing("client_certificate", id_, param=param)
    return CertificateRow(*row)


async def certificate_page(
    pool: Pool, who: Principal, page: Page, *, status: str | None, now: int
) -> list[CertificateRow]:
    """One row more than the page holds, newest first; of one status if that is given."""
    cursor = page.after or page.before
    if cursor is not None and not await pool.fetchval(
        "select exists (select from client_certificate where account = $1 and livemode = $2 and id = $3)",
        who.account,
        who.livemode,
        cursor,
    ):
        raise no_cursor("client_certificate", page)
    values = (who.account, who.livemode, page.limit + 1, cursor, status, now)
    if page.backwards:
        rows = await pool.fetch(
            "select account, livemode, id, created, kind, name, api_key, app, names, thumbprint, key_hash, subject,"
            " issuer, serial, algorithm, not_before, not_after, certificate, issued_by, replaces, revoked_at,"
            " revocation_reason, warned_days from client_certificate"
            " where account = $1 and livemode = $2 and id > $4 and ($5::text is null or $5 = case"
            " when revoked_at is not null then 'revoked' when not_after <= $6 then 'expired' else 'active' end)"
            " order by id limit $3",
            *values,
        )
    else:
        rows = await pool.fetch(
            "select account, livemode, id, created, kind, name, api_key, app, names, thumbprint, key_hash, subject,"
            " issuer, serial, algorithm, not_before, not_after, certificate, issued_by, replaces, revoked_at,"
            " revocation_reason, warned_days from client_certificate"
            " where account = $1 and livemode = $2 and ($4::text is null or id < $4) and ($5::text is null or $5 = case"
            " when revoked_at is not null then 'revoked' when not_after <= $6 then 'expired' else 'active' end)"
            " order by id desc limit $3",
            *values,
        )
    return [CertificateRow(*row) for row in rows]


async def by_thumbprint(pool: Pool | Connection, thumbprint: bytes) -> CertificateRow | None:
    """Whose certificate this is: a connection shows it before anybody says who asks."""
    row = await pool.fetchrow(
        "select account, livemode, id, created, kind, name, api_key, app, names, thumbprint, key_hash, subject, issuer,"
        " serial, algorithm, not_before, not_after, certificate, issued_by, replaces, revoked_at, revocation_reason,"
        " warned_days from client_certificate where thumbprint = $1 and kind <> 'authority'",
        thumbprint,
    )
    return None if row is None else CertificateRow(*row)


async def authorities_named(pool: Pool, subject: bytes) -> list[CertificateRow]:
    """Foreign authorities of this name, whoever registered them; their signatures tell which one it was."""
    rows = await pool.fetch(
        "select account, livemode, id, created, kind, name, api_key, app, names, thumbprint, key_hash, subject, issuer,"
        " serial, algorithm, not_before, not_after, certificate, issued_by, replaces, revoked_at, revocation_reason,"
        " warned_days from client_certificate where subject = $1 and kind = 'authority' and revoked_at is null",
        subject,
    )
    return [CertificateRow(*row) for row in rows]


async def name_is_taken(connection: Connection, subject: bytes, *, key_hash: bytes, authority: bool) -> bool:
    """Whether handshakes believe somebody of this name with another key, where one of both signs for others."""
    return await connection.fetchval(  # type: ignore[return-value] - one row always
        "select exists (select from client_certificate where subject = $1 and key_hash <> $2 and revoked_at is null"
        " and (kind = 'authority' or $3))",
        subject,
        key_hash,
        authority,
    )


async def key_is_known(connection: Connection, key_hash: bytes) -> bool:
    """Whether some certificate, even one that ended, was for this key."""
    return await connection.fetchval(  # type: ignore[return-value] - one row always
        "select exists (select from client_certificate where key_hash = $1)", key_hash
    )


async def alive(connection: Connection, who: Principal, *, now: int) -> int:
    """How many certificates of this account and mode are good."""
    return await connection.fetchval(  # type: ignore[return-value] - one row always
        "select count(*) from client_certificate"
        " where account = $1 and livemode = $2 and revoked_at is null and not_after > $3",
        who.account,
        who.livemode,
        now,
    )


async def covers(connection: Connection, who: Principal, *, api_key: str | None, now: int) -> bool:
    """Whether a good certificate could be shown with ``api_key``, or with the account's keys."""
    return await connection.fetchval(  # type: ignore[return-value] - one row always
        "select exists (select from client_certificate where account = $1 and livemode = $2 and revoked_at is null"
        " and not_after > $4 and app is null and (api_key is null or api_key = $3))",
        who.account,
        who.livemode,
        api_key,
        now,
    )


async def successors(connection: Connection, who: Principal, id_: str, *, now: int) -> int:
    """How many good certificates were asked for by this one."""
    return await connection.fetchval(  # type: ignore[return-value] - one row always
        "select count(*) from client_certificate"
        " where account = $1 and livemode = $2 and replaces = $3 and revoked_at is null and not_after > $4",
        who.account,
        who.livemode,
        id_,
        now,
    )


async def key_kind(connection: Connection, who: Principal, id_: str, *, now: int) -> str | None:
    """The kind of an API key that is good; None if there is no such key."""
    return await connection.fetchval(
        "select kind from api_key where account = $1 and livemode = $2 and id = $3 and revoked_at is null"
        " and (expires_at is null or expires_at > $4)",
        who.account,
        who.livemode,
        id_,
        now,
    )


async def makes_app(pool: Pool, *, account: str, app: str) -> bool:
    """Whether ``account`` made the third-party app."""
    return await pool.fetchval(
        "select exists (select from app where account = $1 and id = $2)", account, app
    )


async def requirements(pool: Pool, account: str, livemode: bool) -> list[RequirementRow]:
    """The keys of an account that demand a certificate."""
    rows = await pool.fetch(
        "select api_key, created from certificate_requirement where account = $1 and livemode = $2 order by api_key",
        account,
        livemode,
    )
    return [RequirementRow(*row) for row in rows]


async def trust_version(pool: Pool) -> int:
    """The number that changes with what handshakes believe."""
    return await pool.fetchval("select version from certificate_trust")


async def trusted(pool: Pool, *, now: int) -> list[bytes]:
    """Every certificate that a handshake believes: our issuers, and what merchants registered."""
    rows = await pool.fetch(
        "select certificate from certificate_authority where not_after > $1"
        " union all select certificate from client_certificate"
        " where kind <> 'issued' and revoked_at is null and not_after > $1",
        now,
    )
    return [row[0] for row in rows]


async def authorities(pool: Pool | Connection) -> list[AuthorityRow]:
    """Our issuers of client certificates, newest first."""
    rows = await pool.fetch(
        "select id, created, not_before, not_after, certificate, sealed from certificate_authority order by id desc"
    )
    return [AuthorityRow(*row) for row in rows]


async def revocation_list(pool: Pool, id_: str | None) -> bytes | None:
    """The signed list of the issuer ``id_``, or of the newest."""
    return await pool.fetchval(
        "select list from certificate_authority where $1::text is null or id = $1 order by id desc limit 1", id_
    )


async def revoked(connection: Connection, authority: str, *, now: int) -> list[tuple[str, int, str]]:
    """Serial, time and reason of what an issuer's list names: certificates that are revoked and not yet expired."""
    rows = await connection.fetch(
        "select serial, revoked_at, revocation_reason from client_certificate"
        " where issued_by = $1 and revoked_at is not null and not_after > $2 order by revoked_at, id",
        authority,
        now,
    )
    return [(row[0], row[1], row[2]) for row in rows]


async def every_certificate(pool: Pool) -> list[CertificateRow]:
    """All client certificates of all accounts that are not revoked, for the operator's inventory."""
    rows = await pool.fetch(
        "select account, livemode, id, created, kind, name, api_key, app, names, thumbprint, key_hash, subject, issuer,"
        " serial, algorithm, not_before, not_after, certificate, issued_by, replaces, revoked_at, revocation_reason,"
        " warned_days from client_certificate where revoked_at is null order by account, livemode, id"
    )
    return [CertificateRow(*row) for row in rows]


async def servers(pool: Pool) -> list[ServerRow]:
    """The installation's own certificates and keys."""
    rows = await pool.fetch(
        "select name, purpose, kind, place, subject, issuer, serial, algorithm, thumbprint, not_before, not_after, seen"
        " from server_certificate order by name"
    )
    return [ServerRow(*row) for row in rows]


async def signing_keys(pool: Pool) -> list[SigningKeyRow]:
    """The keys that sign access tokens, for the inventory."""
    rows = await pool.fetch(
        "select kid, created, coalesce(public->>'alg', public->>'crv', '') from signing_key order by created"
    )
    return [SigningKeyRow(*row) for row in rows]


async def expiring(pool: Pool, now: int, *, within_days: int = 30) -> list[Expiring]:
    """Everything that ends within ``within_days`` or has ended already, the nearest end first; for metrics and alerts.

    Service certificates of a day renew themselves long before and are left out unless they are about to fail.
    """
    rows = await pool.fetch(
        "select account, livemode, id, 'client ' || kind, not_after, warned_days from client_certificate"
        " where revoked_at is null and not_after <= $2 and not_after > $3"
        " union all select '-', true, id, 'issuer of client certificates', not_after, null from certificate_authority"
        " where not_after <= $2 and not exists ("
        "  select from certificate_authority newer where newer.not_after > certificate_authority.not_after)"
        " union all select '-', true, name, purpose, not_after, warned_days from server_certificate"
        " where not_after <= $2 and (purpose <> 'service' or not_after <= $1 + 6 * 3600)"
        " order by 5",
        now,
        now + within_days * 86_400,
        now - 30 * 86_400,
    )
    return [Expiring(*row) for row in rows]
