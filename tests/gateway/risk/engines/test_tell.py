"""After a payment its engines are told how it ended, until they have heard it; what they say may become a label."""

import json
from dataclasses import replace

import pytest_asyncio

from lockgate.gateway.risk.engines import store
from lockgate.gateway.risk.engines.ports import Telling, Way
from lockgate.gateway.risk.engines.secret import seal
from lockgate.gateway.risk.engines.tell import LEASE_MS, WAITS_MS, Teller
from lockgate.gateway.storage.commit import Committer
from lockgate.gateway.storage.records import RiskEventRow, RiskOutcomeRow
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.webhooks.core import sign
from lockgate.gateway.webhooks.deliver import Sender
from tests.gateway.customers.desk import ACCOUNT, MemoryBox, pool_as
from tests.gateway.risk.engines.test_consult import SECRET, Receiver, answering
from tests.gateway.risk.engines.test_contract import ENGINE


def event(attempt, state="open"):
    return RiskEventRow(
        account=ACCOUNT, livemode=False, attempt=attempt, at_ms=1_000, card=b"c" * 16, customer=None, ip=None,
        device=None, email=None, bin=None, amount=100, state=state,
    )  # fmt: skip


class Office:
    """A worker with a clock of its own, and the gateway's way to write."""

    def __init__(self, gateway, worker):
        self.gateway, self.worker = gateway, worker
        self.box, self.now = MemoryBox(), 1_000_000
        self.committer = Committer(worker)
        way = Way(worker, self.box, Sender(allow_private=True).send, sign.headers)
        self.teller = Teller(Telling(way, self.committer, lambda: self.now, self.raise_review))

    async def add(self, url):
        row = replace(ENGINE, account=ACCOUNT, url=url, stages=("after",), timeout_ms=1000)
        row = replace(row, sealed=await seal(self.box, ACCOUNT, row.id, secret=SECRET))
        async with self.gateway.acquire() as connection:
            assert await store.put(connection, row)

    async def end(self, attempt, state):
        await self.committer.commit(Commit(risk_events=[event(attempt)]))
        await self.committer.commit(Commit(risk_outcomes=[RiskOutcomeRow(ACCOUNT, False, attempt, state)]))

    async def raise_review(self, account, livemode, charge):
        raise AssertionError("nobody asked for a review")

    async def waiting(self):
        return await self.worker.fetchval("select count(*) from risk_engine_notice")


@pytest_asyncio.fixture
async def office(database):
    async with pool_as(database, "gateway") as gateway, pool_as(database, "worker") as worker:
        made = Office(gateway, worker)
        yield made
        await made.committer.close()


async def test_each_outcome_is_told_once_and_a_label_is_kept(office):
    async def judging(writer, asked):
        fields = {"label": "fraud"} if asked["attempt"] == "pa_2" else {}
        await answering(**fields)(writer, asked)

    async with Receiver(judging).open() as receiver:
        await office.end("pa_0", "approved")
        assert await office.waiting() == 0, "nobody wants to be told yet"
        await office.add(receiver.url)
        await office.end("pa_1", "approved")
        await office.end("pa_2", "declined")
        await office.committer.commit(Commit(risk_events=[event("pa_3", "blocked")]))
        assert await office.teller.tell() == 3
        assert await office.teller.tell() == 0 and await office.waiting() == 0
    told = {(said["attempt"], said["state"], said["stage"]) for said in (json.loads(body) for _, body in receiver.seen)}
    assert told == {("pa_1", "approved", "after"), ("pa_2", "declined", "after"), ("pa_3", "blocked", "after")}
    labels = await office.worker.fetch("select attempt, fraud, source from risk_label")
    assert [tuple(row) for row in labels] == [("pa_2", True, "engine")]


async def test_an_engine_that_is_away_is_told_later_and_at_last_no_more(office):
    await office.add("http://127.0.0.1:1/")
    await office.end("pa_1", "approved")
    for wait in WAITS_MS:
        assert await office.teller.tell() == 1
        assert await office.teller.tell() == 0, "not before its time"
        office.now += wait
    assert await office.teller.tell() == 1
    assert await office.waiting() == 0


async def test_whoever_took_it_and_died_leaves_it_to_the_next(office):
    async with Receiver(answering()).open() as receiver:
        await office.add(receiver.url)
        await office.end("pa_1", "approved")
        taken = await store.lease(office.worker, now_ms=office.now, until_ms=office.now + LEASE_MS, most=9)
        assert len(taken) == 1
        assert await office.teller.tell() == 0
        office.now += LEASE_MS
        assert await office.teller.tell() == 1 and await office.waiting() == 0
