"""Reads of an account's own roles."""

from collections.abc import Iterable
from typing import NamedTuple

from lockgate.gateway.storage.database import Connection, Pool


class CustomRoleRow(NamedTuple):
    """A role that an account made for itself. ``permissions`` is JSON."""

    account: str
    id: str
    version: int
    created: int
    updated: int
    name: str
    description: str
    permissions: str
    created_by: str
    deleted_at: int | None = None


async def custom_roles(pool: Pool | Connection, account: str) -> list[CustomRoleRow]:
    """All of the account's own roles, newest first."""
    rows = await pool.fetch(
        "select account, id, version, created, updated, name, description, permissions, created_by, deleted_at"
        " from custom_role where account = $1 and deleted_at is null order by id desc",
        account,
    )
    return [CustomRoleRow(*row) for row in rows]


async def custom_role(pool: Pool | Connection, account: str, id_: str) -> CustomRoleRow | None:
    """One of the account's own roles, unless it is gone."""
    row = await pool.fetchrow(
        "select account, id, version, created, updated, name, description, permissions, created_by, deleted_at"
        " from custom_role where account = $1 and id = $2 and deleted_at is null",
        account,
        id_,
    )
    return None if row is None else CustomRoleRow(*row)


async def permissions_of(pool: Pool | Connection, account: str, ids: Iterable[str]) -> dict[str, str]:
    """By id, the permissions of those of these roles that there are."""
    rows = await pool.fetch(
        "select id, permissions from custom_role where account = $1 and id = any($2::text[]) and deleted_at is null",
        account,
        list(ids),
    )
    return {row["id"]: row["permissions"] for row in rows}
