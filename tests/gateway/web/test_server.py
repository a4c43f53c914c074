"""The listener against hostile bytes: each is answered in the API's own words or cut off, and nothing gets through."""

import asyncio
import re
import ssl

import pytest
import trustme

from lockgate.gateway.web import server
from lockgate.gateway.web.tls import Handshakes, Leaf
from lockgate.kernel.config import ConfigError
from tests.gateway.web.door import parse

GOOD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
END = b"Connection: close\r\n\r\n"
FORM = b"POST /v1/things HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"

CORPUS = {
    "content-length and transfer-encoding": (
        400,
        FORM + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ),
    "transfer-encoding and content-length": (
        400,
        FORM + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
    ),
    "two content-lengths": (400, FORM + b"Content-Length: 3\r\nContent-Length: 4\r\n\r\na=b"),
    "the same content-length twice": (400, FORM + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\na=b"),
    "a list of content-lengths": (400, FORM + b"Content-Length: 3, 3\r\n\r\na=b"),
    "a signed content-length": (400, FORM + b"Content-Length: +3\r\n\r\na=b"),
    "chunks": (411, FORM + b"Transfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n"),
    "chunks with extensions": (411, FORM + b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\na=b\r\n0\r\n\r\n"),
    "an obscure transfer-encoding": (411, FORM + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    "transfer-encoding after a tab": (400, FORM + b"Transfer-Encoding:\tgzip, chunked, x\r\n\r\n0\r\n\r\n"),
    "a folded header": (400, GOOD + b"X: a\r\n b\r\n" + END),
    "bare line feeds": (400, b"GET /healthz HTTP/1.1\nHost: localhost\n\n"),
    "one bare line feed": (400, GOOD + b"X: a\nY: b\r\n" + END),
    "a bare carriage return": (400, GOOD + b"X: a\rY: b\r\n" + END),
    "a space before the colon": (400, GOOD + b"X : a\r\n" + END),
    "NUL in a header": (400, GOOD + b"X: a\x00b\r\n" + END),
    "NUL in the path": (400, b"GET /heal\x00thz HTTP/1.1\r\nHost: localhost\r\n" + END),
    "an escaped NUL in the path": (400, b"GET /healthz%00 HTTP/1.1\r\nHost: localhost\r\n" + END),
    "a broken escape in the path": (400, b"GET /healthz%zz HTTP/1.1\r\nHost: localhost\r\n" + END),
    "bytes beyond ASCII in the path": (400, b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n" + END),
    "no host": (400, b"GET /healthz HTTP/1.1\r\n" + END),
    "an empty host": (400, b"GET /healthz HTTP/1.1\r\nHost:\r\n" + END),
    "two hosts": (400, GOOD + b"Host: evil.example\r\n" + END),
    "two hosts in one": (400, b"GET /healthz HTTP/1.1\r\nHost: a, b\r\n" + END),
    "an absolute target": (400, b"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n" + END),
    "a target of a star": (400, b"OPTIONS * HTTP/1.1\r\nHost: localhost\r\n" + END),
    "connect": (400, b"CONNECT localhost:1 HTTP/1.1\r\nHost: localhost\r\n" + END),
    "an upgrade": (400, GOOD + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"),
    "an unknown method": (405, b"TRACK /healthz HTTP/1.1\r\nHost: localhost\r\n" + END),
    "HTTP/0.9": (505, b"GET /healthz\r\n\r\n"),
    "HTTP/2.0": (505, b"GET /healthz HTTP/2.0\r\nHost: localhost\r\n" + END),
    "a preface of HTTP/2": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "noise": (400, b"\x16\x03\x01\x02\x00" + bytes(range(256))),
    "a long target": (414, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: localhost\r\n" + END),
    "too many headers": (431, GOOD + b"".join(b"X-%d: a\r\n" % n for n in range(120)) + END),
    "a header without end": (431, GOOD + b"X: " + b"a" * 40_000),
    "a body said to be large": (413, FORM + b"Content-Length: 99999999\r\n\r\n"),
    "a body said to be endless": (400, FORM + b"Content-Length: 99999999999999999999\r\n\r\n"),
    "two keys": (
        400,
        b"GET /v1/things HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n" + END,
    ),
}


@pytest.mark.parametrize("name", CORPUS)
async def test_bad_http_is_answered_in_the_envelope_and_closed(door, name):
    status, data = CORPUS[name]
    smuggled = b"GET /v1/things HTTP/1.1\r\nHost: localhost\r\nX-Smuggled: yes\r\n\r\n"
    raw = await door.raw(data + (smuggled if name != "a header without end" else b""))
    assert len(re.findall(rb"HTTP/1\.1 \d{3} ", raw)) == 1, raw
    answer = parse(raw)
    assert answer.status == status, answer
    assert answer.error["type"] == "invalid_request_error"
    assert answer.headers["request-id"].startswith("req_")
    assert answer.headers["strict-transport-security"]
    assert answer.headers["connection"] == "close"
    assert door.shop.handled == 0


async def test_pipelined_requests_are_answered_in_order(door):
    raw = await door.raw(GOOD + b"\r\n" + b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n" + END)
    assert [part[:3] for part in raw.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404"]


async def test_garbage_behind_a_request_under_way_does_not_overtake_it(door):
    door.shop.gate = asyncio.Event()
    key = door.keys["secret"].text.encode()
    reader, writer = await door.open()
    writer.write(FORM + b"Authorization: Bearer " + key + b"\r\nContent-Length: 8\r\n\r\namount=1" + b"GARBAGE\r\n\r\n")
    await asyncio.sleep(0.2)
    door.shop.gate.set()
    raw = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    assert raw.count(b"HTTP/1.1 ") == 1
    assert parse(raw).status == 200
    assert parse(raw).headers["connection"] == "close"


async def test_kept_alive_connections_serve_many_requests(door):
    reader, writer = await door.open()
    for _ in range(3):
        writer.write(GOOD + b"\r\n")
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        assert head.startswith(b"HTTP/1.1 200")
        assert await reader.readexactly(15) == b'{"status":"ok"}'
    writer.close()


async def test_a_body_in_pieces_and_expect_continue(door):
    key = door.keys["secret"].text.encode()
    reader, writer = await door.open()
    writer.write(FORM + b"Authorization: Bearer " + key + b"\r\nExpect: 100-continue\r\nContent-Length: 8\r\n" + END)
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5) == b"HTTP/1.1 100 Continue\r\n\r\n"
    for byte in (b"am", b"ou", b"nt", b"=1"):
        writer.write(byte)
        await asyncio.sleep(0.02)
    assert parse(await asyncio.wait_for(reader.read(), 5)).status == 200
    writer.close()


async def test_slow_heads_and_bodies_are_cut_off(door, monkeypatch):
    monkeypatch.setattr(server, "HEAD_TIME_S", 0.4)
    monkeypatch.setattr(server, "BODY_TIME_S", 0.6)

    async def trickle(start):
        reader, writer = await door.open()
        writer.write(start)
        answer = asyncio.ensure_future(reader.read())
        for _ in range(20):
            if answer.done():
                break
            await asyncio.sleep(0.1)
            writer.write(b"a")
        raw = await asyncio.wait_for(answer, 5)
        writer.close()
        return raw

    heads, bodies, silent = await asyncio.gather(
        trickle(GOOD + b"X: "), trickle(FORM + b"Content-Length: 1000\r\n\r\n"), door.raw(b"")
    )
    assert parse(heads).status == 408
    assert parse(bodies).status == 408
    assert silent == b""
    assert door.shop.handled == 0


@pytest.mark.parametrize("limit", ["MAX_CONNECTIONS", "MAX_CONNECTIONS_PER_SOURCE"])
async def test_too_many_connections_are_told_so(door, monkeypatch, limit):
    monkeypatch.setattr(server, limit, 3)
    held = [await door.open() for _ in range(3)]
    answer = parse(await door.raw(GOOD + END))
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    for _, writer in held:
        writer.close()
    await asyncio.sleep(0.1)
    assert parse(await door.raw(GOOD + END)).status == 200


async def test_only_tls_1_3_is_spoken(door):
    old = ssl.create_default_context()
    door.authority.configure_trust(old)
    old.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await door.open(context=old)
    _, writer = await door.open()
    assert writer.get_extra_info("ssl_object").version() == "TLSv1.3"
    writer.close()


async def test_plain_http_gets_nothing(door):
    reader, writer = await asyncio.open_connection("127.0.0.1", door.listener.port)
    writer.write(GOOD + END)
    try:
        got = await asyncio.wait_for(reader.read(), 5)
    except ConnectionError:
        got = b""
    writer.close()
    assert not got.startswith(b"HTTP/")


async def test_a_new_certificate_is_shown_without_a_restart(door, tmp_path):
    _, held = await door.open()
    before = held.get_extra_info("ssl_object").getpeercert(True)
    leaf = door.authority.issue_cert("localhost")
    leaf.private_key_and_cert_chain_pem.write_to_path(tmp_path / "new.pem")
    door.handshakes.leaf = Leaf(tmp_path / "new.pem", tmp_path / "new.pem")
    door.handshakes.renew()
    _, writer = await door.open()
    assert writer.get_extra_info("ssl_object").getpeercert(True) != before
    held.write(GOOD + END)
    await held.drain()
    held.close()
    writer.close()


async def test_the_peer_certificate_is_in_the_scope(tmp_path):
    authority = trustme.CA()
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    seen = []

    async def app(scope, receive, send):
        seen.append(scope["extensions"]["tls"]["peer_certificate"])
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    handshakes = Handshakes(Leaf(tmp_path / "server.pem", tmp_path / "server.pem"))
    handshakes.trust([ssl.PEM_cert_to_DER_cert(authority.cert_pem.bytes().decode())])
    listener = server.Listener(app, host="127.0.0.1", port=0, tls=handshakes.context)
    await listener.start()
    try:
        for certificate in (authority.issue_cert("client.example"), None):
            context = ssl.create_default_context()
            authority.configure_trust(context)
            if certificate:
                certificate.configure_cert(context)
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", listener.port, ssl=context, server_hostname="localhost"
            )
            writer.write(GOOD + END)
            await reader.read()
            writer.close()
    finally:
        await listener.stop()
    assert seen[0] and seen[0].startswith(b"\x30")
    assert seen[1] is None


async def test_half_a_renewal_does_not_end_the_service(door, tmp_path):
    """A reload between the writes of certificate and key finds two that do not fit."""
    _, held = await door.open()
    before = held.get_extra_info("ssl_object").getpeercert(True)
    held.close()
    old, new = door.authority.issue_cert("localhost"), door.authority.issue_cert("localhost")
    old.private_key_pem.write_to_path(tmp_path / "old.key")
    new.cert_chain_pems[0].write_to_path(tmp_path / "new.pem")
    whole, door.handshakes.leaf = door.handshakes.leaf, Leaf(tmp_path / "new.pem", tmp_path / "old.key")
    with pytest.raises(ConfigError):
        door.handshakes.renew()
    door.handshakes.leaf = whole
    _, writer = await door.open()
    assert writer.get_extra_info("ssl_object").getpeercert(True) == before
    writer.close()
