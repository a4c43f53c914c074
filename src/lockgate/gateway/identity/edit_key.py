"""API keys through the API: made, weakened, rolled and revoked; a key's text is in one answer and nowhere else."""

import json
from collections.abc import Mapping

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import find_keys, render_access, store
from lockgate.gateway.identity.core.permissions import beyond, from_stored
from lockgate.gateway.identity.core.strength import words
from lockgate.gateway.identity.create import draw, keep
from lockgate.gateway.identity.ports import CredentialPorts
from lockgate.gateway.identity.revoke import revoke_within
from lockgate.gateway.identity.roll import check_lasting, keep_roll, successor
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.rows import ApiKeyRow
from lockgate.gateway.storage.write import settled, transact
from lockgate.kernel.errors import invalid
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.params import UNSET
from lockgate.kernel.principal import Access

DEFAULT_OVERLAP_S = 24 * 3600


async def create(ports: CredentialPorts, call: Call) -> Answer:
    """A key of at most its maker's strength; the only answer that shows its text."""
    who, params = call.principal, call.params
    made = draw(
        who,
        pepper=ports.pepper,
        kind=params["type"],
        name=params.get("name", ""),
        permissions=params.get("permissions"),
        expires_at=params.get("expires_at"),
        now=call.now,
    )

    async def work(connection: Connection) -> None:
        await keep(connection, who, made.row, request=call.request_id)

    return await transact(
        ports.pool, call, rendered=render_access.api_key(made.row, now=call.now, secret=made.text), work=work
    )


async def update(ports: CredentialPorts, call: Call) -> Answer:
    """A key renamed, or weakened: whoever holds it never gets more by a change that they do not see."""

    async def decide() -> Answer:
        who = call.principal
        old = await find_keys.key(ports.pool, who, call.path["api_key"])
        check_lasting(old, now=call.now)
        name = call.params.get("name", old.name)
        row = old._replace(
            name="" if name is UNSET else name,
            permissions=_weaker(old, call.params.get("permissions")),
            expires_at=_sooner(old, call.params.get("expires_at"), now=call.now),
        )

        async def work(connection: Connection) -> None:
            if row == old:
                return
            await _lock(connection, old)
            await store.weaken_key(connection, row)
            detail = {"before": _told(old), "after": _told(row)}
            await insert_audits(
                connection, [record(who, "api_key.update", object_=row.id, request=call.request_id, detail=detail)]
            )

        return await transact(ports.pool, call, rendered=render_access.api_key(row, now=call.now), work=work)

    return await settled(decide)


async def roll(ports: CredentialPorts, call: Call) -> Answer:
    """The successor, with its text; the old key stays good for the overlap."""

    async def decide() -> Answer:
        who = call.principal
        old = await find_keys.key(ports.pool, who, call.path["api_key"])
        overlap_s = call.params.get("overlap", DEFAULT_OVERLAP_S)
        rolled = successor(who, old, pepper=ports.pepper, overlap_s=overlap_s, now=call.now)

        async def work(connection: Connection) -> None:
            await _lock(connection, old)
            await keep_roll(connection, who, rolled, overlap_s=overlap_s, request=call.request_id)

        shown = render_access.api_key(rolled.made.row, now=call.now, secret=rolled.made.text)
        return await transact(ports.pool, call, rendered=shown, work=work)

    return await settled(decide)


async def revoke(ports: CredentialPorts, call: Call) -> Answer:
    """A key ended at once. To end it again changes nothing."""

    async def decide() -> Answer:
        who = call.principal
        old = await find_keys.key(ports.pool, who, call.path["api_key"])
        row = old if old.revoked_at is not None else old._replace(revoked_at=call.now)

        async def work(connection: Connection) -> None:
            if row is not old:
                await _lock(connection, old)
                await revoke_within(connection, who, old, now=call.now, request=call.request_id)

        return await transact(ports.pool, call, rendered=render_access.api_key(row, now=call.now), work=work)

    return await settled(decide)


async def _lock(connection: Connection, read: ApiKeyRow) -> None:
    """Hold the key until the transaction ends; it must be as it was read, but for its last use."""
    locked = await store.lock_key(connection, account=read.account, id_=read.id)
    if locked is None or locked._replace(last_used_at=read.last_used_at) != read:
        raise Moved


def _weaker(old: ApiKeyRow, given: Mapping[str, Access] | None) -> str:
    """The key's permissions with ``given``, as they are stored. None may become more."""
    if given is None:
        return old.permissions
    if old.kind != "restricted":
        raise invalid("Only restricted keys have permissions of their own.", param="permissions")
    before = from_stored(json.loads(old.permissions))
    changed: dict[str, Access] = {**before, **given}
    after: dict[str, Access] = {name: access for name, access in changed.items() if access != "none"}
    gained = beyond(after, before)
    if gained:
        raise invalid(
            f"A key's permissions can only be reduced, and this adds {words(gained)}: make another key for that.",
            param="permissions",
            code="api_key_cannot_gain",
        )
    if not after:
        raise invalid("This would leave the key nothing: revoke it instead.", param="permissions")
    return json.dumps(after, separators=(",", ":"), sort_keys=True)


def _sooner(old: ApiKeyRow, given: int | None, *, now: int) -> int | None:
    if given is None:
        return old.expires_at
    if given <= now:
        raise invalid("A key must expire in the future: to end it now, revoke it.", param="expires_at")
    if old.expires_at is not None and given > old.expires_at:
        raise invalid(
            "A key can only be made to end sooner: roll it for one that lives on.",
            param="expires_at",
            code="api_key_cannot_gain",
        )
    return given


def _told(row: ApiKeyRow) -> dict[str, object]:
    return {"name": row.name, "permissions": json.loads(row.permissions), "expires_at": row.expires_at}
