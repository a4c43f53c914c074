"""A plain HTTP client for sweeps: any request from any loopback address, and what must hold for every answer."""

import json
import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPSConnection
from itertools import count
from typing import Any
from urllib.parse import urlencode, urlsplit

FORM = "application/x-www-form-urlencoded"
SECURITY = {
    "strict-transport-security", "x-content-type-options", "content-security-policy", "referrer-policy",
    "cache-control", "x-frame-options",
}
_addresses = count(1)


@dataclass(frozen=True)
class Reply:
    """One answer; ``headers`` by small-letter names."""

    status: int
    headers: Mapping[str, str]
    text: str = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def error(self) -> dict[str, Any]:
        return self.json["error"]

    @property
    def request_id(self) -> str:
        return self.headers["request-id"]


class Client:
    """Speaks to one Lockgate, each client from a loopback address of its own, so that limits by address stay apart."""

    def __init__(self, api: str, ca_file: str, key: str | None = None) -> None:
        self.key = key
        self._parts = urlsplit(api)
        self._context = ssl.create_default_context(cafile=ca_file)
        number = next(_addresses)
        self.address = f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}"
        self._connection: HTTPSConnection | None = None

    def get(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Reply:
        return self.request("GET", path, params, **options)

    def post(self, path: str, params: Mapping[str, Any] | None = None, **options: Any) -> Reply:
        return self.request("POST", path, params, **options)

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Reply:
        """Parameters go into a POST's body and into the query of everything else; ``body`` is sent as it is."""
        sent = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        if method == "POST":
            sent["Content-Type"] = FORM
            body = urlencode(params or {}).encode() if body is None else body
        elif params:
            path = f"{path}?{urlencode(params)}"
        sent |= headers or {}
        for last in (False, True):
            kept = self._connection
            try:
                reply = self._send(method, path, body, sent)
            except (ConnectionError, HTTPException, ssl.SSLEOFError):
                self.close()
                if kept is None or last:  # only a kept connection may have been closed before our request
                    raise
                continue
            check(reply)
            return reply
        raise AssertionError("unreachable")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _send(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Reply:
        if self._connection is None:
            self._connection = HTTPSConnection(
                self._parts.hostname or "", self._parts.port, context=self._context, timeout=40,
                source_address=(self.address, 0),
            )
        self._connection.request(method, path, body=body, headers=dict(headers))
        answer = self._connection.getresponse()
        text = answer.read().decode()
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return Reply(answer.status, {name.lower(): value for name, value in answer.headers.items()}, text)


def check(reply: Reply) -> None:
    """What must hold for every answer, whatever was asked: security headers, an id, JSON, the error envelope."""
    assert not SECURITY - set(reply.headers), f"{reply.status} lacks {SECURITY - set(reply.headers)}"
    assert "server" not in reply.headers and "x-powered-by" not in reply.headers
    assert reply.headers["request-id"].startswith("req_"), "an answer without a Request-Id"
    assert reply.headers["content-type"] == "application/json", reply.headers["content-type"]
    body = reply.json
    assert isinstance(body, dict)
    if reply.status >= 400:
        assert set(body) == {"error"}, f"{reply.status} without the error envelope"
        assert isinstance(body["error"]["type"], str) and body["error"]["message"], body
    for word in ("Traceback", "asyncpg", "SELECT ", "/src/lockgate"):
        assert word not in reply.text, f"an answer tells of our inside: {word}"


def basic(key: str) -> str:
    return "Basic " + b64encode(f"{key}:".encode()).decode()
