"""Deletes an app: what people let it do ends with it, on every account."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.oauth import find, store
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.oauth.revoke import WORD
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal


async def delete_app(ports: Ports, call: Call) -> Answer:
    """The answer to DELETE /v1/apps/{app}. Its row stays: a token that names it must be known as ended."""
    who = call.principal
    row = await find.app(ports.pool, who, call.path["app"])
    now = clock.now()

    async def work(connection: Connection) -> None:
        held = await store.lock_app(connection, account=who.account, livemode=who.livemode, id_=row.id)
        if held is None:
            raise missing("app", row.id)
        await store.update_app(connection, held._replace(deleted_at=now))
        ended = await store.revoke_grants_of_app(connection, app=row.id, by=f"{who.kind}:{who.id}", now=now)
        told = [
            record(
                Principal(account, livemode, "internal", "app_owner"), WORD, object_=grant, request=None,
                detail={"app": row.id},
            )
            for account, livemode, grant in ended
        ]  # fmt: skip
        gone = record(
            who, "app.delete", object_=row.id, request=call.request_id, detail={"authorizations": len(ended)}
        )
        await insert_audits(connection, [gone, *told])

    return await transact(ports.pool, call, rendered={"id": row.id, "object": "app", "deleted": True}, work=work)
