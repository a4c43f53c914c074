"""Deletes an app: what people let it do ends with it, on every account."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.oauth import find, store
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.oauth.revoke import tell_ended
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal


async def delete_app(ports: Ports, call: Call) -> Answer:
    """The answer to DELETE /v1/apps/{app}."""
    who = call.principal
    row = await find.app(ports.pool, who, call.path["app"])

    async def work(connection: Connection) -> None:
        await delete(connection, who, row.id, request=call.request_id)

    return await transact(ports.pool, call, rendered={"id": row.id, "object": "app", "deleted": True}, work=work)


async def delete(connection: Connection, who: Principal, id_: str, *, request: str | None) -> None:
    """Delete an app of ``who``'s account, in the caller's transaction.

    Its row stays: a token that names it must be known as ended. Each account that had let it in gets its own record.
    """
    now = clock.now()
    held = await store.lock_app(connection, account=who.account, livemode=who.livemode, id_=id_)
    if held is None:
        raise missing("app", id_)
    await store.update_app(connection, held._replace(deleted_at=now))
    ended = await store.revoke_grants_of_app(connection, app=id_, by=f"{who.kind}:{who.id}", now=now)
    for grant in ended:
        by = Principal(grant.account, grant.livemode, "internal", "app_owner")
        await tell_ended(connection, by, grant, request=None)
    gone = record(who, "app.delete", object_=id_, request=request, detail={"authorizations": len(ended)})
    await insert_audits(connection, [gone])
