"""Registers an app of the account."""

import json

from lockgate.gateway.audit.record import record
from lockgate.gateway.oauth import registration, render, store
from lockgate.gateway.oauth.core import clients, handles
from lockgate.gateway.oauth.core.clients import AppRow
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal


async def create_app(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/apps."""
    params, who = call.params, call.principal
    method = params["token_endpoint_auth_method"]
    pems = params.get("certificates", ())
    clients.check_proof(
        method, jwks="jwks" in params, certificates=bool(pems), subject=bool(params.get("tls_client_auth"))
    )
    row = AppRow(
        account=who.account,
        livemode=who.livemode,
        id=handles.build("ca", account=who.account, random=new_id("ca").removeprefix("ca_")),
        version=1,
        created=clock.now(),
        name=params["name"],
        method=method,
        redirect_uris=registration.redirect_uris(method, params.get("redirect_uris", ())),
        scope=registration.scope(params["scope"]),
        strict=params.get("strict", False),
        data=json.dumps(registration.proof(params), separators=(",", ":")),
        created_by=f"{who.kind}:{who.id}",
        deleted_at=None,
    )

    async def work(connection: Connection) -> None:
        await keep(connection, who, row, request=call.request_id)
        await registration.keep_certificates(connection, who, row, pems, request=call.request_id)

    return await transact(ports.pool, call, rendered=render.app(row), work=work)


async def keep(connection: Connection, who: Principal, row: AppRow, *, request: str | None) -> None:
    """Write a new app with its record."""
    await store.insert_app(connection, row)
    detail = {"name": row.name, "method": row.method, "scope": row.scope, "redirect_uris": row.redirect_uris,
              "strict": row.strict}  # fmt: skip
    await insert_audits(connection, [record(who, "app.create", object_=row.id, request=request, detail=detail)])
