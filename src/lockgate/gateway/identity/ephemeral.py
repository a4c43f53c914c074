"""Keys for a shopper's app: they reach one customer, for an hour; made and ended with their audit records."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import keys, store
from lockgate.gateway.identity.core import key_format
from lockgate.gateway.identity.create import DEFAULT_RATES, Made
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.rows import ApiKeyRow
from lockgate.kernel.errors import missing
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Call
from lockgate.kernel.principal import Principal

LIFE_S = 3600


def draw(by: Principal, *, customer: str, pepper: bytes, now: int) -> Made:
    """A new key for ``customer``, not written yet. ``now`` is the account's own time."""
    text = keys.draw("ephemeral", livemode=by.livemode, account=by.account)
    per_s, burst = DEFAULT_RATES["ephemeral"]
    row = ApiKeyRow(
        account=by.account,
        livemode=by.livemode,
        id=new_id("ephkey"),
        kind="ephemeral",
        hash=keys.hashed(pepper, text),
        hint=key_format.hint(text),
        name="",
        permissions="{}",
        created=now,
        expires_at=now + LIFE_S,
        revoked_at=None,
        last_used_at=None,
        rate_per_s=per_s,
        burst=burst,
        customer=customer,
    )
    return Made(row, text)


async def keep(connection: Connection, call: Call, row: ApiKeyRow) -> None:
    """Write a drawn key, in the caller's transaction."""
    await store.insert_key(connection, row)
    detail = {"kind": row.kind, "hint": row.hint, "expires_at": row.expires_at, "customer": row.customer}
    made = record(call.principal, "ephemeral_key.create", object_=row.id, request=call.request_id, detail=detail)
    await insert_audits(connection, [made])


async def end(connection: Connection, call: Call, id_: str) -> ApiKeyRow:
    """End a key before its time, in the caller's transaction. One that has ended is not there any more."""
    who = call.principal
    row = await store.lock_key(connection, account=who.account, id_=id_)
    over = row is None or row.revoked_at is not None or (row.expires_at or 0) <= call.now
    if row is None or over or (row.kind, row.livemode) != ("ephemeral", who.livemode):
        raise missing("ephemeral_key", id_, param="key")
    ended = row._replace(expires_at=call.now, revoked_at=call.now)
    await store.end_key(connection, ended)
    await insert_audits(
        connection, [record(who, "ephemeral_key.delete", object_=id_, request=call.request_id)]
    )
    return ended
