"""The frames between programs and the vault: a length, then a msgpack payload with its MAC. Pure."""

import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgpack

VERSION = 1
MAX_FRAME_BYTES = 1024 * 1024
MAX_SKEW_MS = 30_000
NONCE_WINDOW_MS = 60_000
NONCE_BYTES = 16
MAC_BYTES = 32
_PREFIX_BYTES = 4
_REQUEST_FIELDS = {"v", "caller", "id", "t", "n", "verb", "args"}


class WireError(Exception):
    """A frame that cannot be read. The message says why and never shows what it held."""


@dataclass(frozen=True, slots=True)
class Request:
    """One call. ``time_ms`` and ``nonce`` make it good once and for half a minute only."""

    caller: str
    id: int
    time_ms: int
    nonce: bytes
    verb: str
    args: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Response:
    """The answer to the request of the same ``id``: either ``ok`` or ``error`` ({code, message, reason?})."""

    id: int
    ok: dict[str, Any] | None = field(repr=False)
    error: dict[str, str] | None = None


def request_frame(key: bytes, request: Request) -> bytes:
    """The bytes to send for ``request``, MACed with the caller's service key."""
    return _frame(
        key,
        {
            "v": VERSION,
            "caller": request.caller,
            "id": request.id,
            "t": request.time_ms,
            "n": request.nonce,
            "verb": request.verb,
            "args": request.args,
        },
    )


def ok_frame(key: bytes, id_: int, ok: Mapping[str, Any]) -> bytes:
    """The bytes of a successful answer."""
    return _frame(key, {"id": id_, "ok": ok})


def error_frame(key: bytes, id_: int, error: Mapping[str, str]) -> bytes:
    """The bytes of a refusal."""
    return _frame(key, {"id": id_, "error": error})


def open_frame(body: bytes) -> tuple[bytes, bytes]:
    """The payload's bytes and its MAC, neither of them believed yet."""
    parts = _unpack(body)
    if not isinstance(parts, list) or len(parts) != 2:
        raise WireError("a frame holds a payload and a MAC")
    payload, mac = parts
    if not isinstance(payload, bytes) or not isinstance(mac, bytes) or len(mac) != MAC_BYTES:
        raise WireError("a frame holds a payload and a MAC")
    return payload, mac


def mac_is_right(key: bytes, payload: bytes, mac: bytes) -> bool:
    """Whether ``mac`` was made over ``payload`` with ``key``, in constant time."""
    return hmac.compare_digest(hmac.digest(key, payload, "sha256"), mac)


def read_request(payload: bytes) -> Request:
    """The request in ``payload``. Its caller is a claim until the MAC has been checked with that caller's key."""
    message = _unpack(payload)
    if not isinstance(message, dict) or set(message) != _REQUEST_FIELDS or message["v"] != VERSION:
        raise WireError("not a request of this version")
    request = Request(message["caller"], message["id"], message["t"], message["n"], message["verb"], message["args"])
    well_typed = (
        isinstance(request.caller, str)
        and type(request.id) is int
        and type(request.time_ms) is int
        and isinstance(request.nonce, bytes)
        and len(request.nonce) == NONCE_BYTES
        and isinstance(request.verb, str)
        and isinstance(request.args, dict)
    )
    if not well_typed:
        raise WireError("a field of the request has the wrong type")
    return request


def read_response(payload: bytes) -> Response:
    """The response in a payload whose MAC was right."""
    message = _unpack(payload)
    if not isinstance(message, dict) or type(message.get("id")) is not int:
        raise WireError("not a response")
    ok, error = message.get("ok"), message.get("error")
    if not ((isinstance(ok, dict) and error is None) or (isinstance(error, dict) and ok is None)):
        raise WireError("a response is either ok or an error")
    return Response(message["id"], ok, error)


class FrameReader:
    """Cuts a stream of bytes into frame bodies, whatever the pieces it arrives in."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Frame bodies completed by ``data``. WireError as soon as a length says more than MAX_FRAME_BYTES."""
        self._buffer += data
        start = 0
        while len(self._buffer) - start >= _PREFIX_BYTES:
            length = int.from_bytes(self._buffer[start : start + _PREFIX_BYTES], "big")
            if length > MAX_FRAME_BYTES:
                raise WireError("a frame is too long")
            end = start + _PREFIX_BYTES + length
            if len(self._buffer) < end:
                break
            yield bytes(self._buffer[start + _PREFIX_BYTES : end])
            start = end
        del self._buffer[:start]


def _frame(key: bytes, message: Mapping[str, Any]) -> bytes:
    payload = _pack(message)
    body = _pack([payload, hmac.digest(key, payload, "sha256")])
    if len(body) > MAX_FRAME_BYTES:
        raise WireError("a frame is too long")
    return len(body).to_bytes(_PREFIX_BYTES, "big") + body


def _pack(value: Any) -> bytes:
    packed = msgpack.packb(value)
    assert packed is not None
    return packed


def _unpack(data: bytes) -> Any:
    try:
        return msgpack.unpackb(data, raw=False, strict_map_key=True)
    except (ValueError, msgpack.UnpackException) as error:
        raise WireError("a frame is not msgpack") from error
