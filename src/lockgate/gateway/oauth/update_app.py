"""Changes an app; a smaller scope and new keys are felt by what it holds already, within a second."""

import json
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.identity.core.permissions import beyond
from lockgate.gateway.oauth import find, registration, render, store
from lockgate.gateway.oauth.core import clients, scopes
from lockgate.gateway.oauth.core.clients import AppRow
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import settled, transact
from lockgate.kernel.operations import Answer, Call

_TOLD = ("name", "scope", "strict", "redirect_uris")


async def update_app(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/apps/{app}."""
    return await settled(lambda: _update(ports, call))


async def _update(ports: Ports, call: Call) -> Answer:
    who, pems = call.principal, call.params.get("certificates", ())
    before = await find.app(ports.pool, who, call.path["app"])
    after = _changed(before, call.params)
    widened = beyond(scopes.read(after.scope), scopes.read(before.scope))
    if pems or widened or registration.proof(call.params):
        registration.check_own_strength(who, after.method, after.scope)

    async def work(connection: Connection) -> None:
        held = await store.lock_app(connection, account=who.account, livemode=who.livemode, id_=before.id)
        if held is None or held.version != before.version:
            raise Moved
        await store.update_app(connection, after)
        await registration.keep_certificates(connection, who, after, pems, request=call.request_id)
        detail = {"before": _told(before), "after": _told(after), "keys": "jwks" in call.params}
        await insert_audits(
            connection, [record(who, "app.update", object_=after.id, request=call.request_id, detail=detail)]
        )

    return await transact(ports.pool, call, rendered=render.app(after), work=work)


def _changed(row: AppRow, params: dict[str, Any]) -> AppRow:
    proof = registration.proof(params)
    clients.check_given(
        row.method, jwks="jwks" in proof, certificates=bool(params.get("certificates")), subject="subject" in proof
    )
    uris = params.get("redirect_uris")
    return row._replace(
        name=params.get("name", row.name),
        redirect_uris=row.redirect_uris if uris is None else registration.redirect_uris(row.method, uris),
        scope=registration.scope(params["scope"]) if "scope" in params else row.scope,
        strict=params.get("strict", row.strict),
        data=json.dumps({**json.loads(row.data), **proof}, separators=(",", ":")),
    )


def _told(row: AppRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in _TOLD}
