"""Registers an app of the account."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

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
    who, row = call.principal, prepared(call.principal, call.params)

    async def work(connection: Connection) -> None:
        await keep(connection, who, row, call.params.get("certificates", ()), request=call.request_id)

    return await transact(ports.pool, call, rendered=render.app(row), work=work)


def prepared(who: Principal, params: Mapping[str, Any]) -> AppRow:
    """The row of a new app with these parameters, if there can be one."""
    method = params["token_endpoint_auth_method"]
    clients.check_proof(
        method,
        jwks="jwks" in params,
        certificates=bool(params.get("certificates")),
        subject=bool(params.get("tls_client_auth")),
    )
    scope = registration.scope(params["scope"])
    registration.check_own_strength(who, method, scope)
    return AppRow(
        account=who.account,
        livemode=who.livemode,
        id=handles.build("ca", account=who.account, random=new_id("ca").removeprefix("ca_")),
        version=1,
        created=clock.now(),
        name=params["name"],
        method=method,
        redirect_uris=registration.redirect_uris(method, params.get("redirect_uris", ())),
        scope=scope,
        strict=params.get("strict", False),
        data=json.dumps(registration.proof(params), separators=(",", ":")),
        created_by=f"{who.kind}:{who.id}",
        deleted_at=None,
    )


async def keep(
    connection: Connection, who: Principal, row: AppRow, certificates: Sequence[str], *, request: str | None
) -> None:
    """Write a new app with its record, in the caller's transaction."""
    await store.insert_app(connection, row)
    await registration.keep_certificates(connection, who, row, certificates, request=request)
    detail = {
        "name": row.name, "method": row.method, "scope": row.scope, "redirect_uris": row.redirect_uris,
        "strict": row.strict,
    }  # fmt: skip
    await insert_audits(connection, [record(who, "app.create", object_=row.id, request=request, detail=detail)])
