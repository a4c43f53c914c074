"""The way to a running Lockgate's API: the merchant's server, and each shopper from an address of her own."""

import json
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlencode, urlsplit

_TIMEOUT_S = 40
_FORM = "application/x-www-form-urlencoded"
_LOOPBACK = ("127.0.0.1", "localhost")
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer: its status, and its body as JSON."""

    status: int
    body: Mapping[str, Any]

    @property
    def error(self) -> Mapping[str, Any]:
        """The error envelope's inside; empty for a success."""
        return self.body.get("error", {})


@dataclass(slots=True)
class Door:
    """Calls the API at ``api``. Shoppers' requests to a Lockgate on this machine come from a loopback address for each
    simulated one, and name that in X-Forwarded-For: an installation that trusts loopback as its proxy believes it."""

    api: str
    secret_key: str = field(repr=False)
    publishable_key: str = field(repr=False)
    tls: ssl.SSLContext | None
    _kept: HTTPConnection | None = None

    def server(self, path: str, fields: Mapping[str, Any] | None = None, *, method: str = "POST") -> Reply:
        """A request of the merchant's server; what a GET asks for stands in ``path``."""
        body = urlencode(fields or {}) if method == "POST" else None
        if self._kept is None:
            self._kept = self._connection(None)
        try:
            return self._send(self._kept, method, path, body, key=self.secret_key)
        except (ConnectionError, HTTPException, ssl.SSLEOFError):  # a kept connection may have been closed: once more
            self._kept = self._connection(None)
            return self._send(self._kept, method, path, body, key=self.secret_key)

    def browser(self, path: str, fields: Mapping[str, Any], *, ip: str, agent: str, puzzle: str | None = None) -> Reply:
        """A POST of a shopper's browser at ``ip``."""
        extra = {"User-Agent": agent, "X-Forwarded-For": ip}
        if puzzle is not None:
            extra["Lockgate-Puzzle"] = puzzle
        connection = self._connection(loopback_of(ip))
        try:
            return self._send(connection, "POST", path, urlencode(fields), key=self.publishable_key, extra=extra)
        finally:
            connection.close()

    def close(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def _connection(self, source: str | None) -> HTTPConnection:
        parts = urlsplit(self.api)
        host = parts.hostname or ""
        bound = (source, 0) if source is not None and host in _LOOPBACK else None
        if self.tls is None:
            return HTTPConnection(host, parts.port, timeout=_TIMEOUT_S, source_address=bound)
        return HTTPSConnection(host, parts.port, timeout=_TIMEOUT_S, context=self.tls, source_address=bound)

    def _send(
        self,
        connection: HTTPConnection,
        method: str,
        path: str,
        body: str | None,
        *,
        key: str,
        extra: Mapping[str, str] | None = None,
    ) -> Reply:
        headers = {"Authorization": f"Bearer {key}", "Content-Type": _FORM, **(extra or {})}
        reply = None
        for _ in range(_TRIES):
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            reply = Reply(answer.status, json.loads(answer.read()))
            if reply.status != 409:  # somebody else holds the object for a moment
                break
        assert reply is not None, "it was tried once at least"
        return reply


def loopback_of(ip: str) -> str:
    """The loopback address that stands for ``ip``: always the same, and nearly never that of another."""
    number = zlib.crc32(ip.encode())
    return f"127.{1 + number % 250}.{number // 250 % 250}.{1 + number // 62_500 % 250}"
