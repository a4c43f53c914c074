"""Gives a webhook endpoint a new signing secret; the old one goes on signing beside it for a while."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.write import settled, write
from lockgate.gateway.webhooks import find, render, secrets
from lockgate.gateway.webhooks.ports import Ports
from lockgate.kernel.operations import Answer, Call

OVERLAP_S = 24 * 3600


async def rotate_secret(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/webhook_endpoints/{webhook_endpoint}/rotate_secret: shows the new secret, once."""
    return await settled(lambda: _rotate(ports, call))


async def _rotate(ports: Ports, call: Call) -> Answer:
    row = await find.endpoint(ports.pool, call.principal, call.path["webhook_endpoint"])
    overlap_s = call.params.get("overlap_s", OVERLAP_S)
    kept = await secrets.unseal(ports.box, row.account, row.id, sealed=row.secrets)
    fresh = kept.rotated(now=call.now, overlap_s=overlap_s)
    sealed = await secrets.seal(ports.box, row.account, row.id, secrets=fresh)
    detail = {"overlap_s": overlap_s}
    commit = Commit(
        webhook_endpoints=[row._replace(version=row.version + 1, secrets=sealed)],
        audits=[
            record(
                call.principal, "webhook_endpoint.rotate_secret", object_=row.id, request=call.request_id, detail=detail
            )
        ],
    )
    return await write(ports, call, commit=commit, rendered=render.endpoint(row, secret=fresh.current))
