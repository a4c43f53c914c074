"""Opens an authorization request in a person's browser: checked against its app, then kept for the person to decide."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from lockgate.gateway.identity.core.key_format import find_in
from lockgate.gateway.oauth import find, issue, store
from lockgate.gateway.oauth.core import handles, redirects, request
from lockgate.gateway.oauth.core.clients import Client
from lockgate.gateway.oauth.core.errors import OAuthError, invalid_client, invalid_request
from lockgate.gateway.oauth.core.request import Asked
from lockgate.gateway.oauth.core.rows import RequestRow
from lockgate.gateway.oauth.ports import Ports
from lockgate.kernel.ids import random_token
from lockgate.kernel.operations import Visit


class Refused(Exception):
    """The app must be told at ``redirect_uri``, which is its own; ``state`` goes with it."""

    def __init__(self, error: OAuthError, *, redirect_uri: str, state: str | None) -> None:
        super().__init__(error.error)
        self.error = error
        self.redirect_uri = redirect_uri
        self.state = state


class Opened(NamedTuple):
    """A request that is good. ``pushed`` says that nothing of it stands in the browser's address."""

    client: Client
    asked: Asked
    pushed: bool


async def read(ports: Ports, visit: Visit) -> Opened:
    """The request in a browser's address.

    Raises OAuthError where the redirect URI is not known to be the app's: the person is told then, and nobody is sent
    anywhere. Raises Refused where the app can be told. A pushed request is gone once it was read.
    """
    fields = request.once(visit.pairs)
    if any(found for value in fields.values() for found in find_in(value)):
        raise OAuthError("invalid_request", "An API key was sent in a URL. Roll it now.", why="key_in_query")
    client = await find.client_by_id(ports.pool, fields.get("client_id", ""))
    if client is None:
        raise invalid_client("The app that sent you here is not known.", why="unknown_app")
    if "request_uri" in fields:
        return Opened(client, await _pushed(ports, client, fields["request_uri"], now=visit.now), True)
    redirect_uri = redirects.pick(client.redirect_uris, fields.get("redirect_uri"))
    if redirect_uri is None:
        raise invalid_request("The app that sent you here wants you back at an address that it has not registered.")
    try:
        state = request.state_of(fields)
    except OAuthError as error:
        raise Refused(error, redirect_uri=redirect_uri, state=None) from None
    try:
        if client.strict:
            raise invalid_request("This app must push its requests to the pushed_authorization_request_endpoint.")
        return Opened(client, request.read(client, fields, redirect_uri=redirect_uri), False)
    except OAuthError as error:
        raise Refused(error, redirect_uri=redirect_uri, state=state) from None


async def keep(ports: Ports, opened: Opened, *, now: int, person: str | None) -> str:
    """Keep the request until a person has decided; the ticket that it is found by."""
    client = opened.client
    ticket = handles.build("cr", account=client.account, random=random_token(handles.RANDOM_LENGTH))
    row = RequestRow(
        account=client.account,
        livemode=client.livemode,
        hash=handles.hashed(ticket),
        state="opened",
        app=client.id,
        asked=json.dumps(opened.asked.stored(), separators=(",", ":")),
        created=now,
        expires_at=now + issue.OPENED_S,
        person=person,
    )
    await store.insert_request(ports.pool, row)
    return ticket


def answer_fields(ports: Ports, state: str | None, fields: Mapping[str, str]) -> dict[str, str]:
    """What goes back to the app: always with our name, so that it knows who answers (RFC 9207)."""
    return {**fields, **({} if state is None else {"state": state}), "iss": ports.issuer}


async def _pushed(ports: Ports, client: Client, uri: str, *, now: int) -> Asked:
    row = None
    if uri.startswith(handles.REQUEST_URI):
        row = await store.take_request(
            ports.pool, account=client.account, hash_=handles.hashed(uri.removeprefix(handles.REQUEST_URI)),
            state="pushed", app=client.id,
        )  # fmt: skip
    if row is None or row.expires_at <= now:
        raise invalid_request("The request of the app that sent you here has expired, or was used before. Start again.")
    return Asked(**json.loads(row.asked))
