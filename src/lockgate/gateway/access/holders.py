"""Everything that may act for an account at this moment: people, keys, apps, certificates, and roles of its own."""

import json
from collections.abc import Sequence

from lockgate.gateway.access import find
from lockgate.gateway.access.core.holders import Holder
from lockgate.gateway.access.ports import Box
from lockgate.gateway.identity import find as find_keys
from lockgate.gateway.identity import find_roles
from lockgate.gateway.identity.core.permissions import from_stored
from lockgate.gateway.identity.core.strength import permissions_of_key
from lockgate.gateway.identity.roles import Roles
from lockgate.gateway.oauth.core import scopes
from lockgate.gateway.storage.database import Pool

_PLATFORM = "platform"


async def holders(pool: Pool, box: Box, account: str, *, now: int) -> list[Holder]:
    """All of them, people first; what has ended or expired holds nothing any more."""
    return [
        *await people(pool, box, account),
        *await _keys(pool, account, now=now),
        *await _apps(pool, account),
        *await _certificates(pool, account, now=now),
        *await _roles(pool, account),
    ]


async def people(pool: Pool, box: Box, account: str) -> list[Holder]:
    """The account's people, by their addresses."""
    roles = Roles(pool)
    found = []
    for row in await find.members(pool, account):
        opened = await box.open(_PLATFORM, row["person"], row["personal"])
        permissions = await roles.permissions(account, row["roles"])
        found.append(
            Holder(
                "person", row["person"], str(opened.get("email", "")), None, tuple(row["roles"]), permissions,
                row["granted_by"], row["changed_at"], None, row["last_seen_at"],
            )
        )  # fmt: skip
    return found


async def addresses(pool: Pool, box: Box, account: str, roles: Sequence[str]) -> list[str]:
    """Where mail reaches the account's people of these roles."""
    opened = [
        await box.open(_PLATFORM, row["person"], row["personal"])
        for row in await find.members(pool, account, roles=roles)
    ]
    return [str(one["email"]) for one in opened if one.get("email")]


async def _keys(pool: Pool, account: str, *, now: int) -> list[Holder]:
    return [
        Holder(
            "key", row.id, f"{row.hint} {row.name}".strip(), row.livemode, (),
            permissions_of_key(row.kind, from_stored(json.loads(row.permissions))),
            row.created_by, row.created, row.expires_at, row.last_used_at,
        )
        for row in await find_keys.keys(pool, account=account)
        if row.revoked_at is None and (row.expires_at is None or row.expires_at > now)
    ]  # fmt: skip


async def _apps(pool: Pool, account: str) -> list[Holder]:
    return [
        Holder(
            "app", row["id"], row["name"] or "", row["livemode"], (), scopes.read(row["scope"]),
            f"person:{row['person']}", row["created"], None, row["last_used_at"],
        )
        for row in await find.grants(pool, account)
    ]  # fmt: skip


async def _certificates(pool: Pool, account: str, *, now: int) -> list[Holder]:
    return [
        Holder(
            "certificate", row["id"], " ".join(filter(None, (row["name"], row["api_key"], row["app"]))),
            row["livemode"], (), {}, None, row["created"], row["not_after"], None,
        )
        for row in await find.certificates(pool, account, now=now)
    ]  # fmt: skip


async def _roles(pool: Pool, account: str) -> list[Holder]:
    return [
        Holder(
            "role", row.id, row.name, None, (), from_stored(json.loads(row.permissions)), row.created_by,
            row.updated, None, None,
        )
        for row in await find_roles.custom_roles(pool, account)
    ]  # fmt: skip
