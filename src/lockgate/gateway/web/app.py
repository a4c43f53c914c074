"""The ASGI application: finds the operation, reads the body within its limits, and sends what the guard answers."""

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any

from lockgate.gateway.pages import render
from lockgate.gateway.web import api_metrics, errors, headers
from lockgate.gateway.web.answers import Answers
from lockgate.gateway.web.bodies import Bodies, Receive
from lockgate.gateway.web.guard import Guard
from lockgate.gateway.web.headers import Header, Reply
from lockgate.gateway.web.idempotency import Idempotency
from lockgate.gateway.web.metrics import NO_OPERATION
from lockgate.gateway.web.openapi.document import document
from lockgate.gateway.web.ports import Ports
from lockgate.gateway.web.reference import page as reference
from lockgate.gateway.web.reference.style import POLICY
from lockgate.gateway.web.request import Request, single_headers
from lockgate.gateway.web.routes import Match, PageMatch, Pages, Routes
from lockgate.kernel import clock, log
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.ids import new_id
from lockgate.kernel.log import mask
from lockgate.kernel.operations import Answer, Hook, Loader, Operation, Page, Posted, Visit
from lockgate.kernel.params import read_fields

_UNAUTHENTICATED = 401
_logger = log.get("web")

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class App:
    """The merchant API. Construction fails if any operation does not say who may use it."""

    def __init__(
        self,
        operations: Sequence[Operation],
        loaders: Mapping[str, Loader],
        pages: Sequence[Page | Hook],
        ports: Ports,
    ) -> None:
        self._ports = ports
        self._counts = ports.counts
        self._routes = Routes([*operations, api_metrics.operation(ports.pool, ports.counts, account=ports.own_account)])
        self._pages = Pages(pages)
        idempotency = Idempotency(ports.pool, ports.box, ports.settle)
        self._guard = Guard(Answers(operations, loaders, idempotency), idempotency, ports)
        self._limits = ports.limits
        self._bodies = Bodies()
        self._documents = {
            "/openapi.json": Reply(200, document(operations)),
            "/healthz": Reply(200, b'{"status":"ok"}'),
            **{path: headers.page(body, POLICY) for path, body in reference.pages(operations).items()},
        }

    async def close(self) -> None:
        """Write what the door has only counted so far; after the listener has stopped."""
        await self._ports.witness.close()
        await self._ports.authenticator.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"the gateway does not speak {scope['type']}")
        request_id, began, held = new_id("req"), self._counts.begin(), 0
        try:
            body, held = await self._bodies.read(receive)
            if body is None:
                self._counts.gone()
                return  # the client left, or the server has answered in our place
            reply = await self._answer(scope, body, request_id)
        except Refusal as refusal:
            reply = self._guard.refuse(refusal)
        except Exception:
            _logger.exception("request failed outside of its operation", request=request_id)
            reply = self._guard.refuse(errors.unexpected())
        finally:
            self._bodies.release(held)
        self._counts.end(began, scope.get("operation", NO_OPERATION), reply.status)
        await send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": headers.complete(reply, request_id.encode()),
            }
        )
        await send({"type": "http.response.body", "body": reply.body})

    async def _answer(self, scope: Scope, body: bytes, request_id: str) -> Reply:
        method, path = scope["method"], scope["path"]
        client = scope.get("client")
        address = self._ports.clients.address(client[0], scope["headers"]) if client else ""
        match = self._routes.find(method, path)
        if isinstance(match, Match):
            scope["operation"] = match.operation.name
            request = Request(
                method, path, scope["query_string"], single_headers(scope["headers"]), body, address, request_id,
                _certificate(scope),
            )  # fmt: skip
            return await self._guard.answer(request, match)
        if path in self._documents:
            await self._limits.admit_from("open", address)
            if method != "GET":
                return self._no_such_method(("GET",))
            return self._documents[path]
        found = self._pages.find(method, path)
        if isinstance(found, PageMatch):
            return await self._without_key(found, scope, body, address=address, request_id=request_id)
        await self._limits.admit_from("stray", address)
        match = match or found
        if match:
            open_methods = self._routes.open_to_browsers(path) if method == "OPTIONS" else ()
            return _preflight(open_methods, match) if open_methods else self._no_such_method(match)
        message = (
            f"Unrecognized request URL ({_method_name(method)}: {_safe_path(path)}). To list objects leave out a"
            " trailing slash; to look at one make sure that its id is not empty. See /docs for all there are."
        )
        return self._guard.refuse(Refusal(Kind.NOT_FOUND, message))

    async def _without_key(
        self, found: PageMatch, scope: Scope, body: bytes, *, address: str, request_id: str
    ) -> Reply:
        """The answer of a page or hook, whatever happens."""
        try:
            return await self._visited(found, scope, body, address=address, request_id=request_id)
        except Refusal as refusal:
            return self._told(found[0], refusal, dict(scope["headers"]))
        except Exception:
            _logger.exception("request failed at a page or hook", request=request_id)
            return self._told(found[0], errors.unexpected(), dict(scope["headers"]))

    async def _visited(
        self, found: PageMatch, scope: Scope, body: bytes, *, address: str, request_id: str
    ) -> Reply:
        """A page for a browser, or what was posted to a hook."""
        page, path = found
        await self._limits.admit_from(page.limit, address)
        if isinstance(page, Page):
            pairs = read_fields(body if page.method == "POST" else scope["query_string"])
            headers_ = _joined(scope["headers"])
            visit = Visit(path, pairs, headers_, address, request_id, clock.now(), _certificate(scope))
            return _of_room(await page.handler(visit))
        if len(body) > page.max_bytes:
            raise Refusal(Kind.TOO_LARGE, f"A message's body can have at most {page.max_bytes} bytes.")
        try:
            posted = Posted(path, _joined(scope["headers"]), body, address, request_id, _certificate(scope))
            reply = _of_room(await page.handler(posted))
        except Refusal as refusal:
            if refusal.kind is Kind.UNAUTHENTICATED:
                await self._limits.failed(address)
            raise
        if reply.status == _UNAUTHENTICATED:  # whoever fails to prove who he is, fails against his address
            await self._limits.failed(address)
        return reply

    def _told(self, page: Page | Hook, refusal: Refusal, sent: Mapping[bytes, bytes]) -> Reply:
        """A refusal as whoever comes there can read it: a browser as a page, an app as its standard says."""
        reply = self._guard.refuse(refusal)
        if isinstance(page, Hook):
            return reply if page.refusal is None else reply._replace(body=page.refusal(refusal))
        if b"text/html" not in sent.get(b"accept", b""):
            return reply
        shown = _of_room(render.refused(reply.status, mask(refusal.message)))
        return shown._replace(headers=(*shown.headers, *reply.headers))

    def _no_such_method(self, allowed: Sequence[str]) -> Reply:
        reply = self._guard.refuse(Refusal(Kind.METHOD, f"Here only {', '.join(allowed)} can be used."))
        allow: Header = (b"allow", ", ".join(allowed).encode())
        return reply._replace(headers=(*reply.headers, allow))


def _certificate(scope: Scope) -> bytes | None:
    """The client certificate that this connection showed and the listener believed, as DER."""
    return scope.get("extensions", {}).get("tls", {}).get("peer_certificate")


def _joined(pairs: Sequence[Header]) -> dict[str, str]:
    """Headers as text; one that was sent twice is one list of two values, so that none of them is overlooked."""
    single_headers(pairs)
    found: dict[str, str] = {}
    for raw, value in pairs:
        name, text = raw.decode("latin-1"), value.decode("latin-1")
        found[name] = f"{found[name]}, {text}" if name in found else text
    return found


def _of_room(answer: Answer) -> Reply:
    """What a room answers outside of the API, under our own security headers; only a page has a policy of its own."""
    security = headers.public() if answer.public else headers.SECURITY
    ours, given = {name for name, _ in security}, headers.encoded(answer.headers)
    policy = next((value.decode("ascii") for name, value in given if name == headers.POLICY), None)
    return Reply(
        answer.status,
        answer.body,
        tuple(pair for pair in given if pair[0] not in ours),
        (b"content-type", answer.content_type.encode("ascii")),
        security if policy is None else headers.under(policy),
    )


def _preflight(from_browsers: Sequence[str], methods: Sequence[str]) -> Reply:
    """Which methods there are, and which of them a browser on another page may use."""
    granted: Header = (b"access-control-allow-methods", ", ".join(from_browsers).encode())
    allow: Header = (b"allow", ", ".join([*methods, "OPTIONS"]).encode())
    return Reply(200, b"{}", (*headers.PREFLIGHT, granted, allow))


def _safe_path(path: str) -> str:
    """A path fit for an error: odd characters and long runs of digits never come back."""
    return re.sub(r"[0-9]{5,}", "#", re.sub(r"[^A-Za-z0-9_\-./]", "?", path))[:200]


def _method_name(method: str) -> str:
    return method if method.isascii() and method.isalpha() and len(method) <= 20 else "?"
