"""Deletes a webhook endpoint; what still waited for it is given up."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.write import settled, write
from lockgate.gateway.webhooks import find
from lockgate.gateway.webhooks.ports import Ports
from lockgate.kernel.operations import Answer, Call


async def delete_endpoint(ports: Ports, call: Call) -> Answer:
    """The answer to DELETE /v1/webhook_endpoints/{webhook_endpoint}."""
    return await settled(lambda: _delete(ports, call))


async def _delete(ports: Ports, call: Call) -> Answer:
    row = await find.endpoint(ports.pool, call.principal, call.path["webhook_endpoint"])
    commit = Commit(
        webhook_endpoints=[row._replace(version=row.version + 1, deleted=True, status="disabled", secrets=b"")],
        audits=[record(call.principal, "webhook_endpoint.delete", object_=row.id, request=call.request_id)],
    )
    return await write(
        ports, call, commit=commit, rendered={"id": row.id, "object": "webhook_endpoint", "deleted": True}
    )
