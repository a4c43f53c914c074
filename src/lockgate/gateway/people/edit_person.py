"""Changes what somebody is in an account: roles, shut out, let in, gone. At least one owner remains who can sign in."""

from collections.abc import Sequence
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity.roles import OWNER
from lockgate.gateway.people import find, letters, sessions, store
from lockgate.gateway.people.core.letters import ACCESS_ENDED, ROLE_CHANGED, Letter
from lockgate.gateway.people.core.rows import MembershipRow
from lockgate.gateway.people.ports import Office
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.kernel.errors import Kind, Refusal, invalid, missing
from lockgate.kernel.principal import Principal


async def change_roles(
    connection: Connection,
    office: Office,
    who: Principal,
    person: str,
    *,
    roles: Sequence[str],
    request: str | None,
    now: int,
) -> None:
    """Other roles: none that allows more than ``who`` may do, none of one's own, and not those of somebody stronger."""
    row = await _held(connection, who, person)
    if person == who.id:
        raise Refusal(Kind.FORBIDDEN, "Somebody else must change your roles.", code="own_roles")
    wanted = list(dict.fromkeys(roles))
    if not wanted:
        raise invalid("Name at least one role; to end somebody's access remove or disable them.", param="roles")
    await _check_not_above(connection, office, who, row)
    await office.roles.check_grant(who, wanted, connection=connection)
    if OWNER not in wanted:
        await _check_an_owner_stays(connection, row)
    changed = row._replace(roles=wanted, granted_by=_actor(who), changed_at=now)
    await store.update_membership(connection, changed)
    granted = [role for role in wanted if role not in row.roles]
    detail = {"before": {"roles": row.roles}, "after": {"roles": wanted}}
    told = [record(who, "person.update", object_=person, request=request, detail=detail)]
    if granted:
        told.append(record(who, "role.granted", object_=person, request=request, detail={"roles": granted}))
    await insert_audits(connection, told)
    await _end(connection, office, who, person, reason="role_change", letter=ROLE_CHANGED, roles=wanted, now=now)


async def disable(
    connection: Connection, office: Office, who: Principal, person: str, *, request: str | None, now: int
) -> None:
    """Shut somebody out of this account; what they were stays on record, and they can be let in again."""
    row = await _held(connection, who, person)
    if row.status == "disabled":
        return
    await _check_not_above(connection, office, who, row)
    await _check_an_owner_stays(connection, row)
    await store.update_membership(connection, row._replace(status="disabled", changed_at=now))
    detail = {"before": {"status": row.status}, "after": {"status": "disabled"}}
    await insert_audits(connection, [record(who, "person.disable", object_=person, request=request, detail=detail)])
    await _end(connection, office, who, person, reason="disabled", letter=ACCESS_ENDED, now=now)


async def enable(
    connection: Connection, office: Office, who: Principal, person: str, *, request: str | None, now: int
) -> None:
    """Let somebody in again, with the roles that they had; also whoever was not seen for 90 days."""
    row = await _held(connection, who, person)
    if person == who.id:
        raise Refusal(Kind.FORBIDDEN, "Somebody else must enable you.", code="own_roles")
    known = await store.lock_person(connection, person)
    if known is None or (row.status, known.status) == ("active", "active"):
        return
    await _check_not_above(connection, office, who, row)
    await store.update_membership(connection, row._replace(status="active", granted_by=_actor(who), changed_at=now))
    await store.set_status(connection, person, "active", reason=None, now=now)
    detail = {
        "before": {"status": row.status, "person_status": known.status, "reason": known.disabled_reason},
        "after": {"status": "active", "person_status": "active", "roles": row.roles},
    }
    await insert_audits(connection, [record(who, "person.enable", object_=person, request=request, detail=detail)])


async def remove(
    connection: Connection, office: Office, who: Principal, person: str, *, request: str | None, now: int
) -> None:
    """Take somebody out of this account for good; to come back they are invited anew."""
    row = await _held(connection, who, person)
    if person != who.id:
        await _check_not_above(connection, office, who, row)
    await _check_an_owner_stays(connection, row)
    await store.delete_membership(connection, account=who.account, person=person)
    detail = {"before": {"roles": row.roles, "status": row.status}}
    await insert_audits(connection, [record(who, "person.remove", object_=person, request=request, detail=detail)])
    await _end(connection, office, who, person, reason="removed", letter=ACCESS_ENDED, now=now)


async def _held(connection: Connection, who: Principal, person: str) -> MembershipRow:
    """The membership, while nobody else changes who may do what in this account."""
    await store.lock_members(connection, who.account)
    row = await store.lock_membership(connection, account=who.account, person=person)
    if row is None:
        raise missing("person", person)
    return row


async def _check_not_above(connection: Connection, office: Office, who: Principal, row: MembershipRow) -> None:
    """Whoever may do more than ``who`` is not for ``who`` to change."""
    lesser = Refusal(
        Kind.FORBIDDEN, "This person may do more than you: you cannot change their access.", code="permission_exceeded"
    )
    if who.kind == "internal":
        return
    if OWNER in row.roles and OWNER not in who.roles:
        raise lesser
    allowed = await office.roles.permissions(who.account, row.roles, connection=connection)
    if any(not who.may(resource, access) for resource, access in allowed.items() if access != "none"):
        raise lesser


async def _check_an_owner_stays(connection: Connection, row: MembershipRow) -> None:
    if (
        OWNER in row.roles
        and row.status == "active"
        and not await store.other_owners(connection, account=row.account, role=OWNER, besides=row.person)
    ):
        raise invalid("This is the account's last owner: make another one first.", code="last_owner")


async def _end(
    connection: Connection,
    office: Office,
    who: Principal,
    person: str,
    *,
    reason: str,
    letter: Letter,
    now: int,
    roles: Sequence[str] = (),
) -> None:
    """End what the person's tokens, and invitations that they gave or have not taken up, could still do."""
    await sessions.end_all(connection, person, reason=reason, now=now)
    await store.end_invitations_by(connection, account=who.account, actor=f"person:{person}", now=now)
    known = await find.person(connection, person)
    if known is not None:
        await store.end_invitations_to(connection, account=who.account, email_index=known.email_index, now=now)
    facts: dict[str, Any] = {"account": await find.account_name(connection, who.account), "roles": ", ".join(roles)}
    await letters.send(connection, office, person, letter, now=now, facts=facts)


def _actor(who: Principal) -> str:
    return f"{who.kind}:{who.id}"


async def rename(connection: Connection, who: Principal, sealed: bytes | None, *, request: str | None) -> None:
    """Keep one's own new name, sealed."""
    await store.set_personal(connection, who.id, sealed)
    await insert_audits(connection, [record(who, "profile.update", object_=who.id, request=request)])
