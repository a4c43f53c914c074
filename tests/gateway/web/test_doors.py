"""The doors: shut when their certificate ends and open again with a good one, by files alone."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog
import structlog.testing
import trustme

from lockgate.gateway.web.doors import Door, Doors
from lockgate.gateway.web.tls import Handshakes, Leaf

PATIENCE_S = 60


async def nothing_new() -> None:
    return None


async def app(_scope: object, receive: object, send: object) -> None:
    await receive()  # type: ignore[operator] - an ASGI callable
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]


class Place:
    """Files of a listener's certificate, written as the supervisor writes them."""

    def __init__(self, directory: Path) -> None:
        self.authority = trustme.CA()
        self.leaf = Leaf(directory / "api.pem", directory / "api.key")

    def write(self, *, ends_in_s: float) -> None:
        ends = datetime.now(UTC) + timedelta(seconds=ends_in_s)
        begins = min(datetime.now(UTC), ends) - timedelta(days=1)
        made = self.authority.issue_cert("localhost", not_before=begins, not_after=ends)
        made.private_key_pem.write_to_path(str(self.leaf.key))
        made.cert_chain_pems[0].write_to_path(str(self.leaf.certificate))

    async def answers(self, port: int) -> bool:
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="localhost")
        except (OSError, ssl.SSLError):
            return False
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        got = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        return got.startswith(b"HTTP/1.1 200")


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    yield Place(tmp_path)


async def until(wanted: bool, place: Place, port: int) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await place.answers(port) is not wanted:
            await asyncio.sleep(0.1)


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionError:  # refused, or reset by a listener that stops with this one in its queue
        return False
    writer.close()
    return True


async def test_an_expired_certificate_stops_the_listener_until_there_is_a_good_one(
    place: Place,
) -> None:
    place.write(ends_in_s=6)
    door = Door("api", "127.0.0.1", 0, Handshakes(place.leaf), app)  # type: ignore[arg-type] - any ASGI application
    doors = Doors([door], changed=nothing_new)
    await doors.open()
    try:
        assert await place.answers(door.port)
        with structlog.testing.capture_logs() as lines:
            await until(False, place, door.port)
            async with asyncio.timeout(PATIENCE_S):
                while await listens(door.port):
                    await asyncio.sleep(0.1)
        [said] = [line for line in lines if "expired" in line["event"]]
        assert said["log_level"] == "error" and said["door"] == "api"
        place.write(ends_in_s=3600)
        await until(True, place, door.port)
    finally:
        await doors.close()


async def test_a_door_does_not_open_with_an_expired_certificate(place: Place) -> None:
    place.write(ends_in_s=-60)
    door = Door("api", "127.0.0.1", 0, Handshakes(place.leaf), app)  # type: ignore[arg-type] - any ASGI application
    doors = Doors([door], changed=nothing_new)
    await doors.open()
    try:
        assert door.listener is None
        place.write(ends_in_s=3600)
        async with asyncio.timeout(PATIENCE_S):
            while door.listener is None:
                await asyncio.sleep(0.1)
        await until(True, place, door.port)
    finally:
        await doors.close()


async def test_a_renewed_certificate_is_shown_without_any_signal(place: Place) -> None:
    place.write(ends_in_s=3600)
    door = Door("api", "127.0.0.1", 0, Handshakes(place.leaf), app)  # type: ignore[arg-type] - any ASGI application
    doors = Doors([door], changed=nothing_new)
    await doors.open()
    try:
        before = door.handshakes.leaf.ends()  # type: ignore[union-attr] - it has TLS
        place.write(ends_in_s=7200)
        async with asyncio.timeout(PATIENCE_S):
            while door.handshakes.changed():  # type: ignore[union-attr] - it has TLS
                await asyncio.sleep(0.05)
        assert place.leaf.ends() > before
        assert await place.answers(door.port)
    finally:
        await doors.close()
