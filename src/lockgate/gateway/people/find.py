"""Reads of people: by address, by id, and as members of an account."""

from typing import NamedTuple

from lockgate.gateway.people.core.rows import InvitationRow, MemberRow, MembershipRow, PersonRow
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.paging import Page
from lockgate.kernel.principal import Principal


class Found(NamedTuple):
    """A person, and the accounts in which they may do something."""

    row: PersonRow
    accounts: list[str]


async def person_by_email(connection: Pool | Connection, email_index: bytes) -> Found | None:
    """The person with this address."""
    row = await connection.fetchrow(
        "select id, created, email_index, personal, password, password_changed_at, status, disabled_reason,"
        " active_since, last_seen_at, array(select m.account from membership m where m.person = person.id"
        " and m.status = 'active' order by m.account) as accounts from person where email_index = $1",
        email_index,
    )
    return None if row is None else Found(PersonRow(*tuple(row)[:10]), list(row["accounts"]))


async def person(connection: Pool | Connection, id_: str) -> PersonRow | None:
    row = await connection.fetchrow(
        "select id, created, email_index, personal, password, password_changed_at, status, disabled_reason,"
        " active_since, last_seen_at from person where id = $1",
        id_,
    )
    return None if row is None else PersonRow(*row)


async def anybody(connection: Pool | Connection) -> bool:
    """Whether there is any person at all in this installation."""
    return bool(await connection.fetchval("select exists (select from person)"))


async def accounts_of(connection: Pool | Connection, person: str) -> list[str]:
    """The accounts that ``person`` belongs to and is not shut out of."""
    rows = await connection.fetch(
        "select account from membership where person = $1 and status = 'active' order by account", person
    )
    return [row["account"] for row in rows]


async def owners(connection: Connection, account: str) -> list[str]:
    """Who owns ``account``."""
    rows = await connection.fetch(
        "select m.person from membership m join person p on p.id = m.person where m.account = $1"
        " and 'owner' = any(m.roles) and m.status = 'active' and p.status = 'active' order by m.person",
        account,
    )
    return [row["person"] for row in rows]


async def first_account(connection: Connection) -> str | None:
    """The account that whoever installed this signed up for."""
    return await connection.fetchval("select id from account order by created, id limit 1")


async def member(connection: Pool | Connection, principal: Principal, id_: str) -> MemberRow | None:
    """One person as a member of the principal's account."""
    row = await connection.fetchrow(
        "select m.account, m.person, m.created, m.roles, m.status, m.granted_by, m.changed_at, p.created as born,"
        " p.personal, p.status as state, p.last_seen_at from membership m join person p on p.id = m.person"
        " where m.account = $1 and m.person = $2",
        principal.account,
        id_,
    )
    return None if row is None else _member(tuple(row))


async def members(pool: Pool, principal: Principal, page: Page, *, role: str | None) -> list[MemberRow]:
    """One page of the account's people, newest first, and one row more if there are more."""
    rows = await pool.fetch(
        "select m.account, m.person, m.created, m.roles, m.status, m.granted_by, m.changed_at, p.created as born,"
        " p.personal, p.status as state, p.last_seen_at from membership m join person p on p.id = m.person"
        " where m.account = $1 and ($2::text is null or m.person < $2) and ($3::text is null or m.person > $3)"
        " and ($4::text is null or $4 = any(m.roles))"
        " order by case when $3::text is null then m.person end desc, m.person limit $5",
        principal.account,
        page.after,
        page.before,
        role,
        page.limit + 1,
    )
    return [_member(tuple(row)) for row in rows]


async def invitation(connection: Pool | Connection, principal: Principal, id_: str) -> InvitationRow | None:
    row = await connection.fetchrow(
        "select account, id, created, expires_at, kind, status, roles, secret_hash, email_index, personal, invited_by,"
        " person, ended_at from invitation where account = $1 and id = $2",
        principal.account,
        id_,
    )
    return None if row is None else InvitationRow(*row)


async def invitations(pool: Pool, principal: Principal, page: Page) -> list[InvitationRow]:
    """One page of the account's invitations, newest first, and one row more if there are more."""
    rows = await pool.fetch(
        "select account, id, created, expires_at, kind, status, roles, secret_hash, email_index, personal, invited_by,"
        " person, ended_at from invitation where account = $1 and ($2::text is null or id < $2)"
        " and ($3::text is null or id > $3) order by case when $3::text is null then id end desc, id limit $4",
        principal.account,
        page.after,
        page.before,
        page.limit + 1,
    )
    return [InvitationRow(*row) for row in rows]


async def invitation_by_secret(connection: Pool | Connection, secret_hash: bytes) -> InvitationRow | None:
    """The invitation whose link holds this secret; what it is worth is decided by who looks."""
    row = await connection.fetchrow(
        "select account, id, created, expires_at, kind, status, roles, secret_hash, email_index, personal, invited_by,"
        " person, ended_at from invitation where secret_hash = $1",
        secret_hash,
    )
    return None if row is None else InvitationRow(*row)


async def account_name(connection: Pool | Connection, account: str) -> str:
    return await connection.fetchval("select name from account where id = $1", account) or account


async def used_passwords(connection: Connection, person: str) -> list[str]:
    """The hashes that a new password of this person may not match, newest first."""
    rows = await connection.fetch("select hash from person_password where person = $1 order by id desc", person)
    return [row["hash"] for row in rows]


def _member(row: tuple) -> MemberRow:
    return MemberRow(MembershipRow(*row[:7]), *row[7:])
