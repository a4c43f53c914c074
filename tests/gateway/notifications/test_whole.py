"""A whole Lockgate to which no notification ever comes: what the processor began is learnt all the same."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.faults.outside import journal, simulator_of, superuser
from tests.support.door import Client
from tests.support.running import Running, discard, start_lockgate

DISPUTED, WARNED, REFUND_FAILS, AT_ONCE = "4000000000000259", "4000000000005423", "4000000000005126", "4000000000000077"
DAY_S = 86_400
WITHIN_S = 100  # a minute, the job's own rhythm, and a slow machine


@pytest.fixture(scope="module")
def lockgate() -> Iterator[Running]:
    running = start_lockgate()
    asyncio.run(drop_all(running))
    yield running
    discard(running)


async def drop_all(running: Running) -> None:
    async with simulator_of(running) as simulator:
        await simulator.order("drop_notification", times=1_000)


class Shop:
    """A merchant's server."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.client = Client(running["api"], running["ca_file"], running["secret_key"])

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        reply = self.client.get(path, params)
        assert reply.status == 200, reply.text
        return reply.json

    def post(self, path: str, **params: Any) -> dict[str, Any]:
        reply = self.client.post(path, params)
        assert reply.status == 200, reply.text
        return reply.json

    def pay(self, number: str, amount: int = 2000) -> str:
        card = {"type": "card", "card[number]": number, "card[exp_month]": 12, "card[exp_year]": 2040, "card[cvc]": 123}
        method = self.post("/v1/payment_methods", **card)["id"]
        return self.post(
            "/v1/payment_intents", amount=amount, currency="usd", confirm="true", payment_method=method,
            return_url="https://shop.test/",
        )["id"]  # fmt: skip

    def events(self, about: str) -> list[str]:
        return [event["type"] for event in self.get("/v1/events", related_object=about, limit=100)["data"]]

    def fate(self) -> set[str]:
        """What became of the notices that the simulator had."""
        return {entry["status"] for entry in journal(self.running) if entry["kind"] == "notified"}


def until(look: Callable[[], Any]) -> Any:
    end = time.monotonic() + WITHIN_S
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.2)
    raise AssertionError(f"nothing came within {WITHIN_S} s")


@pytest.fixture
def shop(lockgate: Running) -> Iterator[Shop]:
    opened = Shop(lockgate)
    yield opened
    opened.client.close()


def test_a_payout_that_comes_back_is_learnt_as_soon_as_the_clock_has_moved(shop: Shop) -> None:
    shop.pay(AT_ONCE, 50_000)
    payout = shop.post("/v1/payouts", amount=14_333, currency="usd")
    seconds = payout["arrival_date"] - int(time.time()) + 60
    shop.post("/v1/test_helpers/clock/advance", seconds=seconds)
    until(lambda: shop.get(f"/v1/payouts/{payout['id']}")["status"] == "paid")
    shop.post("/v1/test_helpers/clock/advance", seconds=3 * DAY_S)
    until(lambda: shop.get(f"/v1/payouts/{payout['id']}")["status"] == "failed")
    assert shop.get(f"/v1/payouts/{payout['id']}")["failure_code"] == "could_not_process"
    assert shop.events(payout["id"]).count("payout.failed") == 1
    assert shop.fate() == {"dropped"}


def test_what_happened_while_the_gateway_was_down_is_known_when_it_is_back(shop: Shop) -> None:
    disputed, warned, returned = shop.pay(DISPUTED), shop.pay(WARNED), shop.pay(REFUND_FAILS)
    refund = shop.post("/v1/refunds", payment_intent=returned)
    assert refund["status"] == "succeeded"
    gateway = int(shop.running.refresh()["pids"]["gateway"])
    os.kill(gateway, signal.SIGSTOP)
    try:
        until(lambda: asyncio.run(learnt(shop.running)) == 3)
    finally:
        os.kill(gateway, signal.SIGCONT)
    [dispute] = shop.get("/v1/disputes", payment_intent=disputed)["data"]
    assert dispute["status"] == "needs_response" and dispute["reason"] == "fraudulent"
    assert shop.events(dispute["id"]).count("charge.dispute.created") == 1
    [warning] = shop.get("/v1/radar/early_fraud_warnings", payment_intent=warned)["data"]
    assert warning["actionable"] is True
    failed = shop.get(f"/v1/refunds/{refund['id']}")
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert shop.events(refund["id"]).count("refund.failed") == 1
    assert shop.fate() == {"dropped"}
    shop.running.command("verify")


async def learnt(running: Running) -> int:
    """How many messages about disputes, warnings and refunds the worker has worked through."""
    ids = [
        told["id"] for entry in journal(running) for told in entry.get("notices", ()) if told["kind"] != "payout"
    ]
    connection = await superuser(running)
    try:
        done = await connection.fetch(
            "select id from notification where state = 'done' and id = any($1::text[])", ids
        )
        return len(done)
    finally:
        await connection.close()
