"""Takes in an authorization request from the app itself (RFC 9126), before any browser has seen it."""

import json
from typing import Any

from lockgate.gateway.audit.record import record
from lockgate.gateway.oauth import issue, store
from lockgate.gateway.oauth.authenticate_client import authenticate
from lockgate.gateway.oauth.bind import proven_key
from lockgate.gateway.oauth.core import handles, redirects, request
from lockgate.gateway.oauth.core.asking import Asking
from lockgate.gateway.oauth.core.errors import OAuthError, invalid_client, invalid_request
from lockgate.gateway.oauth.core.rows import RequestRow
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.kernel.ids import random_token


async def push(ports: Ports, asking: Asking) -> dict[str, Any]:
    """The answer to POST /oauth/par: a name for the request, good once and for a minute and a half."""
    caller = await authenticate(ports, asking)
    client = caller.client
    if client is None:
        raise invalid_client("client_id is missing.", why="no_client_id")
    if "request_uri" in asking.fields:
        raise invalid_request("A pushed request cannot name another one.")
    if client.strict and "redirect_uri" not in asking.fields:
        raise invalid_request("redirect_uri is missing.")  # the profile that strict apps follow leaves no choice
    redirect_uri = redirects.pick(client.redirect_uris, asking.fields.get("redirect_uri"))
    if redirect_uri is None:
        raise invalid_request("redirect_uri is not registered for this app.")
    key = await proven_key(ports, asking)
    named = asking.fields.get("dpop_jkt")
    if key is not None and named not in (None, key):
        raise OAuthError("invalid_dpop_proof", "dpop_jkt is not the key of the DPoP proof.")
    fields = {**asking.fields, **({"dpop_jkt": key} if key else {})}
    asked = request.read(client, fields, redirect_uri=redirect_uri)
    random = random_token(handles.RANDOM_LENGTH)
    row = RequestRow(
        account=client.account,
        livemode=client.livemode,
        hash=handles.hashed(random),
        state="pushed",
        app=client.id,
        asked=json.dumps(asked.stored(), separators=(",", ":")),
        created=asking.now,
        expires_at=asking.now + issue.PUSHED_S,
        person=None,
    )
    app = asking.app(client.account, client.id, livemode=client.livemode)
    await store.insert_request(ports.pool, row)
    await insert_audits(
        ports.pool, [record(app, "authorization.push", object_=client.id, request=asking.request_id)]
    )
    return {"request_uri": handles.REQUEST_URI + random, "expires_in": issue.PUSHED_S}
