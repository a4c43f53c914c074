"""Invites people: a link that works once, by mail; and the link for an installation's first owner."""

from collections.abc import Sequence
from typing import NamedTuple

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity.roles import OWNER
from lockgate.gateway.mail.core.address import is_address
from lockgate.gateway.people import find, letters, marks, store
from lockgate.gateway.people.core.email import normal
from lockgate.gateway.people.core.letters import INVITATION
from lockgate.gateway.people.core.rows import InvitationRow
from lockgate.gateway.people.ports import Office
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.kernel.errors import Refusal, invalid, missing
from lockgate.kernel.ids import new_id
from lockgate.kernel.principal import Principal

INVITATION_S = 72 * 3600
OWNER_LINK_S = 24 * 3600
_PLATFORM = "platform"


class Invited(NamedTuple):
    """An invitation, and its link, which exists nowhere else once it is handed over."""

    row: InvitationRow
    email: str | None
    link: str

    def __repr__(self) -> str:
        return f"Invited({self.row.id})"


async def prepare(office: Office, who: Principal, email: str, roles: Sequence[str], *, now: int) -> Invited:
    """An invitation that ``who`` may give, ready to be kept. Nobody gives a role that allows more than they may do."""
    if not is_address(email):
        raise invalid("This is not an e-mail address that mail can be sent to.", param="email")
    wanted = list(dict.fromkeys(roles))
    if not wanted:
        raise invalid("Name at least one role.", param="roles")
    await office.roles.check_grant(who, wanted)
    id_, secret = new_id("inv"), marks.draw()
    row = InvitationRow(
        account=who.account,
        id=id_,
        created=now,
        expires_at=now + INVITATION_S,
        kind="member",
        status="pending",
        roles=wanted,
        secret_hash=marks.hashed(secret),
        email_index=await office.box.blind_index(_PLATFORM, "email", normal(email)),
        personal=await office.box.seal(_PLATFORM, id_, {"email": email}),
        invited_by=f"{who.kind}:{who.id}",
        person=None,
        ended_at=None,
    )
    return Invited(row, email, link(office.url, secret))


async def keep(
    connection: Connection, office: Office, who: Principal, invited: Invited, *, request: str | None, now: int
) -> None:
    """Write an invitation and send its mail, in one transaction."""
    row = invited.row
    assert row.email_index is not None and invited.email is not None, "an invitation of a member names an address"
    known = await find.person_by_email(connection, row.email_index)
    if known is not None and await find.member(connection, who, known.row.id) is not None:
        raise invalid("This person belongs to the account already.", param="email")
    await store.insert_invitation(connection, row)
    facts = {
        "account": await find.account_name(connection, row.account),
        "roles": ", ".join(row.roles),
        "link": invited.link,
    }
    await letters.send_to(connection, office, invited.email, INVITATION, now=now, facts=facts)
    detail = {"roles": row.roles, "expires_at": row.expires_at}
    told = record(who, "invitation.create", object_=row.id, request=request, detail=detail)
    await insert_audits(connection, [told])


async def owner_link(connection: Connection, who: Principal, *, url: str, recover: bool, now: int) -> Invited | None:
    """A link for the first owner of ``who``'s account, in place of older ones; None if there is an owner already.

    ``recover`` makes one all the same: for an operator whose owners have all lost their way in.
    """
    await store.lock_first_owner(connection)
    if not recover and await store.other_owners(connection, account=who.account, role=OWNER, besides=""):
        return None
    await store.end_owner_invitations(connection, account=who.account, now=now)
    secret = marks.draw()
    row = InvitationRow(
        account=who.account,
        id=new_id("inv"),
        created=now,
        expires_at=now + OWNER_LINK_S,
        kind="owner",
        status="pending",
        roles=[OWNER],
        secret_hash=marks.hashed(secret),
        email_index=None,
        personal=None,
        invited_by=f"{who.kind}:{who.id}",
        person=None,
        ended_at=None,
    )
    await store.insert_invitation(connection, row)
    detail = {"recover": recover, "expires_at": row.expires_at}
    told = record(who, "person.owner_link", object_=row.id, request=None, detail=detail)
    await insert_audits(connection, [told])
    return Invited(row, None, link(url, secret))


async def revoke(connection: Connection, who: Principal, id_: str, *, request: str | None, now: int) -> InvitationRow:
    """End a pending invitation: its link is good for nothing from now on."""
    row = await find.invitation(connection, who, id_)
    if row is None:
        raise missing("invitation", id_)
    if row.state(now) != "pending" or not await store.end_invitation(
        connection, account=who.account, id_=id_, status="revoked", person=None, now=now
    ):
        raise not_pending()
    await insert_audits(
        connection, [record(who, "invitation.revoke", object_=id_, request=request, detail={"roles": row.roles})]
    )
    return row._replace(status="revoked", ended_at=now)


def not_pending() -> Refusal:
    """What is over cannot be revoked."""
    return invalid("This invitation is not pending any more.", code="invitation_over")


def link(url: str, secret: str) -> str:
    """Where a browser goes. What stands behind # is not sent to any server, so no log along the way has it."""
    return f"{url}/sign-up#{secret}"
