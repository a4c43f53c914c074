"""Makes an API key: the row, and its audit record in the same transaction."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import keys, store
from lockgate.gateway.identity.core import key_format
from lockgate.gateway.identity.core.key_format import KeyKind
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
    now = clock.now()
    if kind == "ephemeral":
        raise ValueError("an ephemeral key is made for a customer, by its own verb")
    if (kind == "restricted") != bool(permissions):
        raise invalid("Permissions belong to restricted keys, and these need at least one.", param="permission")
    if expires_at is not None and expires_at <= now:
        raise invalid("A key must expire in the future.", param="expires_at")
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
        permissions=json.dumps(permissions or {}, separators=(",", ":")),
        created=now,
        expires_at=expires_at,
        revoked_at=None,
        last_used_at=None,
        rate_per_s=per_s,
        burst=burst,
    )
    await store.insert_key(connection, row)
    detail = {"kind": kind, "hint": row.hint, "expires_at": expires_at, "permissions": dict(permissions or {})}
    await insert_audits(
        connection, [record(by, "api_key.create", object_=row.id, request=None, detail=detail)]
    )
    return Made(row, text)
