"""The operations on roles: the built-in ones, which nobody changes, and an account's own."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lockgate.gateway.identity import edit_role, find_roles, render_access
from lockgate.gateway.identity.core.params_access import PERMISSIONS
from lockgate.gateway.identity.core.roles import BUILT_IN
from lockgate.gateway.identity.core.shapes_access import ROLE
from lockgate.gateway.identity.ports import CredentialPorts
from lockgate.gateway.storage.paging import cut, listing, no_cursor, page_of
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call, Handler, Operation
from lockgate.kernel.params import Listing, Object, Text, clearable, optional, required

_URL = "/v1/roles"
_ONE = f"{_URL}/{{role}}"
_NAME = Text(60, pattern=r"[^\x00-\x1f\x7f]+")
_DESCRIPTION = Text(300)
_CREATE = Object(
    {
        "name": required(_NAME, "What the role is called; no other role of the account has this name."),
        "description": optional(_DESCRIPTION, "What it is for."),
        "permissions": required(PERMISSIONS, "By resource: none, read, or write, which includes reading."),
    }
)
_UPDATE = Object(
    {
        "name": optional(_NAME, "Another name."),
        "description": clearable(_DESCRIPTION, "What it is for."),
        "permissions": optional(PERMISSIONS, "What changes; none takes a permission away."),
    }
)


def operations(ports: CredentialPorts) -> list[Operation]:
    """GET and POST /v1/roles; GET, POST and DELETE /v1/roles/{role}."""

    def flow(verb: Callable[[CredentialPorts, Call], Awaitable[Answer]]) -> Handler:
        async def handle(call: Call) -> Answer:
            return await verb(ports, call)

        return handle

    async def everything(account: str) -> list[dict[str, Any]]:
        own = await find_roles.custom_roles(ports.pool, account)
        return [*map(render_access.custom_role, own), *map(render_access.built_in_role, BUILT_IN)]

    async def page(call: Call) -> Mapping[str, Any]:
        asked = page_of(dict(call.params))
        shown = await everything(call.principal.account)
        places = {role["id"]: place for place, role in enumerate(shown)}
        cursor = asked.before if asked.backwards else asked.after
        if cursor is not None and cursor not in places:
            raise no_cursor("role", asked)
        if cursor is not None:
            place = places[cursor]
            shown = shown[:place][::-1] if asked.backwards else shown[place + 1 :]
        kept, more = cut(shown, asked)
        return listing(_URL, kept, has_more=more)

    async def one(call: Call) -> Mapping[str, Any]:
        id_ = call.path["role"]
        found = [role for role in await everything(call.principal.account) if role["id"] == id_]
        if not found:
            raise missing("role", id_, param="role")
        return found[0]

    return [
        Operation(
            name="role.list", method="GET", path=_URL, resource="roles", access="read", handler=page,
            params=Listing({}).object(), returns=ROLE, form="list",
            summary="The account's own roles, newest first, then the built-in ones.",
        ),
        Operation(
            name="role.get", method="GET", path=_ONE, resource="roles", access="read", handler=one,
            params=Object({}), returns=ROLE, summary="One role and what it allows.",
        ),
        Operation(
            name="role.create", method="POST", path=_URL, resource="roles", access="write",
            handler=flow(edit_role.create), params=_CREATE, returns=ROLE, audit="role.create", privilege="roles",
            summary="Make a role of the account's own, of what its maker may do.",
        ),
        Operation(
            name="role.update", method="POST", path=_ONE, resource="roles", access="write",
            handler=flow(edit_role.update), params=_UPDATE, returns=ROLE, audit="role.update", privilege="roles",
            summary="Change one of the account's own roles, felt by its holders within a second.",
        ),
        Operation(
            name="role.delete", method="DELETE", path=_ONE, resource="roles", access="write",
            handler=flow(edit_role.delete), params=Object({}), returns=ROLE, form="deleted", audit="role.delete",
            privilege="roles", summary="Remove one of the account's own roles and what it allowed.",
        ),
    ]  # fmt: skip
