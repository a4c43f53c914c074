"""The people's own statements: persons, memberships, invitations, links that went out by mail."""

from collections.abc import Sequence

from lockgate.gateway.people.core.rows import InvitationRow, MembershipRow, PersonRow
from lockgate.gateway.storage.database import Connection, Pool


async def lock_first_owner(connection: Connection) -> None:
    """One at a time may ask whether there is anybody yet, until this transaction ends."""
    await connection.execute("select pg_advisory_xact_lock(hashtext('lockgate.first_owner'))")


async def lock_members(connection: Connection, account: str) -> None:
    """One change at a time to who may do what in an account: two owners cannot remove each other at once."""
    await connection.execute("select pg_advisory_xact_lock(hashtext('lockgate.members'), hashtext($1))", account)


async def insert_person(connection: Connection, row: PersonRow) -> bool:
    """A new person; False if somebody has this address already."""
    done = await connection.execute(
        "insert into person (id, created, email_index, personal, password, password_changed_at, status,"
        " disabled_reason, active_since, last_seen_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        " on conflict (email_index) do nothing",
        *row,
    )
    return done != "INSERT 0 0"


async def lock_person(connection: Connection, id_: str) -> PersonRow | None:
    """The person, held until this transaction ends."""
    row = await connection.fetchrow(
        "select id, created, email_index, personal, password, password_changed_at, status, disabled_reason,"
        " active_since, last_seen_at from person where id = $1 for update",
        id_,
    )
    return None if row is None else PersonRow(*row)


async def set_personal(connection: Connection, id_: str, personal: bytes | None) -> None:
    await connection.execute("update person set personal = $2 where id = $1", id_, personal)


async def set_status(connection: Connection, id_: str, status: str, *, reason: str | None, now: int) -> None:
    await connection.execute(
        "update person set status = $2, disabled_reason = $3, active_since = case when $2 = 'active' then $4::bigint"
        " else active_since end where id = $1",
        id_,
        status,
        reason,
        now,
    )


async def set_password(connection: Connection, person: str, hash_: str, *, id_: str, now: int, kept: int) -> None:
    """A new password, remembered with the ``kept`` - 1 before it."""
    await connection.execute(
        "update person set password = $2, password_changed_at = $3 where id = $1", person, hash_, now
    )
    await connection.execute(
        "insert into person_password (person, id, created, hash) values ($1, $2, $3, $4)", person, id_, now, hash_
    )
    await connection.execute(
        "delete from person_password where person = $1 and id not in"
        " (select id from person_password where person = $1 order by id desc limit $2)",
        person,
        kept,
    )


async def renew_hash(connection: Connection | Pool, person: str, *, old: str, new: str) -> None:
    """The same password under today's parameters, unless it was changed meanwhile."""
    await connection.execute("update person set password = $3 where id = $1 and password = $2", person, old, new)


async def insert_membership(connection: Connection, row: MembershipRow) -> bool:
    """A new membership; False if the person is a member already."""
    done = await connection.execute(
        "insert into membership (account, person, created, roles, status, granted_by, changed_at)"
        " values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        *row,
    )
    return done != "INSERT 0 0"


async def lock_membership(connection: Connection, *, account: str, person: str) -> MembershipRow | None:
    row = await connection.fetchrow(
        "select account, person, created, roles, status, granted_by, changed_at from membership"
        " where account = $1 and person = $2 for update",
        account,
        person,
    )
    return None if row is None else MembershipRow(*row)


async def update_membership(connection: Connection, row: MembershipRow) -> None:
    await connection.execute(
        "update membership set roles = $3, status = $4, granted_by = $5, changed_at = $6"
        " where account = $1 and person = $2",
        row.account,
        row.person,
        row.roles,
        row.status,
        row.granted_by,
        row.changed_at,
    )


async def delete_membership(connection: Connection, *, account: str, person: str) -> None:
    await connection.execute("delete from membership where account = $1 and person = $2", account, person)


async def members_of(connection: Connection, account: str) -> list[str]:
    """The ids of all people of an account."""
    rows = await connection.fetch("select person from membership where account = $1", account)
    return [row["person"] for row in rows]


async def other_owners(connection: Connection, *, account: str, role: str, besides: str) -> int:
    """How many more active people have the owner's role."""
    rows = await connection.fetch(
        "select m.person from membership m join person p on p.id = m.person where m.account = $1"
        " and m.status = 'active' and p.status = 'active' and $2 = any(m.roles) and m.person <> $3",
        account,
        role,
        besides,
    )
    return len(rows)


async def insert_invitation(connection: Connection, row: InvitationRow) -> None:
    await connection.execute(
        "insert into invitation (account, id, created, expires_at, kind, status, roles, secret_hash, email_index,"
        " personal, invited_by, person, ended_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        *row,
    )


async def end_invitation(
    connection: Connection, *, account: str, id_: str, status: str, person: str | None, now: int
) -> bool:
    """Take or revoke a pending invitation; False if it is pending no more: of fifty at once one gets True."""
    done = await connection.execute(
        "update invitation set status = $3, person = $4, ended_at = $5 where account = $1 and id = $2"
        " and status = 'pending'",
        account,
        id_,
        status,
        person,
        now,
    )
    return done != "UPDATE 0"


async def end_owner_invitations(connection: Connection, *, account: str, now: int) -> int:
    """Revoke links for a first owner that nobody has used."""
    done = await connection.execute(
        "update invitation set status = 'revoked', ended_at = $2 where account = $1 and kind = 'owner'"
        " and status = 'pending'",
        account,
        now,
    )
    return int(done.rsplit(" ", 1)[1])


async def insert_link(connection: Connection, hash_: bytes, *, person: str, purpose: str, now: int, ends: int) -> None:
    """A link for one mail."""
    await connection.execute(
        "insert into person_link (hash, person, purpose, created, expires_at) values ($1, $2, $3, $4, $5)",
        hash_,
        person,
        purpose,
        now,
        ends,
    )


async def take_link(connection: Connection, hash_: bytes, *, purpose: str, now: int) -> str | None:
    """Whose link this is, which is over with this; None if it is nobody's, used or too old."""
    return await connection.fetchval(
        "delete from person_link where hash = $1 and purpose = $2 and expires_at > $3 returning person",
        hash_,
        purpose,
        now,
    )


async def link_of(connection: Connection | Pool, hash_: bytes, *, purpose: str, now: int) -> str | None:
    """The same without using it up."""
    return await connection.fetchval(
        "select person from person_link where hash = $1 and purpose = $2 and expires_at > $3", hash_, purpose, now
    )


async def end_links(connection: Connection, person: str) -> None:
    """Whatever was mailed to ``person`` before is good for nothing any more."""
    await connection.execute("delete from person_link where person = $1", person)


async def idle_people(connection: Connection | Pool, *, since: int) -> Sequence[str]:
    """Active people who were not seen since then, the longest away first."""
    rows = await connection.fetch(
        "select id from person where status = 'active' and greatest(active_since, coalesce(last_seen_at, 0)) < $1"
        " order by greatest(active_since, coalesce(last_seen_at, 0)), id",
        since,
    )
    return [row["id"] for row in rows]


async def links_since(connection: Connection, person: str, *, purpose: str, since: int) -> int:
    """How many such links were sent lately: nobody's mailbox is filled by asking again and again."""
    rows = await connection.fetch(
        "select created from person_link where person = $1 and purpose = $2 and created > $3", person, purpose, since
    )
    return len(rows)


async def end_invitations_by(connection: Connection, *, account: str, actor: str, now: int) -> int:
    """Revoke what somebody has invited others to who may not any more."""
    done = await connection.execute(
        "update invitation set status = 'revoked', ended_at = $3 where account = $1 and invited_by = $2"
        " and status = 'pending'",
        account,
        actor,
        now,
    )
    return int(done.rsplit(" ", 1)[1])


async def end_invitations_to(connection: Connection, *, account: str, email_index: bytes, now: int) -> int:
    """Revoke what somebody was invited to before it was decided anew who they are here."""
    done = await connection.execute(
        "update invitation set status = 'revoked', ended_at = $3 where account = $1 and email_index = $2"
        " and status = 'pending'",
        account,
        email_index,
        now,
    )
    return int(done.rsplit(" ", 1)[1])
