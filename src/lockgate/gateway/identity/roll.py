"""Replaces an API key by a new one like it; the old one stays good for an overlap that its owner chooses."""

import json

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import store
from lockgate.gateway.identity.core.permissions import from_stored
from lockgate.gateway.identity.create import Made, create_within
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Pool
from lockgate.kernel import clock
from lockgate.kernel.errors import invalid, missing
from lockgate.kernel.principal import Principal

MAX_OVERLAP_S = 7 * 24 * 3600


async def roll(pool: Pool, by: Principal, id_: str, *, pepper: bytes, overlap_s: int) -> Made:
    """A new key with the old one's mode, kind, permissions and rates. The old one ends ``overlap_s`` from now."""
    if not 0 <= overlap_s <= MAX_OVERLAP_S:
        raise invalid("The overlap can be 0 seconds to 7 days.", param="overlap")
    now = clock.now()
    async with pool.acquire() as connection, connection.transaction():
        old = await store.lock_key(connection, account=by.account, id_=id_)
        if old is None:
            raise missing("api_key", id_)
        if old.revoked_at is not None or (old.expires_at is not None and old.expires_at <= now):
            raise invalid("This key has ended already: create a new one.", param="id")
        owner = Principal(by.account, old.livemode, by.kind, by.id, address=by.address)
        made = await create_within(
            connection,
            owner,
            pepper=pepper,
            kind=old.kind,  # type: ignore[arg-type] - the table's check allows the three kinds only
            name=old.name,
            permissions=from_stored(json.loads(old.permissions)),
            rate=(old.rate_per_s, old.burst),
        )
        ends = min(now + overlap_s, old.expires_at or now + overlap_s)
        await store.end_key(
            connection, old._replace(expires_at=ends) if overlap_s else old._replace(revoked_at=now)
        )
        detail = {"successor": made.row.id, "ends": ends, "overlap_s": overlap_s}
        await insert_audits(connection, [record(owner, "api_key.roll", object_=id_, request=None, detail=detail)])
    return made
