"""Serves a fixed table of pages over TLS: GET and HEAD, a limit on everything, no part of a request in an answer."""

import asyncio
import json
import re
import socket
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from http import HTTPStatus

from lockgate.kernel import clock, log
from lockgate.kernel.source import source

HEAD_BYTES = 8 * 1024
TARGET_BYTES = 1024
_BACKLOG = 256
_PIECE_BYTES = 16 * 1024  # of one write: TLS would take a whole answer at once, and nobody see it wait
_METHODS = (b"GET", b"HEAD")
_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([!-~]+) HTTP/([0-9]\.[0-9])")
_FIELD = re.compile(rb"(" + _TOKEN + rb"):[ \t]*([\t -~\x80-\xff]*)")
_MESSAGES = {
    400: "This is not a valid HTTP/1.1 request without a body.",
    404: "There is nothing here.",
    405: "Only GET and HEAD are answered here.",
    408: "The request did not arrive in time.",
    414: "The request's target is too long.",
    431: "The request's head is too long.",
    503: "This cannot be given now. Try again shortly.",
    505: "Only HTTP/1.1 is spoken here.",
}
_EXTRA = {405: {"Allow": "GET, HEAD"}, 503: {"Retry-After": "1"}}


@dataclass(frozen=True, slots=True)
class Page:
    """What stands at one path; a function is asked at each request."""

    content_type: str
    content: bytes | Callable[[], bytes]
    cache: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How much, how many and how long. Every connection ends, whatever its other side does."""

    connections: int = 256
    per_source: int = 128
    requests: int = 100  # of one connection
    handshake_s: float = 10
    head_s: float = 10  # for the whole head, however it drips, and for the first one to begin
    idle_s: float = 15  # between two requests
    write_s: float = 10
    close_s: float = 2


LIMITS = Limits()


class _Refused(Exception):
    """This request is not served, and neither is anything after it on its connection."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@dataclass(frozen=True, slots=True)
class _Request:
    path: str
    last: bool  # the client asked to close


class Listener:
    """One listening socket. ``headers`` stand on every answer."""

    def __init__(self, pages: Mapping[str, Page], *, headers: Mapping[str, str], limits: Limits = LIMITS) -> None:
        self._pages = pages
        self._headers = headers
        self._limits = limits
        self._by_source: Counter[str] = Counter()
        self._connections: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None

    async def open(self, *, host: str, port: int, tls: ssl.SSLContext) -> int:
        """Listen; returns the port in use, also when 0 was asked for."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        listening.setblocking(False)
        self._accepting = asyncio.create_task(self._accept(listening, tls))
        return listening.getsockname()[1]

    async def close(self) -> None:
        """Take no new connection and end the open ones."""
        if self._accepting is None:
            return
        ending = (self._accepting, *self._connections)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)

    async def _accept(self, listening: socket.socket, tls: ssl.SSLContext) -> None:
        """Counted from the first packet: a connection that is one too many is cut off before it costs a handshake."""
        loop = asyncio.get_running_loop()
        with listening:
            while True:
                try:
                    peer, address = await loop.sock_accept(listening)
                except ConnectionError:  # it went away while it waited
                    await asyncio.sleep(0)
                    continue
                except OSError:  # no descriptor is left
                    log.get("vault").exception("a connection cannot be accepted now")
                    await asyncio.sleep(1)
                    continue
                self._admit(peer, source(address[0]), tls=tls)
                await asyncio.sleep(0)  # a flood must not keep the vault's other work waiting

    def _admit(self, peer: socket.socket, sender: str, *, tls: ssl.SSLContext) -> None:
        full = len(self._connections) >= self._limits.connections
        if full or self._by_source[sender] >= self._limits.per_source:
            peer.close()
            return
        self._by_source[sender] += 1
        connection = asyncio.create_task(self._attend(peer, tls))
        self._connections.add(connection)

        def gone(ended: "asyncio.Task[None]") -> None:
            peer.close()  # its transport has, unless it was ended before it began
            self._connections.discard(ended)
            self._by_source[sender] -= 1
            if not self._by_source[sender]:
                del self._by_source[sender]

        connection.add_done_callback(gone)

    async def _attend(self, peer: socket.socket, tls: ssl.SSLContext) -> None:
        """One connection from handshake to end; what its other side does wrong ends it and disturbs nobody."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=HEAD_BYTES)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            transport, _ = await loop.connect_accepted_socket(
                lambda: protocol,
                peer,
                ssl=tls,
                ssl_handshake_timeout=self._limits.handshake_s,
                ssl_shutdown_timeout=self._limits.close_s,
            )
            writer = asyncio.StreamWriter(transport, protocol, reader, loop)
            writer.transport.set_write_buffer_limits(high=1)  # a slow reader is noticed; with 0, uvloop pauses for ever
            try:
                await self._converse(reader, writer)
            finally:
                await self._hang_up(writer)
        except OSError:  # also TLS errors and timeouts
            return
        except Exception:
            log.get("vault").exception("a connection to the web origin failed")

    async def _hang_up(self, writer: asyncio.StreamWriter) -> None:
        writer.close()
        try:
            async with asyncio.timeout(self._limits.close_s):
                await writer.wait_closed()
        finally:
            writer.transport.abort()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests one after another, answered in their order. After a refusal no further byte is read as a request."""
        held = bytearray()
        for served in range(1, self._limits.requests + 1):
            patience_s = self._limits.head_s if served == 1 else self._limits.idle_s
            head = b""
            try:
                head = await self._head(reader, held, patience_s=patience_s)
                if not head:
                    return
                request = _read(head)
                last = request.last or served == self._limits.requests
                answer = self._page(request, with_body=not head.startswith(b"HEAD "), last=last)
            except _Refused as refusal:
                last = True
                answer = self._refusal(refusal.status, with_body=not (head or held).startswith(b"HEAD "))
            async with asyncio.timeout(self._limits.write_s):
                for start in range(0, len(answer), _PIECE_BYTES):
                    writer.write(answer[start : start + _PIECE_BYTES])
                    await writer.drain()
            if last:
                return

    async def _head(self, reader: asyncio.StreamReader, held: bytearray, *, patience_s: float) -> bytes:
        """The next head, taken from ``held`` and the stream; nothing when the other side said nothing more."""
        if not held:
            try:
                async with asyncio.timeout(patience_s):
                    held += await reader.read(HEAD_BYTES)
            except TimeoutError:
                return b""
        try:
            async with asyncio.timeout(self._limits.head_s):
                while (end := held.find(b"\r\n\r\n", 0, HEAD_BYTES)) < 0:
                    if len(held) >= HEAD_BYTES:
                        raise _Refused(431 if b"\r\n" in held[:HEAD_BYTES] else 414)
                    more = await reader.read(HEAD_BYTES)
                    if not more:
                        return b""
                    held += more
        except TimeoutError:
            raise _Refused(408) from None
        head = bytes(held[:end])
        del held[: end + 4]
        return head

    def _page(self, request: _Request, *, with_body: bool, last: bool) -> bytes:
        page = self._pages.get(request.path)
        if page is None:
            raise _Refused(404)
        try:
            body = page.content if isinstance(page.content, bytes) else page.content()
        except Exception:
            log.get("vault").exception("a page of the web origin cannot be made")
            raise _Refused(503) from None
        headers = {"Content-Type": page.content_type, "Cache-Control": page.cache}
        return self._answer(200, body, headers=headers, with_body=with_body, last=last)

    def _refusal(self, status: int, *, with_body: bool) -> bytes:
        body = json.dumps({"error": {"message": _MESSAGES[status]}}).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}
        return self._answer(status, body, headers=headers | _EXTRA.get(status, {}), with_body=with_body, last=True)

    def _answer(self, status: int, body: bytes, *, headers: Mapping[str, str], with_body: bool, last: bool) -> bytes:
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"Date: {formatdate(clock.now(), usegmt=True)}"]
        lines += [f"{name}: {value}" for name, value in {**self._headers, **headers}.items()]
        lines += [f"Content-Length: {len(body)}", f"Connection: {'close' if last else 'keep-alive'}"]
        return "\r\n".join((*lines, "", "")).encode() + (body if with_body else b"")


def _read(head: bytes) -> _Request:
    """A head as strictly as RFC 9112 allows: what two readers could understand in two ways is refused."""
    first, *rest = head.split(b"\r\n")
    line = _REQUEST_LINE.fullmatch(first)
    if line is None:
        raise _Refused(400)
    method, target, version = line.groups()
    fields = [_FIELD.fullmatch(field) for field in rest]
    if len(target) > TARGET_BYTES:
        raise _Refused(414)
    if version != b"1.1":
        raise _Refused(505)
    if None in fields:
        raise _Refused(400)
    named: dict[bytes, list[bytes]] = {}
    for field in fields:
        assert field is not None, "refused above"
        named.setdefault(field[1].lower(), []).append(field[2].rstrip(b" \t"))
    if len(named.get(b"host", [])) != 1 or not named[b"host"][0]:
        raise _Refused(400)
    if method not in _METHODS:
        raise _Refused(405)
    if b"transfer-encoding" in named or named.get(b"content-length", [b"0"]) != [b"0"] or not target.startswith(b"/"):
        raise _Refused(400)
    options = {option.strip().lower() for value in named.get(b"connection", []) for option in value.split(b",")}
    return _Request(target.partition(b"?")[0].decode(), last=b"close" in options)
