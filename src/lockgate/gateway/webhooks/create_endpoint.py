"""Makes a webhook endpoint; its answer is the only one that shows the signing secret."""

import json

from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.rows import Commit, WebhookEndpointRow
from lockgate.gateway.storage.write import write
from lockgate.gateway.webhooks import find, render, secrets
from lockgate.gateway.webhooks.core import types, url, versions
from lockgate.gateway.webhooks.ports import Ports
from lockgate.kernel.errors import invalid
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call

MAX_ENDPOINTS = 50


async def create_endpoint(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/webhook_endpoints."""
    who, params = call.principal, call.params
    url.check(params["url"], allow_private=ports.allow_private)
    enabled = types.checked(params["enabled_events"])
    if len(await find.endpoints(ports.pool, who)) >= MAX_ENDPOINTS:
        raise invalid(f"An account has at most {MAX_ENDPOINTS} webhook endpoints in each mode.")
    asked = params.get("api_version")
    version = versions.checked(asked, pinned=call.event_version) if asked else None
    id_, fresh = new_id("we"), secrets.Secrets(secrets.new_secret())
    data = {
        "api_version": version,
        "description": params.get("description") or None,
        "metadata": {key: value for key, value in (params.get("metadata") or {}).items() if value},
    }
    row = WebhookEndpointRow(
        account=who.account,
        livemode=who.livemode,
        id=id_,
        version=1,
        created=call.now,
        url=params["url"],
        status="enabled",
        enabled_events=enabled,
        deleted=False,
        secrets=await secrets.seal(ports.box, who.account, id_, secrets=fresh),
        data=json.dumps(data, separators=(",", ":")),
    )
    detail = {"enabled_events": enabled}
    commit = Commit(
        webhook_endpoints=[row],
        audits=[record(who, "webhook_endpoint.create", object_=id_, request=call.request_id, detail=detail)],
    )
    return await write(ports, call, commit=commit, rendered=render.endpoint(row, secret=fresh.current))
