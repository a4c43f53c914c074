"""How an ordered fault looks on the wire: silence, resets, errors, nonsense and half answers."""

import asyncio
import json
import socket
import struct
from typing import Any

from aiohttp import web

from lockgate.simulator.faults import Fault

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)
_GARBAGE = b"\x00\xff<html>502 Bad Gateway</html>{\"status\": \"approved\""


async def instead(request: web.Request, fault: Fault) -> web.StreamResponse:
    """What happens in place of the effect."""
    if fault.fault == "http_500_before":
        return _server_error()
    return await _silence(request, fault)


async def after(request: web.Request, fault: Fault, *, said: dict[str, Any]) -> web.StreamResponse:
    """What becomes of the answer ``said`` after the effect."""
    match fault.fault:
        case "http_500" | "http_500_after":
            return _server_error()
        case "garbage":
            return web.Response(body=_GARBAGE, content_type="application/json")
        case "wrong_types":
            return web.json_response({name: [value] for name, value in said.items()})
        case "truncated":
            return await _truncated(request, said)
        case "timeout_after" | "reset_after":
            return await _silence(request, fault)
        case _:
            return web.json_response(said)


async def _silence(request: web.Request, fault: Fault) -> web.StreamResponse:
    """Say nothing (for ``delay_ms`` if it is a timeout), then reset the connection."""
    if fault.fault.startswith("timeout"):
        await asyncio.sleep(fault.delay_ms / 1000)
    transport = request.transport
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        transport.abort()
    return web.Response()


async def _truncated(request: web.Request, said: dict[str, Any]) -> web.StreamResponse:
    whole = json.dumps(said).encode()
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": str(len(whole))})
    await response.prepare(request)
    await response.write(whole[: len(whole) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


def _server_error() -> web.Response:
    return web.json_response({"error": {"code": "internal", "message": "Ordered fault."}}, status=500)
