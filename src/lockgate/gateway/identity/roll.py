"""Replaces an API key by a new one like it; the old one stays good for an overlap that its owner chooses."""

import json
from dataclasses import replace
from typing import NamedTuple, cast

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import store
from lockgate.gateway.identity.core.key_format import KeyKind
from lockgate.gateway.identity.core.permissions import from_stored
from lockgate.gateway.identity.create import Made, draw, keep
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection, Pool
from lockgate.gateway.storage.rows import ApiKeyRow
from lockgate.kernel.errors import invalid, missing
from lockgate.kernel.principal import Principal

MAX_OVERLAP_S = 7 * 24 * 3600


class Rolled(NamedTuple):
    """A key's successor, and the old key with its end."""

    made: Made
    old: ApiKeyRow


async def roll(pool: Pool, by: Principal, id_: str, *, pepper: bytes, overlap_s: int) -> Made:
    """A new key with the old one's mode, kind, permissions and rates. The old one ends ``overlap_s`` from now."""
    async with pool.acquire() as connection, connection.transaction():
        old = await store.lock_key(connection, account=by.account, id_=id_)
        if old is None or old.kind == "ephemeral":
            raise missing("api_key", id_)
        now = await business_time.now(connection, old.account, old.livemode)
        owner = replace(by, livemode=old.livemode)
        rolled = successor(owner, old, pepper=pepper, overlap_s=overlap_s, now=now)
        await keep_roll(connection, owner, rolled, overlap_s=overlap_s)
    return rolled.made


def successor(by: Principal, old: ApiKeyRow, *, pepper: bytes, overlap_s: int, now: int) -> Rolled:
    """What a roll writes: a key that lives as long as the old one was meant to, and the end of that.

    ``by`` gets the new key, so may do all that it allows.
    """
    if not 0 <= overlap_s <= MAX_OVERLAP_S:
        raise invalid("The overlap can be 0 seconds to 7 days.", param="overlap")
    check_lasting(old, now=now)
    made = draw(
        by,
        pepper=pepper,
        kind=cast(KeyKind, old.kind),
        name=old.name,
        permissions=from_stored(json.loads(old.permissions)),
        expires_at=None if old.expires_at is None else now + old.expires_at - old.created,
        rate=(old.rate_per_s, old.burst),
        now=now,
    )
    ended = old._replace(replaced_by=made.row.id)
    if not overlap_s:
        return Rolled(made, ended._replace(revoked_at=now))
    return Rolled(made, ended._replace(expires_at=min(now + overlap_s, old.expires_at or now + overlap_s)))


async def keep_roll(
    connection: Connection, by: Principal, rolled: Rolled, *, overlap_s: int, request: str | None = None
) -> None:
    """Write both keys and their records, in the caller's transaction."""
    await keep(connection, by, rolled.made.row, request=request)
    await store.end_key(connection, rolled.old)
    ends = rolled.old.revoked_at or rolled.old.expires_at
    detail = {"successor": rolled.made.row.id, "ends": ends, "overlap_s": overlap_s}
    await insert_audits(
        connection, [record(by, "api_key.roll", object_=rolled.old.id, request=request, detail=detail)]
    )


def check_lasting(row: ApiKeyRow, *, now: int) -> None:
    """Refuse a key that has ended."""
    if row.revoked_at is not None or (row.expires_at is not None and row.expires_at <= now):
        raise invalid("This key has ended already: create a new one.", param="api_key", code="api_key_ended")
