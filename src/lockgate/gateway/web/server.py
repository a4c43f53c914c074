"""The listener: uvicorn with TLS 1.3 only, live certificates, limits on every request, and JSON for the worst HTTP."""

import asyncio
import contextlib
import re
import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from typing import Any, ClassVar

import httptools
import uvicorn
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from lockgate.gateway.web import errors, headers
from lockgate.gateway.web.app import App
from lockgate.gateway.web.bodies import MAX_BODY_BYTES
from lockgate.gateway.web.certified import CertifiedOnly
from lockgate.gateway.web.headers import Reply
from lockgate.kernel import log
from lockgate.kernel.config import ConfigError
from lockgate.kernel.ids import new_id
from lockgate.kernel.source import source

MAX_TARGET_BYTES = 8 * 1024
MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 100
MAX_CONNECTIONS = 2_000
MAX_CONNECTIONS_PER_SOURCE = 1_000  # so that no one sender can have all of them
HEAD_TIME_S = 10.0
BODY_TIME_S = 30.0
IDLE_TIME_S = 75
_KNOWN = b"GET|POST|DELETE|PUT|PATCH|HEAD|OPTIONS|TRACE|CONNECT"  # by the parser: these fail for another reason
_UNKNOWN_METHOD = re.compile(rb"(?!(?:" + _KNOWN + rb") )[A-Z]{1,20} /")
_logger = log.get("web")


class _BadRequest(Exception):
    """This message is not served; ``status`` and the message are the answer."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class Protocol(HttpToolsProtocol):
    """uvicorn's protocol, made strict. What it refuses it answers in the API's own envelope, and closes."""

    _by_source: ClassVar[Counter[str]] = Counter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.parser = httptools.HttpRequestParser(self)  # without the leniency that uvicorn switches on
        self._stage = "idle"  # idle, head or body
        self._head_bytes = 0
        self._body_bytes = 0
        self._refused = False
        self._bad: _BadRequest | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._deadline_stage = ""
        self._extensions: dict[str, Any] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type] - a stream's transport, as uvicorn says
        tls = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._extensions = {"tls": {"peer_certificate": tls.getpeercert(True)}}
        self._source = source(self.client[0]) if self.client else ""
        self._by_source[self._source] += 1
        if len(self.connections) > MAX_CONNECTIONS or self._by_source[self._source] > MAX_CONNECTIONS_PER_SOURCE:
            self._refuse(503, "Too many connections are open. Try again shortly.")
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwatch()
        self._by_source[self._source] -= 1
        if not self._by_source[self._source]:
            del self._by_source[self._source]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        if self._stage != "body":
            self._head_bytes += len(data)
        self._first_bytes = data[:32]
        super().data_received(data)
        if self._refused:
            return
        if self._stage == "head" and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431, f"A request's head can have at most {MAX_HEAD_BYTES} bytes.")
        elif self._stage == "idle" and self.cycle is not None:
            self._unwatch()
        else:
            self._watch()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._stage = "head"
        self._body_bytes = 0
        if self._extensions:
            self.scope["extensions"] = self._extensions

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > MAX_TARGET_BYTES:
            self._raise(414, f"A request's target can have at most {MAX_TARGET_BYTES} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS:
            self._raise(431, f"A request can have at most {MAX_HEADERS} headers.")

    def on_headers_complete(self) -> None:
        self._check_head()
        super().on_headers_complete()
        self._stage = "body"
        self._head_bytes = 0

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > MAX_BODY_BYTES:
            self._raise(413, f"A request's body can have at most {MAX_BODY_BYTES} bytes.")
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._stage = "idle"
        self._head_bytes = 0

    def send_400_response(self, msg: str) -> None:
        """What uvicorn calls for anything that the parser or the checks above refuse."""
        bad, self._bad = self._bad, None
        if bad is not None:
            self._refuse(bad.status, bad.message)
        elif self._stage == "head" and not self.url and _UNKNOWN_METHOD.match(self._first_bytes):
            self._refuse(405, "This method is unknown here.", allow=True)
        else:
            self._refuse(400, "This is not a valid HTTP/1.1 request.")

    def _check_head(self) -> None:
        """Everything that must hold before a request is anybody's business."""
        if self.parser.get_http_version() not in ("1.1", "1.0"):
            self._raise(505, "Only HTTP/1.1 is spoken here.")
        hosts = lengths = 0
        for name, value in self.headers:
            if name == b"host":
                hosts += bool(value)
                if b"," in value:
                    hosts += 1
            elif name == b"transfer-encoding":
                self._raise(411, "Send bodies with a Content-Length: other transfer encodings are not read.")
            elif name == b"upgrade":
                self._raise(400, "Connections are not upgraded here.")
            elif name == b"content-length":
                lengths += 1
                if len(value) > 10 or int(value) > MAX_BODY_BYTES:
                    self._raise(413, f"A request's body can have at most {MAX_BODY_BYTES} bytes.")
        if hosts != 1 or sum(name == b"host" for name, _ in self.headers) != 1:
            self._raise(400, "A request needs exactly one Host header.")
        if lengths > 1:
            self._raise(400, "A request can have only one Content-Length header.")
        if not self.url.startswith(b"/"):
            self._raise(400, "A request's target must be a path.")
        path = self.url.partition(b"?")[0]
        if b"%" in path and re.search(rb"%(?:00|(?![0-9A-Fa-f]{2}))", path):
            self._raise(400, "The path holds a NUL or an invalid percent escape.")

    def _raise(self, status: int, message: str) -> None:
        self._bad = _BadRequest(status, message)
        raise self._bad

    def _refuse(self, status: int, message: str, *, allow: bool = False) -> None:
        """Answer ``status`` and close; but never out of turn, ahead of an earlier request that is still at work."""
        self._refused = True
        self._unwatch()
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            if self._stage != "body":  # an earlier message is being answered: it is the last one
                cycle.keep_alive = False
                return
            if self.pipeline or cycle.response_started:
                self.transport.close()
                return
            cycle.disconnected = True
            cycle.message_event.set()
        extra = ((b"allow", b"GET, POST, DELETE"),) if allow else ()
        extra += ((b"retry-after", b"1"),) if status == 503 else ()
        type_ = "api_error" if status == 503 else "invalid_request_error"
        reply = Reply(status, errors.plain_body(message, type_=type_), (*extra, (b"connection", b"close")))
        lines = [STATUS_LINE[status]]
        for name, value in (*self.server_state.default_headers, *headers.complete(reply, new_id("req").encode())):
            lines += (name, b": ", value, b"\r\n")
        self.transport.write(b"".join((*lines, b"\r\n", reply.body)))
        self.transport.close()

    def _watch(self) -> None:
        """A head or body that has begun, or a connection that says nothing, has a time to finish."""
        stage = "body" if self._stage == "body" else "head"
        if self._deadline is not None:
            if self._deadline_stage == stage:
                return
            self._deadline.cancel()
        self._deadline_stage = stage
        self._deadline = self.loop.call_later(BODY_TIME_S if stage == "body" else HEAD_TIME_S, self._late)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        if self._stage == "idle" and self._head_bytes == 0:
            self.transport.close()
        else:
            self._refuse(408, "The request did not arrive in time.")


class _Server(uvicorn.Server):
    """Leaves signals to the program that embeds it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Listener:
    """One listening socket. ``start`` returns once it accepts; ``stop`` lets requests under way finish."""

    def __init__(self, app: App | CertifiedOnly, *, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            reason = f"cannot listen on {host}:{port}: {error.strerror}. Choose another with --listen"
            raise ConfigError(reason) from error
        config = uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=IDLE_TIME_S,
            timeout_graceful_shutdown=30,
            backlog=2048,
            ssl_context_factory=None if tls is None else lambda _config, _default: tls,
        )
        self._server = _Server(config)
        self._running: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port in use, also when 0 was asked for."""
        return self._socket.getsockname()[1]

    async def start(self) -> None:
        """Accept connections."""
        self._running = asyncio.create_task(self._server.serve(sockets=[self._socket]))
        while not self._server.started:
            if self._running.done():
                self._running.result()
                raise ConfigError("the listener ended as it started")
            await asyncio.sleep(0.005)
        _logger.info("listening", port=self.port)

    async def stop(self) -> None:
        """Take no new connection, finish what is under way (30 s at most), close."""
        self._server.should_exit = True
        if self._running is not None:
            await self._running
