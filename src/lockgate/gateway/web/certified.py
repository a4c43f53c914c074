"""The API for clients with a certificate alone: without one, every request is refused before it is looked at.

The handshake already refuses a certificate that nobody here believes. One that is missing is refused in the API's own
words: of an alert in the handshake, few clients tell their users anything.
"""

from lockgate.gateway.identity.witness import Witness
from lockgate.gateway.web import errors, headers
from lockgate.gateway.web.app import App, Receive, Scope, Send
from lockgate.gateway.web.headers import Reply
from lockgate.kernel.ids import new_id
from lockgate.kernel.principal import Principal

_MESSAGE = "Only clients with a certificate are served here."


class CertifiedOnly:
    """Stands before the app at a door of its own."""

    def __init__(self, app: App, witness: Witness) -> None:
        self._app = app
        self._witness = witness

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope.get("extensions", {}).get("tls", {}).get("peer_certificate"):
            await self._app(scope, receive, send)
            return
        request_id, client = new_id("req"), scope.get("client")
        who = Principal("-", False, "internal", "unknown", address=client[0] if client else "")
        await self._witness.refused(who, "authentication.refused", reason="certificate_missing", request=request_id)
        body = errors.plain_body(_MESSAGE, type_="invalid_request_error")
        reply = Reply(401, body, ((b"connection", b"close"),))
        complete = headers.complete(reply, request_id.encode())
        await send({"type": "http.response.start", "status": reply.status, "headers": complete})
        await send({"type": "http.response.body", "body": reply.body})
