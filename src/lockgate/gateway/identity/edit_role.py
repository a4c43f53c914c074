"""Makes, changes and removes an account's own roles; what a change takes away, its holders lose within a second."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import find_roles, render_access, store_roles
from lockgate.gateway.identity.core.permissions import beyond, from_stored
from lockgate.gateway.identity.core.roles import BUILT_IN
from lockgate.gateway.identity.core.strength import check_strength
from lockgate.gateway.identity.find_roles import CustomRoleRow
from lockgate.gateway.identity.ports import CredentialPorts
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import settled, transact
from lockgate.kernel.errors import invalid, missing
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Access

MOST_ROLES = 100


async def create(ports: CredentialPorts, call: Call) -> Answer:
    """A new role; its maker may do all that it allows."""
    who = call.principal
    permissions = _named(call.params["permissions"])
    check_strength(who, permissions, param="permissions")
    row = CustomRoleRow(
        account=who.account,
        id=new_id("role"),
        version=1,
        created=call.now,
        updated=call.now,
        name=_name(call.params["name"]),
        description=call.params.get("description", ""),
        permissions=_stored(permissions),
        created_by=f"{who.kind}:{who.id}",
    )

    async def work(connection: Connection) -> None:
        if await store_roles.lock_roles(connection, who.account) >= MOST_ROLES:
            raise invalid(f"An account can have at most {MOST_ROLES} roles of its own.", code="roles_limit_exceeded")
        if not await store_roles.insert_role(connection, row):
            raise _taken()
        detail = {"name": row.name, "permissions": permissions}
        await insert_audits(
            connection, [record(who, "role.create", object_=row.id, request=call.request_id, detail=detail)]
        )

    return await transact(ports.pool, call, rendered=render_access.custom_role(row), work=work)


async def update(ports: CredentialPorts, call: Call) -> Answer:
    """A role changed: what is new in it, its changer may do."""

    async def decide() -> Answer:
        who = call.principal
        old = await _found(ports, call)
        before = from_stored(json.loads(old.permissions))
        after = {**before, **call.params.get("permissions", {})}
        after = {name: access for name, access in after.items() if access != "none"}
        if not after:
            raise _empty()
        check_strength(who, beyond(after, before), param="permissions")
        row = old._replace(
            version=old.version + 1,
            updated=call.now,
            name=_name(call.params.get("name", old.name)),
            description=call.params.get("description", old.description) or "",
            permissions=_stored(after),
        )
        unchanged = (row.name, row.description, after) == (old.name, old.description, before)

        async def work(connection: Connection) -> None:
            if unchanged:
                return
            await store_roles.lock_roles(connection, who.account)
            if await store_roles.name_is_taken(connection, row):
                raise _taken()
            if not await store_roles.update_role(connection, row):
                raise Moved
            detail = {
                "before": {"name": old.name, "permissions": before}, "after": {"name": row.name, "permissions": after},
            }
            await insert_audits(
                connection, [record(who, "role.update", object_=row.id, request=call.request_id, detail=detail)]
            )

        shown = render_access.custom_role(old if unchanged else row)
        return await transact(ports.pool, call, rendered=shown, work=work)

    return await settled(decide)


async def delete(ports: CredentialPorts, call: Call) -> Answer:
    """A role gone. Whoever holds it has what their other roles allow, and nothing of this one ever again."""

    async def decide() -> Answer:
        who = call.principal
        old = await _found(ports, call)
        row = old._replace(version=old.version + 1, updated=call.now, deleted_at=call.now)

        async def work(connection: Connection) -> None:
            if not await store_roles.update_role(connection, row):
                raise Moved
            detail = {"name": old.name, "permissions": json.loads(old.permissions)}
            await insert_audits(
                connection, [record(who, "role.delete", object_=row.id, request=call.request_id, detail=detail)]
            )

        shown: Mapping[str, Any] = {"id": row.id, "object": "role", "deleted": True}
        return await transact(ports.pool, call, rendered=shown, work=work)

    return await settled(decide)


async def _found(ports: CredentialPorts, call: Call) -> CustomRoleRow:
    id_ = call.path["role"]
    if id_ in BUILT_IN:
        raise invalid("Built-in roles cannot be changed: make one of your own.", code="role_built_in")
    row = await find_roles.custom_role(ports.pool, call.principal.account, id_)
    if row is None:
        raise missing("role", id_, param="role")
    return row


def _named(given: Mapping[str, Access]) -> dict[str, Access]:
    kept: dict[str, Access] = {name: access for name, access in given.items() if access != "none"}
    if not kept:
        raise _empty()
    return kept


def _empty() -> Exception:
    return invalid("A role needs at least one permission.", param="permissions")


def _name(given: str) -> str:
    if given.lower() in BUILT_IN:
        raise _taken()
    return given


def _taken() -> Exception:
    return invalid("Another role has this name.", param="name", code="role_name_taken")


def _stored(permissions: Mapping[str, Access]) -> str:
    return json.dumps(permissions, separators=(",", ":"), sort_keys=True)
