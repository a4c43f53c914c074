"""The web origin's listener, spoken to byte by byte on both event loops: what it serves, and all that it refuses."""

import asyncio
import contextlib
import json
import socket
import ssl
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import trustme
import uvloop

from lockgate.vault.listener import HEAD_BYTES, Limits, Listener, Page

AUTHORITY = trustme.CA()
LEAF = AUTHORITY.issue_cert("127.0.0.1")
HEADERS = {"X-Content-Type-Options": "nosniff", "Access-Control-Allow-Origin": "*"}
BIG = b"x" * 8_000_000
GET = b"GET /keys HTTP/1.1\r\nHost: cards\r\n\r\n"
Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@pytest.fixture(params=[asyncio.DefaultEventLoopPolicy, uvloop.EventLoopPolicy], ids=["asyncio", "uvloop"])
def event_loop_policy(request: pytest.FixtureRequest) -> Any:
    return request.param()


def _broken() -> bytes:
    raise RuntimeError("no keys yet")


@contextlib.asynccontextmanager
async def listening(**limits: Any) -> AsyncIterator[int]:
    count = iter(range(1000))
    pages = {
        "/keys": Page("application/json", lambda: b"%d" % next(count), cache="no-store"),
        "/seal.js": Page("text/javascript", b"export {}", cache="public, max-age=300"),
        "/big": Page("text/plain", BIG, cache="no-store"),
        "/broken": Page("text/plain", _broken, cache="no-store"),
    }
    listener = Listener(pages, headers=HEADERS, limits=Limits(**({"close_s": 0.2} | limits)))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    LEAF.configure_cert(tls)
    port = await listener.open(host="127.0.0.1", port=0, tls=tls)
    try:
        yield port
    finally:
        await listener.close()


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    AUTHORITY.configure_trust(context)
    return context


async def connect(port: int, **more: Any) -> Stream:
    return await asyncio.open_connection("127.0.0.1", port, ssl=_trusting(), **more)


async def to_the_end(stream: Stream) -> bytes:
    """All that comes until the other side hangs up."""
    try:
        async with asyncio.timeout(5):
            return await stream[0].read()
    finally:
        stream[1].transport.abort()


async def say(port: int, sent: bytes) -> bytes:
    stream = await connect(port)
    stream[1].write(sent)
    return await to_the_end(stream)


def closing(line: bytes, *fields: bytes) -> bytes:
    return b"\r\n".join((line, b"Host: cards", *fields, b"Connection: close", b"", b""))


async def test_a_page_has_its_type_its_cache_and_the_headers_of_all() -> None:
    async with listening() as port:
        head, _, body = (await say(port, closing(b"GET /seal.js?v=1 HTTP/1.1"))).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    fields = dict(line.split(": ", 1) for line in lines)
    assert first == "HTTP/1.1 200 OK"
    assert body == b"export {}"
    assert fields.pop("Date").endswith(" GMT")
    assert fields == HEADERS | {
        "Content-Type": "text/javascript", "Cache-Control": "public, max-age=300", "Content-Length": "9",
        "Connection": "close",
    }  # fmt: skip


async def test_head_is_get_without_the_body() -> None:
    async with listening() as port:
        given = await say(port, closing(b"HEAD /seal.js HTTP/1.1"))
        absent = await say(port, closing(b"HEAD /nothing HTTP/1.1"))
    assert given.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"Content-Length: 9\r\n" in given
    assert absent.startswith(b"HTTP/1.1 404 ")
    assert given.endswith(b"\r\n\r\n")
    assert absent.endswith(b"\r\n\r\n")


async def test_requests_sent_at_once_are_answered_in_order_up_to_the_limit() -> None:
    async with listening(requests=5) as port:
        answers = (await say(port, GET * 9)).split(b"HTTP/1.1 200 OK\r\n")[1:]
    assert [answer.partition(b"\r\n\r\n")[2] for answer in answers] == [b"0", b"1", b"2", b"3", b"4"]
    assert [b"Connection: close" in answer for answer in answers] == [False] * 4 + [True]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /../keys HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /keys/ HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /%6beys HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /broken HTTP/1.1\r\nHost: a\r\n\r\n", 503),
        (b"POST /keys HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"SECRET /keys HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"GET /keys HTTP/1.0\r\nHost: a\r\n\r\n", 505),
        (b"GET /keys HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        (b"GET /keys\r\n\r\n", 400),
        (b"GET  /keys HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
        (b"\r\nGET /keys HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET https://a/keys HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /k\xc3\xa9ys HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1\r\nHost:\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1\r\nHost : a\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1\nHost: a\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 400),
        (b"GET /keys HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET /keys HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding:\tx\r\n\r\n", 400),
        (b"GET /" + b"t" * 1024 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET /" + b"t" * HEAD_BYTES, 414),
        (b"GET /keys HTTP/1.1\r\nHost: a\r\nX: " + b"t" * HEAD_BYTES + b"\r\n\r\n", 431),
        (b"\x16\x03\x01 SSH-2.0-secret\r\n\r\n", 400),
    ],
)
async def test_what_is_not_served_gets_fixed_words_and_ends_the_connection(sent: bytes, status: int) -> None:
    """A request smuggled behind the refused one is never answered."""
    async with listening() as port:
        answer = await say(port, sent + GET)
    head, _, body = answer.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert lines[0].split(" ")[:2] == ["HTTP/1.1", str(status)]
    assert set(json.loads(body)["error"]) == {"message"}
    assert {"X-Content-Type-Options: nosniff", "Cache-Control: no-store", "Connection: close"} <= set(lines)
    assert ("Allow: GET, HEAD" in lines) == (status == 405)
    assert b"HTTP/1.1 200" not in answer
    for leaked in (b"Server:", b"secret", b"SECRET", b"ttt", b"Set-Cookie"):
        assert leaked not in answer


async def test_an_empty_body_announced_is_no_body() -> None:
    async with listening() as port:
        assert (await say(port, closing(b"GET /keys HTTP/1.1", b"Content-Length: 0"))).startswith(b"HTTP/1.1 200 ")


async def test_a_head_of_the_largest_size_is_read() -> None:
    room = HEAD_BYTES - len(closing(b"GET /keys HTTP/1.1", b"X: "))
    async with listening() as port:
        fits = await say(port, closing(b"GET /keys HTTP/1.1", b"X: " + b"t" * room))
        over = await say(port, closing(b"GET /keys HTTP/1.1", b"X: " + b"t" * (room + 1)))
    assert fits.startswith(b"HTTP/1.1 200 ")
    assert over.startswith(b"HTTP/1.1 431 ")


async def test_a_head_that_drips_has_one_time_for_all_of_it() -> None:
    async with listening(head_s=0.3) as port:
        reader, writer = await connect(port)
        began = time.monotonic()
        while not reader.at_eof() and time.monotonic() - began < 5:
            writer.write(b"G")
            with contextlib.suppress(TimeoutError):
                answer = await asyncio.wait_for(reader.read(4096), 0.05)
                break
        assert 0.2 < time.monotonic() - began < 2
        assert answer.startswith(b"HTTP/1.1 408 ")
        writer.transport.abort()


@pytest.mark.parametrize("sent", [b"", GET])
async def test_a_connection_that_says_nothing_more_is_closed_without_a_word(sent: bytes) -> None:
    async with listening(head_s=0.2, idle_s=0.2) as port:
        answer = await say(port, sent)
    assert answer.count(b"HTTP/1.1 ") == len(sent[:1])


async def test_an_unfinished_handshake_is_dropped() -> None:
    async with listening(handshake_s=0.3) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"\x16\x03\x01")
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.transport.abort()


async def test_what_is_not_tls_and_what_is_old_tls_get_nothing() -> None:
    old = _trusting()
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    async with listening() as port:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await asyncio.open_connection("127.0.0.1", port, ssl=old)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(GET)
        with contextlib.suppress(ConnectionError):
            assert b"HTTP" not in await asyncio.wait_for(reader.read(), 5)
        writer.transport.abort()


@pytest.mark.parametrize("limits", [{"per_source": 3}, {"connections": 3}])
async def test_one_connection_too_many_is_cut_off_until_another_ends(limits: dict[str, int]) -> None:
    async with listening(**limits) as port:
        silent = await asyncio.open_connection("127.0.0.1", port)  # counts before its handshake
        held = [silent, await connect(port), await connect(port)]
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await connect(port)
        held[1][1].write(GET)
        assert (await held[1][0].readline()) == b"HTTP/1.1 200 OK\r\n"
        held.pop(2)[1].transport.abort()
        for _ in range(100):
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                held.append(await connect(port))
                break
            await asyncio.sleep(0.02)
        assert len(held) == 3
        for _reader, writer in held:
            writer.transport.abort()


async def test_another_source_has_its_own_count() -> None:
    async with listening(per_source=1) as port:
        first = await connect(port)
        second = await connect(port, local_addr=("127.0.0.2", 0))
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await connect(port)
        for _reader, writer in (first, second):
            writer.transport.abort()


async def test_who_does_not_read_is_dropped_and_who_reads_gets_all() -> None:
    async with listening(write_s=0.5, per_source=1) as port:
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect(("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(
            sock=narrow, ssl=_trusting(), server_hostname="127.0.0.1", limit=1024
        )
        writer.write(b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n")
        await reader.readline()
        writer.transport.pause_reading()
        began = time.monotonic()
        while True:
            with contextlib.suppress(ssl.SSLError, ConnectionError):
                answer = await say(port, closing(b"GET /big HTTP/1.1"))
                break
            assert time.monotonic() - began < 5
            await asyncio.sleep(0.05)
        assert answer.endswith(b"\r\n\r\n" + BIG)
        writer.transport.abort()


async def test_closing_ends_open_connections() -> None:
    async with listening() as port:
        stream = await connect(port)
    with contextlib.suppress(ConnectionError):
        assert await to_the_end(stream) == b""
    with pytest.raises(ConnectionError):
        await connect(port)
