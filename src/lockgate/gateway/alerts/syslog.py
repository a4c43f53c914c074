"""Carries syslog messages to the operator's collector: over TLS to anywhere, in plain only to this machine itself."""

import asyncio
import ssl
from typing import NamedTuple

from lockgate.gateway.alerts.core.syslog import framed

TIMEOUT_S = 10.0


class Collector(NamedTuple):
    """Where syslog goes. ``transport`` is ``tls``, or on loopback ``tcp`` or ``udp``; ``authority`` is PEM text."""

    host: str
    port: int
    transport: str
    authority: str | None = None


async def send(collector: Collector, content: bytes, *, timeout_s: float = TIMEOUT_S) -> str:
    """``delivered``, or a short code of what went wrong; never raises for what the network does.

    Syslog has no receipts: delivered means that the collector's side took the bytes and the close.
    """
    try:
        async with asyncio.timeout(timeout_s):
            if collector.transport == "udp":
                await _datagram(collector, content)
            else:
                await _stream(collector, framed(content))
    except ssl.SSLCertVerificationError:
        return "certificate_refused"
    except TimeoutError:
        return "timeout"
    except (OSError, ssl.SSLError):
        return "connection_failed"
    return "delivered"


async def _stream(collector: Collector, frame: bytes) -> None:
    context = None
    if collector.transport == "tls":
        context = ssl.create_default_context(cadata=collector.authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2  # RFC 9662
    _, writer = await asyncio.open_connection(collector.host, collector.port, ssl=context)
    try:
        writer.write(frame)
        await writer.drain()
    finally:
        writer.close()
        await writer.wait_closed()


async def _datagram(collector: Collector, content: bytes) -> None:
    loop = asyncio.get_running_loop()
    address = (collector.host, collector.port)
    transport, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=address)
    try:
        transport.sendto(content)
    finally:
        transport.close()
