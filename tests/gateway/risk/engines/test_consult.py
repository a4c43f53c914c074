"""A payment asks engines that are slow, dead, lying, endless or elsewhere: real sockets, a real database."""

import asyncio
import hmac
import json
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest_asyncio

from lockgate.gateway.risk.engines import store
from lockgate.gateway.risk.engines.consult import Engines
from lockgate.gateway.risk.engines.core.breaker import FAILURES
from lockgate.gateway.risk.engines.ports import Way
from lockgate.gateway.risk.engines.secret import seal
from lockgate.gateway.webhooks.core import sign
from lockgate.gateway.webhooks.deliver import Sender
from lockgate.gateway.webhooks.secrets import new_secret
from tests.gateway.customers.desk import ACCOUNT, MemoryBox, pool_as
from tests.gateway.risk.engines.test_contract import ENGINE, SUBJECT

ASKED = replace(SUBJECT, account=ACCOUNT)
SECRET = new_secret()


class Receiver:
    """A third party that does whatever ``behave`` does with a request's head and body; keeps what it was sent."""

    def __init__(self, behave):
        self.behave = behave
        self.seen = []
        self.url = ""

    async def _serve(self, reader, writer):
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
            body = await reader.readexactly(int(headers["content-length"]))
            self.seen.append((headers, body))
            await self.behave(writer, json.loads(body))
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    @asynccontextmanager
    async def open(self):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/score"
        try:
            yield self
        finally:
            server.close()


def answering(status="200 OK", headers="", **fields):
    async def behave(writer, asked):
        body = json.dumps({"id": asked["id"], **fields}).encode()
        writer.write(f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    return behave


@pytest_asyncio.fixture
async def pool(database):
    async with pool_as(database, "gateway") as opened:
        yield opened


class Desk:
    """Engines of one account, and the asking of them."""

    def __init__(self, pool, *, allow_private=True):
        self.pool, self.box = pool, MemoryBox()
        sender = Sender(allow_private=allow_private)
        self.engines = Engines(Way(pool, self.box, sender.send, sign.headers))

    async def add(self, url, **changed):
        number = changed.pop("number", 1)
        row = replace(ENGINE, account=ACCOUNT, id=f"reng_{number}", url=url, timeout_ms=300, **changed)
        row = replace(row, sealed=await seal(self.box, ACCOUNT, row.id, secret=SECRET))
        async with self.pool.acquire() as connection:
            assert await store.put(connection, row)
        return row

    async def ask(self):
        return await self.engines.consult(ASKED, {"amount": 2100}, hashes={"card": "ab"})

    async def fault(self):
        return (await self.ask()).told[0]["fault"]


async def test_nobody_is_asked_where_nobody_is_set_up(pool):
    desk = Desk(pool)
    assert (await desk.ask()).told == ()
    await desk.add("http://127.0.0.1:1/", stages=("after",))
    assert (await Desk(pool).ask()).told == ()


async def test_an_answer_counts_and_the_question_is_signed(pool):
    async with Receiver(answering(score=91, decision="review")).open() as receiver:
        desk = Desk(pool)
        await desk.add(receiver.url)
        found = await desk.ask()
    assert found.attributes == {"engine_score": 91.0, "engine_decision": "review"}
    assert [(hit.id, hit.action, hit.source) for hit in found.hits] == [("reng_1", "review", "engine")]
    [(headers, body)] = receiver.seen
    stamp, signature = (part.partition("=")[2] for part in headers["stripe-signature"].split(","))
    assert hmac.digest(SECRET.encode(), f"{stamp}.".encode() + body, "sha256").hex() == signature
    assert json.loads(body)["attributes"] == {"amount": 2100} and b"ann@example.com" not in body


async def test_whoever_does_not_answer_as_agreed_is_a_fault_in_time(pool):
    async def slow(writer, asked):
        await asyncio.sleep(5)

    async def drip(writer, asked):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(50):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.1)

    async def huge(writer, asked):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(10_000):
            writer.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
            await writer.drain()

    async def hang_up(writer, asked):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{")

    for number, (behave, fault) in enumerate((
        (slow, "timeout"), (drip, "timeout"), (huge, "answer_too_long"), (hang_up, "no_answer"),
        (answering("302 Found", "Location: http://127.0.0.1:1/\r\n", score=1), "redirected"),
        (answering("500 Oh", score=1), "refused"), (answering(score=1, id="rask_other"), "answer_another_question"),
        (answering(score=1000), "answer_score"), (answering(), "answer_nothing"),
    )):  # fmt: skip
        async with Receiver(behave).open() as receiver:
            desk = Desk(pool)
            row = await desk.add(receiver.url, number=number)
            began = asyncio.get_running_loop().time()
            found = await desk.ask()
            assert asyncio.get_running_loop().time() - began < 4, fault
            async with pool.acquire() as connection:
                await store.put(connection, replace(row, version=2), deleted=True)
        assert [told["fault"] for told in found.told] == [fault]
        assert found.attributes == {} and [hit.action for hit in found.hits] == ["review"]


async def test_private_addresses_are_not_asked_in_production(pool):
    async with Receiver(answering(score=1)).open() as receiver:
        desk = Desk(pool, allow_private=False)
        await desk.add(receiver.url)
        assert await desk.fault() == "url_refused"
        assert receiver.seen == []


async def test_an_altered_secret_is_a_fault(pool):
    desk = Desk(pool)
    row = await desk.add("http://127.0.0.1:1/")
    async with pool.acquire() as connection:
        await store.put(connection, replace(row, version=2, sealed=row.sealed[:-1] + b"\0"))
    assert await desk.fault() == "altered"


async def test_a_dead_engine_rests_on_record_and_comes_back(pool):
    desk = Desk(pool)
    await desk.add("http://127.0.0.1:1/")
    assert [await desk.fault() for _ in range(FAILURES)] == ["connection_failed"] * FAILURES
    assert await desk.fault() == "resting", "not asked any more, and still judged as its account said"
    for _ in range(100):
        rows = await pool.fetch("select action, object from audit where action like 'risk_engine.%'")
        if rows:
            break
        await asyncio.sleep(0.02)
    assert [tuple(row) for row in rows] == [("risk_engine.failing", "reng_1")]


async def test_engines_are_asked_side_by_side(pool):
    async def late(writer, asked):
        await asyncio.sleep(0.2)
        await answering(score=40, decision="challenge")(writer, asked)

    async with Receiver(late).open() as one, Receiver(late).open() as other:
        desk = Desk(pool)
        await desk.add(one.url, number=1)
        await desk.add(other.url, number=2)
        found = await desk.ask()
    assert len(found.hits) == 2 and found.attributes["engine_decision"] == "challenge"
