"""Makes an API key: the row, and its audit record in the same transaction."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import keys, store
from lockgate.gateway.identity.core import key_format
from lockgate.gateway.identity.core.key_format import KeyKind
from lockgate.gateway.identity.core.strength import check_strength, permissions_of_key
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.rows import ApiKeyRow
from lockgate.kernel import clock
from lockgate.kernel.errors import invalid
from lockgate.kernel.ids import new_id
from lockgate.kernel.principal import Access, Principal

# Publishable and ephemeral keys are in shoppers' hands; secret ones on a few servers.
DEFAULT_RATES: Mapping[str, tuple[int, int]] = {
    "publishable": (10, 20),
    "ephemeral": (10, 20),
    "secret": (100, 100),
    "restricted": (100, 100),
}


class Made(NamedTuple):
    """A new key: its row, and its text, which exists nowhere else and is never shown again."""

    row: ApiKeyRow
    text: str

    def __repr__(self) -> str:
        return f"Made({self.row.id})"


async def create(
    pool: Pool,
    by: Principal,
    *,
    pepper: bytes,
    kind: KeyKind,
    name: str = "",
    permissions: Mapping[str, Access] | None = None,
    expires_at: int | None = None,
    rate: tuple[int, int] | None = None,
) -> Made:
    """A new key for ``by``'s account and mode, written and audited in one transaction."""
    async with pool.acquire() as connection, connection.transaction():
        return await create_within(
            connection,
            by,
            pepper=pepper,
            kind=kind,
            name=name,
            permissions=permissions,
            expires_at=expires_at,
            rate=rate,
        )


async def create_within(
    connection: Connection,
    by: Principal,
    *,
    pepper: bytes,
    kind: KeyKind,
    name: str = "",
    permissions: Mapping[str, Access] | None = None,
    expires_at: int | None = None,
    rate: tuple[int, int] | None = None,
) -> Made:
    """The same inside a transaction that does more than this."""
    made = draw(
        by,
        pepper=pepper,
        kind=kind,
        name=name,
        permissions=permissions,
        expires_at=expires_at,
        rate=rate,
        now=clock.now(),
    )
    await keep(connection, by, made.row)
    return made


def draw(
    by: Principal,
    *,
    pepper: bytes,
    kind: KeyKind,
    name: str = "",
    permissions: Mapping[str, Access] | None = None,
    expires_at: int | None = None,
    rate: tuple[int, int] | None = None,
    now: int,
) -> Made:
    """A new key, not written yet. ``now`` is the account's own time. What ``by`` may not do, the key may not either."""
    if kind == "ephemeral":
        raise ValueError("an ephemeral key is made for a customer, by its own verb")
    granted: dict[str, Access] = {name: access for name, access in (permissions or {}).items() if access != "none"}
    if (kind == "restricted") != bool(granted):
        raise invalid("Permissions belong to restricted keys, and these need at least one.", param="permissions")
    if expires_at is not None and expires_at <= now:
        raise invalid("A key must expire in the future.", param="expires_at")
    check_strength(by, permissions_of_key(kind, granted), param="permissions" if granted else "type")
    per_s, burst = rate or DEFAULT_RATES[kind]
    text = keys.draw(kind, livemode=by.livemode, account=by.account)
    row = ApiKeyRow(
        account=by.account,
        livemode=by.livemode,
        id=new_id("key"),
        kind=kind,
        hash=keys.hashed(pepper, text),
        hint=key_format.hint(text),
        name=name,
        permissions=json.dumps(granted, separators=(",", ":"), sort_keys=True),
        created=now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
        rate_per_s=per_s,
        burst=burst,
        created_by=f"{by.kind}:{by.id}",
    )
    return Made(row, text)


async def keep(connection: Connection, by: Principal, row: ApiKeyRow, *, request: str | None = None) -> None:
    """Write a drawn key and its record, in the caller's transaction."""
    await store.insert_key(connection, row)
    detail = {
        "kind": row.kind, "hint": row.hint, "expires_at": row.expires_at, "permissions": json.loads(row.permissions),
    }  # fmt: skip
    await insert_audits(connection, [record(by, "api_key.create", object_=row.id, request=request, detail=detail)])
