"""The operations on invitations: who was asked in, by whom, as what; and asking, and thinking better of it."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.people import find, invite, render
from lockgate.gateway.people.api import ROLES
from lockgate.gateway.people.core.rows import InvitationRow
from lockgate.gateway.people.core.shapes import INVITATION
from lockgate.gateway.people.ports import Ports
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.paging import cut, listing, no_cursor, page_of
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call, Operation
from lockgate.kernel.params import Listing, Object, Text, required

_URL = "/v1/invitations"
_ONE = f"{_URL}/{{invitation}}"
_PLATFORM = "platform"
_CREATE = Object(
    {
        "email": required(Text(254, 3), "Whom to invite: the link goes there, and works once within 72 hours."),
        "roles": required(ROLES, "What they will be; none that allows more than the inviter may do."),
    }
)


def operations(ports: Ports) -> list[Operation]:
    """/v1/invitations and /v1/invitations/{invitation}."""

    async def shown(row: InvitationRow) -> dict[str, Any]:
        return render.invitation(row, await ports.box.open(_PLATFORM, row.id, row.personal), now=clock.now())

    async def page(call: Call) -> Mapping[str, Any]:
        asked = page_of(dict(call.params))
        cursor = asked.before if asked.backwards else asked.after
        if cursor is not None and await find.invitation(ports.pool, call.principal, cursor) is None:
            raise no_cursor("invitation", asked)
        rows, more = cut(await find.invitations(ports.pool, call.principal, asked), asked)
        return listing(_URL, [await shown(row) for row in rows], has_more=more)

    async def held(call: Call) -> InvitationRow:
        row = await find.invitation(ports.pool, call.principal, call.path["invitation"])
        if row is None:
            raise missing("invitation", call.path["invitation"], param="invitation")
        return row

    async def one(call: Call) -> Mapping[str, Any]:
        return await shown(await held(call))

    async def create(call: Call) -> Answer:
        who, now = call.principal, clock.now()
        made = await invite.prepare(ports, who, call.params["email"], call.params["roles"], now=now)

        async def work(connection: Connection) -> None:
            await invite.keep(connection, ports, who, made, request=call.request_id, now=now)

        return await transact(ports.pool, call, rendered=await shown(made.row), work=work)

    async def revoke(call: Call) -> Answer:
        row, now = await held(call), clock.now()

        async def work(connection: Connection) -> None:
            await invite.revoke(connection, call.principal, row.id, request=call.request_id, now=now)

        return await transact(ports.pool, call, rendered={**await shown(row), "status": "revoked"}, work=work)

    return [
        Operation(
            name="invitation.list", method="GET", path=_URL, resource="people", access="read", handler=page,
            params=Listing({}).object(), returns=INVITATION, form="list", summary="Invitations, newest first.",
        ),
        Operation(
            name="invitation.get", method="GET", path=_ONE, resource="people", access="read", handler=one,
            params=Object({}), returns=INVITATION, summary="One invitation; never its link.",
        ),
        Operation(
            name="invitation.create", method="POST", path=_URL, resource="people", access="write", handler=create,
            params=_CREATE, returns=INVITATION, audit="invitation.create", privilege="people",
            summary="Invite somebody by mail.",
        ),
        Operation(
            name="invitation.revoke", method="POST", path=f"{_ONE}/revoke", resource="people", access="write",
            handler=revoke, params=Object({}), returns=INVITATION, audit="invitation.revoke", privilege="people",
            summary="End an invitation before it is used.",
        ),
    ]  # fmt: skip
