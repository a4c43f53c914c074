"""Changes a webhook endpoint: where it is, what it wants, whether it is on."""

import json

from lockgate.gateway.audit.record import record
from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.customers.core.fields import merged_metadata
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.write import settled, write
from lockgate.gateway.webhooks import find, render
from lockgate.gateway.webhooks.core import types, url
from lockgate.gateway.webhooks.ports import Ports
from lockgate.kernel.operations import Answer, Call


async def update_endpoint(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/webhook_endpoints/{webhook_endpoint}. ``disabled=false`` switches on again."""
    return await settled(lambda: _update(ports, call))


async def _update(ports: Ports, call: Call) -> Answer:
    params = call.params
    row = await find.endpoint(ports.pool, call.principal, call.path["webhook_endpoint"])
    data = json.loads(row.data)
    changed = row._replace(version=row.version + 1)
    if "url" in params:
        url.check(params["url"], allow_private=ports.allow_private)
        changed = changed._replace(url=params["url"])
    if "enabled_events" in params:
        changed = changed._replace(enabled_events=types.checked(params["enabled_events"]))
    if "disabled" in params:
        changed = changed._replace(status="disabled" if params["disabled"] else "enabled")
        data["disabled_reason"] = "by_request" if params["disabled"] else None
    if "description" in params:
        data["description"] = params["description"] or None
    if "metadata" in params:
        data["metadata"] = merged_metadata(data.get("metadata", {}), params["metadata"])
    changed = changed._replace(data=json.dumps(data, separators=(",", ":")))
    rendered = render.endpoint(changed)
    detail = {"fields": sorted(previous(render.endpoint(row), rendered))}
    commit = Commit(
        webhook_endpoints=[changed],
        audits=[
            record(call.principal, "webhook_endpoint.update", object_=row.id, request=call.request_id, detail=detail)
        ],
    )
    return await write(ports, call, commit=commit, rendered=rendered)
