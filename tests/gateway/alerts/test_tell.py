"""Alerts reach people by mail, signed webhooks and syslog; of a route that fails the others tell."""

import asyncio
import json
import ssl
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
import trustme
from aiohttp import web
from standardwebhooks import Webhook

from lockgate.gateway.alerts import edit_route, store_edit
from lockgate.gateway.alerts.core.rule import PLATFORM
from lockgate.gateway.alerts.core.syslog import message
from lockgate.gateway.alerts.edit_silence import create_within, made
from lockgate.gateway.alerts.syslog import Collector, send
from lockgate.gateway.alerts.tell import tell
from lockgate.kernel.errors import Refusal
from lockgate.kernel.principal import Principal
from tests.gateway.alerts.desk import ACCOUNT, open_room
from tests.gateway.webhooks.desk import receiving
from tests.support.mailbox import letters

WHO = Principal(ACCOUNT, False, "person", "per_1")


@pytest.fixture
async def room(database):
    async with open_room(database) as opened:
        yield opened


async def route(room, kind, target, *, min_severity="low", account=ACCOUNT):
    who = Principal(account, False, "person", "per_1")
    row = await edit_route.made(
        room.ports(room.gateway), who, kind=kind, target=target, min_severity=min_severity, now=1
    )
    async with room.gateway.acquire() as connection:
        await store_edit.insert_route(connection, row)
    return row.id


async def leak(room, key="mk_1"):
    await room.happen("key.leaked", outcome="done", object_=key)
    await room.judge()


async def work(room):
    while await tell(room.telling()):
        pass


async def test_an_alert_is_mailed_once_with_what_to_do(room):
    await route(room, "email", {"email": "ops@shop.example"})
    await leak(room)
    await leak(room)
    await work(room)
    await work(room)
    [letter] = await letters(room.gateway, room.box, to="ops@shop.example", kind="alert")
    assert letter.subject == "[critical] Key leaked" and "mk_1" in letter.text and "What to do" in letter.text


async def test_a_webhook_is_signed_as_ours_are_and_tried_again_under_one_id(room):
    async with receiving(lambda number: web.Response(status=500 if number < 3 else 200)) as receiver:
        secret = room.ports(None).new_secret()
        await route(room, "webhook", {"url": receiver.url, "secret": secret})
        await leak(room)
        for _ in range(5):
            await work(room)
            room.now_ms += 60_000
        assert len(receiver.got) == 3
        assert all(int(headers["webhook-timestamp"]) * 1000 <= room.now_ms for headers, _ in receiver.got)
        ids = {headers["webhook-id"] for headers, _ in receiver.got}
        assert len(ids) == 1
        headers, body = receiver.got[-1]
        told = json.loads(body)
        assert told["type"] == "alert.open" and told["data"]["object"]["rule"] == "key_leaked"
        assert told["id"] == headers["webhook-id"]
        moment = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        assert Webhook(secret).sign(told["id"], moment, body.decode()) in headers["webhook-signature"]


async def test_severity_silence_and_other_accounts_decide_who_is_told(room):
    await route(room, "email", {"email": "all@shop.example"})
    await route(room, "email", {"email": "worst@shop.example"}, min_severity="critical")
    await route(room, "email", {"email": "operator@pay.example"}, account=PLATFORM)
    await room.happen("recovery_code.use", outcome="done", actor="person:per_1")
    await room.judge()
    await work(room)
    assert [one.to for one in await letters(room.gateway, room.box)] == ["all@shop.example"]
    silence = made(
        WHO, rule="key_leaked", subject=None, until=room.now_ms // 1000 + 60, reason="drill", now=room.now_ms // 1000
    )
    async with room.gateway.acquire() as connection:
        await create_within(connection, WHO, silence, request=None)
    await leak(room)
    await work(room)
    [alert] = await room.alerts("key_leaked")
    assert alert["silence"] == silence.id and alert["state"] == "open"
    assert not [one for one in await letters(room.gateway, room.box) if "leaked" in one.subject]
    room.now_ms += 61_000
    await leak(room, "mk_2")
    await work(room)
    told = [one.to for one in await letters(room.gateway, room.box) if "leaked" in one.subject]
    assert sorted(told) == ["all@shop.example", "worst@shop.example"]


async def test_a_failing_route_is_told_by_the_others_and_given_up_after_a_day(room):
    await route(room, "email", {"email": "ops@shop.example"})
    async with receiving(lambda number: web.Response(status=500)) as receiver:
        failing = await route(room, "webhook", {"url": receiver.url, "secret": room.ports(None).new_secret()})
        await leak(room)
        for _ in range(4):
            await work(room)
            room.now_ms += 60_000
        await room.judge()
        await work(room)
        subjects = [one.subject for one in await letters(room.gateway, room.box)]
        assert subjects.count("[high] Alert route failing") == 1
        [alert] = await room.alerts("alert_route_failing")
        assert alert["subject"] == failing
        told_by = await room.gateway.fetch("select route from alert_delivery where alert = $1", alert["id"])
        assert [row["route"] for row in told_by] != [failing] and len(told_by) == 1
        room.now_ms += 25 * 3_600_000
        await work(room)
    states = await room.gateway.fetch("select state from alert_delivery where route = $1", failing)
    assert [row["state"] for row in states] == ["failed"]


async def test_a_route_that_fails_never_stands_before_another(room):
    dead = await route(room, "webhook", {"url": "http://127.0.0.1:9/hook", "secret": room.ports(None).new_secret()})
    async with receiving() as receiver:
        await route(room, "webhook", {"url": receiver.url, "secret": room.ports(None).new_secret()})
        await leak(room)
        await asyncio.gather(work(room), work(room))
        assert len(receiver.got) == 1
    assert await room.gateway.fetchval("select outcome from alert_delivery where route = $1", dead) is not None


@asynccontextmanager
async def collecting(context=None):
    got = asyncio.Queue()

    async def take(reader, writer):
        length = await reader.readuntil(b" ")
        await got.put(await reader.readexactly(int(length)))
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1], got


async def test_syslog_goes_over_verified_tls_in_its_own_framing(room):
    authority, stranger = trustme.CA(), trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    async with collecting(context) as (port, got):
        collector = Collector("localhost", port, "tls", authority.cert_pem.bytes().decode())
        await route(room, "syslog", dict(collector._asdict()), account=PLATFORM)
        await room.happen("limits.degraded", outcome="failed", detail={"reason": "gone\r\n<13>1 forged"})
        await room.judge()
        await work(room)
        line = await asyncio.wait_for(got.get(), 5)
        assert line.startswith(b"<107>1 2027-01-15T08:00:00Z pay.example lockgate - limiter_failing [lockgate@32473 ")
        assert b"\n" not in line and b"\r" not in line
        wrong = collector._replace(authority=stranger.cert_pem.bytes().decode())
        assert await send(wrong, b"x") == "certificate_refused"


async def test_syslog_in_plain_stays_on_this_machine():
    async with collecting() as (port, got):
        assert await send(Collector("127.0.0.1", port, "tcp"), b"<14>1 hello") == "delivered"
        assert await asyncio.wait_for(got.get(), 5) == b"<14>1 hello"
    assert await send(Collector("127.0.0.1", port, "tcp"), b"x") == "connection_failed"
    loop, heard = asyncio.get_running_loop(), asyncio.Queue()

    class Ear(asyncio.DatagramProtocol):
        def datagram_received(self, data, addr):
            heard.put_nowait(data)

    transport, _ = await loop.create_datagram_endpoint(Ear, local_addr=("127.0.0.1", 0))
    port = transport.get_extra_info("sockname")[1]
    assert await send(Collector("127.0.0.1", port, "udp"), b"<14>1 hello") == "delivered"
    assert await asyncio.wait_for(heard.get(), 5) == b"<14>1 hello"
    transport.close()
    for host, port, transport in (("10.0.0.1", 514, "udp"), ("logs.example", 601, "tcp"), ("localhost", 0, "tls")):
        with pytest.raises(Refusal):
            edit_route.read_collector(Collector(host, port, transport))


def test_syslog_values_are_escaped():
    line = message('a"]\\', rule="r", account="-", severity="low", host="h st", at=0, text="x\x1b[31m\n")
    assert line == (
        b'<109>1 1970-01-01T00:00:00Z h-st lockgate - r [lockgate@32473 alert="a\\"\\]\\\\" rule="r" account="-"'
        b' severity="low"] \xef\xbb\xbfx [31m '
    )


async def test_targets_are_sealed_and_bound_to_their_route(room):
    first = await route(room, "email", {"email": "ops@shop.example"})
    second = await route(room, "email", {"email": "other@shop.example"})
    rows = await room.gateway.fetch("select id, sealed from alert_route")
    assert all(b"shop.example" not in row["sealed"] for row in rows)
    swapped = {row["id"]: row["sealed"] for row in rows}
    await room.gateway.execute(
        "update alert_route set sealed = $2 where id = $1 and account = account", first, swapped[second]
    )
    await leak(room)
    await work(room)
    assert [one.to for one in await letters(room.gateway, room.box)] == ["other@shop.example"]
    assert await room.gateway.fetchval("select outcome from alert_delivery where route = $1", first) == "altered"
