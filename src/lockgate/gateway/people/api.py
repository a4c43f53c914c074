"""The operations on an account's people, and on what is one's own."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lockgate.gateway.people import edit_person, find, render
from lockgate.gateway.people.change_password import change_password
from lockgate.gateway.people.core.rows import MemberRow
from lockgate.gateway.people.core.shapes import PERSON, TOKENS
from lockgate.gateway.people.new_password import PARAM as NEW_PASSWORD
from lockgate.gateway.people.ports import Ports
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.paging import cut, listing, no_cursor, page_of
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal, missing
from lockgate.kernel.operations import Answer, Call, Operation
from lockgate.kernel.params import UNSET, Array, Listing, Object, Text, clearable, optional, required
from lockgate.kernel.principal import Principal

_URL = "/v1/people"
_ONE = f"{_URL}/{{person}}"
_ME = f"{_URL}/me"
_PLATFORM = "platform"
ROLES = Array(Text(64, pattern=r"[A-Za-z0-9_]+"), maximum=20)
_NAME = Text(200, pattern=r"[^\x00-\x1f\x7f]+")
_LIST = Listing({"role": optional(Text(64, pattern=r"[A-Za-z0-9_]+"), "Only people with this role.")}).object()
_UPDATE = Object({"roles": required(ROLES, "Instead of the roles so far. All sessions of the person end.")})
_UPDATE_ME = Object({"name": clearable(_NAME, "What others call you.")})
_PASSWORD = Object(
    {
        "current_password": required(Text(1024, secret=True)),
        "password": required(NEW_PASSWORD, "12 to 256 characters, taken exactly as they are sent."),
        "device": optional(Text(64, 16, pattern=r"[A-Za-z0-9_-]+", secret=True), "This device's secret."),
    }
)
Edit = Callable[[Connection, Call], Awaitable[None]]


def myself(call: Call) -> Principal:
    """The person who signed in; what is one's own is nothing for keys and apps."""
    if call.principal.kind != "person":
        raise Refusal(Kind.FORBIDDEN, "This is for people who have signed in.", code="person_required")
    return call.principal


def operations(ports: Ports) -> list[Operation]:
    """/v1/people, /v1/people/{person} and /v1/people/me."""

    async def shown(row: MemberRow) -> dict[str, Any]:
        return render.person(row, await ports.box.open(_PLATFORM, row.membership.person, row.personal))

    async def held(call: Call, id_: str) -> MemberRow:
        row = await find.member(ports.pool, call.principal, id_)
        if row is None:
            raise missing("person", id_, param="person")
        return row

    async def page(call: Call) -> Mapping[str, Any]:
        params = dict(call.params)
        asked = page_of(params)
        cursor = asked.before if asked.backwards else asked.after
        if cursor is not None and await find.member(ports.pool, call.principal, cursor) is None:
            raise no_cursor("person", asked)
        rows, more = cut(await find.members(ports.pool, call.principal, asked, role=params.get("role")), asked)
        return listing(_URL, [await shown(row) for row in rows], has_more=more)

    async def one(call: Call) -> Mapping[str, Any]:
        return await shown(await held(call, call.path["person"]))

    async def me(call: Call) -> Mapping[str, Any]:
        return await shown(await held(call, myself(call).id))

    async def edit(call: Call, change: Edit, **after: Any) -> Answer:
        """Run ``change`` and answer with the person as they are after it."""
        rendered = {**await shown(await held(call, call.path["person"])), **after}

        async def work(connection: Connection) -> None:
            await change(connection, call)

        return await transact(ports.pool, call, rendered=rendered, work=work)

    async def update(call: Call) -> Answer:
        roles = list(dict.fromkeys(call.params["roles"]))

        async def change(connection: Connection, call: Call) -> None:
            await edit_person.change_roles(
                connection, ports, call.principal, call.path["person"], roles=roles, request=call.request_id,
                now=clock.now(),
            )  # fmt: skip

        return await edit(call, change, roles=roles)

    async def disable(call: Call) -> Answer:
        async def change(connection: Connection, call: Call) -> None:
            await edit_person.disable(
                connection, ports, call.principal, call.path["person"], request=call.request_id, now=clock.now()
            )

        return await edit(call, change, status="disabled")

    async def enable(call: Call) -> Answer:
        async def change(connection: Connection, call: Call) -> None:
            await edit_person.enable(
                connection, ports, call.principal, call.path["person"], request=call.request_id, now=clock.now()
            )

        return await edit(call, change, status="active")

    async def remove(call: Call) -> Answer:
        id_ = (await held(call, call.path["person"])).membership.person

        async def work(connection: Connection) -> None:
            await edit_person.remove(connection, ports, call.principal, id_, request=call.request_id, now=clock.now())

        return await transact(ports.pool, call, rendered={"id": id_, "object": "person", "deleted": True}, work=work)

    async def update_me(call: Call) -> Answer:
        who = myself(call)
        row = await held(call, who.id)
        opened = await ports.box.open(_PLATFORM, who.id, row.personal)
        if "name" in call.params:
            opened["name"] = None if call.params["name"] is UNSET else call.params["name"]
        sealed = await ports.box.seal(_PLATFORM, who.id, opened)

        async def work(connection: Connection) -> None:
            await edit_person.rename(connection, who, sealed, request=call.request_id)

        return await transact(ports.pool, call, rendered=render.person(row, opened), work=work)

    async def password(call: Call) -> Mapping[str, Any]:
        started = await change_password(
            ports, myself(call), current=call.params["current_password"], password=call.params["password"],
            device=call.params.get("device"), request=call.request_id, now=clock.now(),
        )  # fmt: skip
        return render.started(started)

    return [
        Operation(
            name="person.list", method="GET", path=_URL, resource="people", access="read", handler=page, params=_LIST,
            returns=PERSON, form="list", summary="The account's people, newest first.",
        ),
        Operation(
            name="person.get", method="GET", path=_ONE, resource="people", access="read", handler=one,
            params=Object({}), returns=PERSON, summary="One person and their roles in this account.",
        ),
        Operation(
            name="person.update", method="POST", path=_ONE, resource="people", access="write", handler=update,
            params=_UPDATE, returns=PERSON, audit="person.update", privilege="roles",
            summary="Give somebody other roles, of what the giver may do. Their sessions end.",
        ),
        Operation(
            name="person.disable", method="POST", path=f"{_ONE}/disable", resource="people", access="write",
            handler=disable, params=Object({}), returns=PERSON, audit="person.disable", privilege="people",
            summary="Shut somebody out of the account at once.",
        ),
        Operation(
            name="person.enable", method="POST", path=f"{_ONE}/enable", resource="people", access="write",
            handler=enable, params=Object({}), returns=PERSON, audit="person.enable", privilege="people",
            summary="Let somebody in again who was disabled.",
        ),
        Operation(
            name="person.remove", method="DELETE", path=_ONE, resource="people", access="write", handler=remove,
            params=Object({}), returns=PERSON, form="deleted", audit="person.remove", privilege="people",
            summary="Take somebody out of the account for good.",
        ),
        Operation(
            name="profile.get", method="GET", path=_ME, resource="profile", access="read", handler=me,
            params=Object({}), returns=PERSON, summary="The person who asks.",
        ),
        Operation(
            name="profile.update", method="POST", path=_ME, resource="profile", access="write", handler=update_me,
            params=_UPDATE_ME, returns=PERSON, audit="profile.update", summary="Change one's own name.",
        ),
        Operation(
            name="profile.change_password", method="POST", path=f"{_ME}/password", resource="profile", access="write",
            handler=password, params=_PASSWORD, returns=TOKENS, audit="password.change", privilege="factors",
            limit="proof",
            summary="Change one's own password. All sessions end; the answer begins a new one.",
        ),
    ]  # fmt: skip
