"""The operations on sessions: one's own, and those of the account's people."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.people import end_sessions, find, find_sessions, render
from lockgate.gateway.people.api import myself
from lockgate.gateway.people.core.shapes import ENDED, SESSION
from lockgate.gateway.people.ports import Ports
from lockgate.gateway.people.sessions import IDLE_S
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.paging import cut, listing, no_cursor, page_of
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call, Operation
from lockgate.kernel.params import Boolean, Listing, Object, optional

_URL = "/v1/sessions"
_OF_PERSON = "/v1/people/{person}"
_PLATFORM = "platform"
_CURRENT = "current"
_LIST = Listing({}).object()
_END_MINE = Object({"keep_current": optional(Boolean(), "Stay signed in here, and sign out everywhere else.")})


def operations(ports: Ports) -> list[Operation]:
    """/v1/sessions, /v1/people/{person}/sessions, and the ways to end them."""

    async def page_for(call: Call, person: str, url: str) -> Mapping[str, Any]:
        asked = page_of(dict(call.params))
        cursor = asked.before if asked.backwards else asked.after
        known = None if cursor is None else await find_sessions.live(ports.pool, cursor)
        if cursor is not None and (known is None or known.session.person != person):
            raise no_cursor("session", asked)
        now = clock.now()
        found = await find_sessions.sessions(ports.pool, person, asked, now=now, idle_since=now - IDLE_S)
        rows, more = cut(found, asked)
        shown = [
            render.session(
                row, await ports.box.open(_PLATFORM, person, row.personal), current=row.id == call.principal.session
            )
            for row in rows
        ]
        return listing(url, shown, has_more=more)

    async def mine(call: Call) -> Mapping[str, Any]:
        return await page_for(call, myself(call).id, _URL)

    async def of_person(call: Call) -> Mapping[str, Any]:
        id_ = call.path["person"]
        if await find.member(ports.pool, call.principal, id_) is None:
            raise missing("person", id_, param="person")
        return await page_for(call, id_, f"/v1/people/{id_}/sessions")

    async def revoke(call: Call) -> Answer:
        who = myself(call)
        id_ = call.path["session"] if call.path["session"] != _CURRENT else (who.session or "")

        async def work(connection: Connection) -> None:
            await end_sessions.one_of_mine(connection, who, id_, request=call.request_id, now=clock.now())

        rendered = {"id": id_, "object": "session", "deleted": True}
        return await transact(ports.pool, call, rendered=rendered, work=work)

    async def end_mine(call: Call) -> Answer:
        who, keep = myself(call), call.params.get("keep_current", False)

        async def work(connection: Connection) -> None:
            await end_sessions.mine(connection, who, but_this=keep, request=call.request_id, now=clock.now())

        return await transact(ports.pool, call, rendered=ENDED.render({"person": who.id}), work=work)

    async def end_persons(call: Call) -> Answer:
        id_ = call.path["person"]

        async def work(connection: Connection) -> None:
            await end_sessions.of_person(connection, call.principal, id_, request=call.request_id, now=clock.now())

        return await transact(ports.pool, call, rendered=ENDED.render({"person": id_}), work=work)

    async def end_everybodys(call: Call) -> Answer:
        async def work(connection: Connection) -> None:
            await end_sessions.of_everybody(connection, call.principal, request=call.request_id, now=clock.now())

        return await transact(ports.pool, call, rendered=ENDED.render({}), work=work)

    return [
        Operation(
            name="session.list", method="GET", path=_URL, resource="profile", access="read", handler=mine,
            params=_LIST, returns=SESSION, form="list", summary="One's own sessions, newest first.",
        ),
        Operation(
            name="session.revoke", method="DELETE", path=f"{_URL}/{{session}}", resource="profile", access="write",
            handler=revoke, params=Object({}), returns=SESSION, form="deleted", audit="session.revoke",
            summary="End one of one's own sessions; 'current' signs out.",
        ),
        Operation(
            name="session.end_own", method="POST", path="/v1/people/me/end_sessions", resource="profile",
            access="write", handler=end_mine, params=_END_MINE, returns=ENDED, audit="session.revoke",
            summary="Sign out everywhere, or everywhere else.",
        ),
        Operation(
            name="session.list_of_person", method="GET", path=f"{_OF_PERSON}/sessions", resource="sessions",
            access="read", handler=of_person, params=_LIST, returns=SESSION, form="list",
            summary="The sessions of one of the account's people.",
        ),
        Operation(
            name="session.end_of_person", method="POST", path=f"{_OF_PERSON}/end_sessions", resource="sessions",
            access="write", handler=end_persons, params=Object({}), returns=ENDED, audit="session.revoke",
            privilege="people", summary="Sign one of the account's people out everywhere.",
        ),
        Operation(
            name="session.end_all", method="POST", path="/v1/people/end_sessions", resource="sessions",
            access="write", handler=end_everybodys, params=Object({}), returns=ENDED, audit="session.revoke",
            privilege="people", summary="Sign everybody of the account out.",
        ),
    ]  # fmt: skip
