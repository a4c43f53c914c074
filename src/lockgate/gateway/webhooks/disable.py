"""Switches off an endpoint that is gone or has taken nothing for a whole retry window, and says so with an event."""

import json

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity import find as identity
from lockgate.gateway.identity.accounts import NEWEST_API_VERSION
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.events import Happening, Origin, announce
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.webhooks import find, render
from lockgate.gateway.webhooks.core.shapes import WEBHOOK_ENDPOINT
from lockgate.gateway.webhooks.core.types import ENDPOINT_DISABLED
from lockgate.gateway.webhooks.ports import Ports
from lockgate.kernel import log
from lockgate.kernel.errors import Refusal
from lockgate.kernel.principal import Principal

_TRIES = 5
_logger = log.get("webhooks")


async def disable(ports: Ports, principal: Principal, endpoint_id: str, *, reason: str, now: int) -> None:
    """Disable the endpoint for ``reason`` (``gone`` or ``failing``) unless it is already off."""
    for _ in range(_TRIES):
        try:
            row = await find.endpoint(ports.pool, principal, endpoint_id)
        except Refusal:
            return
        if row.status == "disabled":
            return
        data = {**json.loads(row.data), "disabled_reason": reason}
        changed = row._replace(
            version=row.version + 1, status="disabled", data=json.dumps(data, separators=(",", ":"))
        )
        commit = Commit(
            webhook_endpoints=[changed],
            audits=[
                record(
                    principal, "webhook_endpoint.disable", object_=row.id, request=None, detail={"reason": reason}
                )
            ],
        )
        account = await identity.account(ports.pool, row.account)
        version = account.api_version if account else NEWEST_API_VERSION
        origin = Origin(row.account, row.livemode, version, now, None, None)
        happening = Happening(ENDPOINT_DISABLED, WEBHOOK_ENDPOINT, render.endpoint(changed), row.id)
        await announce(commit, origin, [happening], ports.box)
        try:
            await ports.committer.commit(commit)
        except Moved:
            continue
        _logger.warning("webhook endpoint disabled", endpoint=row.id, reason=reason)
        ports.poke()
        return
