"""Makes somebody who has an invitation a member of its account, once."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.people import find, store
from lockgate.gateway.people.core.rows import MembershipRow
from lockgate.gateway.people.records import as_person
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.principal import Principal


def over() -> Refusal:
    """The link is good for nothing, whatever the reason."""
    return Refusal(
        Kind.NOT_FOUND, "This invitation is not valid: it was used, revoked, or is too old.", code="invitation_over"
    )


async def join(connection: Connection, person: str, *, account: str, invitation: str, now: int) -> None:
    """Take the invitation and write the membership; of many at once one gets through."""
    await store.lock_members(connection, account)
    row = await find.invitation(connection, Principal(account, False, "internal", "invitation"), invitation)
    if row is None or row.state(now) != "pending":
        raise over()
    if not await store.end_invitation(
        connection, account=account, id_=invitation, status="accepted", person=person, now=now
    ):
        raise over()
    membership = MembershipRow(account, person, now, row.roles, "active", row.invited_by, now)
    if not await store.insert_membership(connection, membership):
        known = await store.lock_membership(connection, account=account, person=person)
        assert known is not None, "a membership that stands in the way of another can be read"
        if known.status != "active":
            raise over()
        roles = [*known.roles, *(role for role in row.roles if role not in known.roles)]
        await store.update_membership(
            connection, known._replace(roles=roles, granted_by=row.invited_by, changed_at=now)
        )
    detail = {"roles": row.roles, "invited_by": row.invited_by}
    told = record(as_person(person, account), "invitation.accept", object_=invitation, request=None, detail=detail)
    granted = record(as_person(person, account), "role.granted", object_=person, request=None, detail=detail)
    await insert_audits(connection, [told, granted])
