"""The clock of test mode, on a whole Lockgate: what is due happens when it moves, for its own account alone."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.door import Client, Reply, check
from tests.support.running import Running, discard, start_lockgate

DAY_S = 24 * 3600


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    started = start_lockgate()
    try:
        yield started
    finally:
        discard(started)


def client(running: Running, key: str) -> Client:
    return Client(running["api"], running["ca_file"], key)


def other_account(running: Running) -> Client:
    account = running.command("accounts", "create", "--name", "Other").stdout.split()[0]
    return client(running, running.command("keys", "create", "--account", account).stdout.split()[0])


def pay(shop: Client, **params: Any) -> dict[str, Any]:
    reply = shop.post(
        "/v1/payment_intents",
        {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true", **params},
    )
    check(reply)
    assert reply.status == 200, reply.text
    return reply.json


def advance(shop: Client, seconds: int) -> Reply:
    reply = shop.post("/v1/test_helpers/clock/advance", {"seconds": seconds})
    assert reply.status == 200, reply.text
    return reply


def now(shop: Client) -> int:
    return shop.get("/v1/test_helpers/clock").json["now"]


def test_authorisations_expire_and_money_matures_at_once_and_only_where_time_went_by(running: Running) -> None:
    mine, theirs = client(running, running["secret_key"]), other_account(running)
    held = [pay(shop, capture_method="manual")["id"] for shop in (mine, theirs)]
    for shop in (mine, theirs):
        pay(shop)
        assert shop.get("/v1/balance").json["available"][0]["amount"] == 0
    before = now(mine)
    moved = advance(mine, 8 * DAY_S).json
    assert moved["object"] == "test_helpers.clock"
    assert before + 8 * DAY_S <= moved["now"] <= before + 8 * DAY_S + 60
    mine_now = mine.get(f"/v1/payment_intents/{held[0]}").json
    theirs_now = theirs.get(f"/v1/payment_intents/{held[1]}").json
    assert (mine_now["status"], mine_now["cancellation_reason"]) == ("canceled", "automatic")
    assert mine_now["canceled_at"] >= before + 8 * DAY_S
    assert theirs_now["status"] == "requires_capture"
    assert mine.get("/v1/balance").json["available"][0]["amount"] > 0
    assert theirs.get("/v1/balance").json["available"][0]["amount"] == 0
    assert pay(mine)["created"] >= before + 8 * DAY_S
    assert pay(theirs)["created"] < before + DAY_S


def test_an_idempotency_key_is_free_again_after_a_day(running: Running) -> None:
    shop = client(running, running["secret_key"])
    sent = {"amount": 1000, "currency": "usd"}
    key = {"Idempotency-Key": "free-again"}
    first = shop.post("/v1/payment_intents", sent, headers=key)
    again = shop.post("/v1/payment_intents", sent, headers=key)
    assert again.json["id"] == first.json["id"]
    advance(shop, DAY_S + 60)
    later = shop.post("/v1/payment_intents", sent, headers=key)
    assert later.status == 200
    assert later.json["id"] != first.json["id"]


def test_live_mode_keeps_the_worlds_clock(running: Running) -> None:
    live, test = client(running, running["live_secret_key"]), client(running, running["secret_key"])
    advance(test, 3600)
    reply = live.post("/v1/test_helpers/clock/advance", {"seconds": 60})
    assert (reply.status, reply.error["code"]) == (403, "livemode_mismatch")
    assert abs(now(live) - time.time()) < 60


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({}, "seconds", "parameter_missing"),
        ({"seconds": 0}, "seconds", "parameter_invalid_integer"),
        ({"seconds": 10**12}, "seconds", "parameter_invalid_integer"),
        ({"frozen_time": 1}, "frozen_time", None),
        ({"seconds": 1, "frozen_time": 2}, "frozen_time", "parameters_exclusive"),
        ({"minutes": 1}, "minutes", "parameter_unknown"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    running: Running, params: dict[str, int], param: str, code: str | None
) -> None:
    shop = client(running, running["secret_key"])
    before = shop.get("/v1/test_helpers/clock").json["ahead_seconds"]
    reply = shop.post("/v1/test_helpers/clock/advance", params)
    assert (reply.status, reply.error["param"], reply.error.get("code")) == (400, param, code)
    assert shop.get("/v1/test_helpers/clock").json["ahead_seconds"] == before


def test_a_step_to_a_given_time(running: Running) -> None:
    shop = client(running, running["secret_key"])
    goal = now(shop) + 5000
    reply = shop.post("/v1/test_helpers/clock/advance", {"frozen_time": goal})
    assert (reply.status, reply.json["now"]) == (200, goal)


def test_a_given_time_is_reached_once_however_many_ask_for_it(running: Running) -> None:
    shop = other_account(running)
    key = shop.key
    assert key is not None
    goal = now(shop) + 30 * DAY_S

    def step(_: int) -> int:
        return client(running, key).post("/v1/test_helpers/clock/advance", {"frozen_time": goal}).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(step, range(8)))
    assert 200 in statuses and set(statuses) <= {200, 400, 409}, statuses
    assert goal <= now(shop) < goal + 60


def test_steps_at_the_same_time_all_count_and_a_repeated_one_counts_once(running: Running) -> None:
    shop = other_account(running)
    key = shop.key
    assert key is not None

    def step(number: int) -> int:
        own = client(running, key)
        reply = own.post(
            "/v1/test_helpers/clock/advance", {"seconds": 100}, headers={"Idempotency-Key": f"step-{number % 4}"}
        )
        return reply.status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(step, range(8)))
    assert set(statuses) <= {200, 409}, statuses
    for number in range(4):
        step(number)
    assert shop.get("/v1/test_helpers/clock").json["ahead_seconds"] == 400


def test_a_restart_keeps_the_clock(running: Running) -> None:
    shop = client(running, running["secret_key"])
    ahead = advance(shop, 77).json["ahead_seconds"]
    old = running.kill("gateway")
    running.wait_restarted("gateway", old)
    again = client(running, running["secret_key"])
    assert again.get("/v1/test_helpers/clock").json["ahead_seconds"] == ahead
