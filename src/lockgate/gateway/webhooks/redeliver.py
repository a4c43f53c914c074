"""Sends an event again: to one endpoint, or to all that want it."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.rows import Commit, OutboxRow
from lockgate.gateway.storage.write import write
from lockgate.gateway.webhooks import find, render
from lockgate.gateway.webhooks.core.types import wants
from lockgate.gateway.webhooks.ports import Ports
from lockgate.kernel.errors import invalid
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call


async def redeliver(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/events/{event}/redeliver: the event, whose deliveries begin anew."""
    who = call.principal
    row = await find.event(ports.pool, who, call.path["event"])
    named = call.params.get("webhook_endpoint")
    if named is not None:
        endpoint = await find.endpoint(ports.pool, who, named, param="webhook_endpoint")
        if endpoint.status != "enabled":
            raise invalid("This webhook endpoint is disabled: enable it first.", param="webhook_endpoint")
        chosen = [endpoint.id]
    else:
        chosen = [
            endpoint.id
            for endpoint in await find.endpoints(ports.pool, who)
            if endpoint.status == "enabled" and wants(endpoint.enabled_events, row.type)
        ]
        if not chosen:
            raise invalid("No enabled webhook endpoint wants events of this type.")
    entries = [f"{row.id}/{endpoint_id}" for endpoint_id in chosen]
    commit = Commit(
        outboxes=[OutboxRow(who.account, who.livemode, new_id("out"), entries)],
        audits=[
            record(who, "event.redeliver", object_=row.id, request=call.request_id, detail={"endpoints": chosen})
        ],
    )
    shown = await render.event(row, ports.box, pending=len(chosen))
    return await write(ports, call, commit=commit, rendered=shown)
