"""Verdicts at a whole Lockgate that enforces its limits in test mode: blocked, limited, held, taken, let go."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from tests.gateway.payments.whole import RETURN_URL, Shop, raw
from tests.gateway.risk.enforced import start_enforced
from tests.support.door import Client
from tests.support.running import Running, discard


@pytest.fixture(scope="module")
def enforced() -> Iterator[Running]:
    running = start_enforced()
    for _ in range(3):  # whatever a fresh process reads first is late for its first payment
        client = Client(running["api"], running["ca_file"], running["secret_key"])
        with suppress(Late):
            pay(Shop(client, client, running["ca_file"]), "4242424242424242", 100)
        client.close()
    yield running
    discard(running)


@pytest.fixture
def shop(enforced: Running) -> Iterator[Shop]:
    keys = enforced["secret_key"], enforced["publishable_key"]
    server, browser = (Client(enforced["api"], enforced["ca_file"], key) for key in keys)
    yield Shop(server, browser, enforced["ca_file"])
    server.close()
    browser.close()


class Late(Exception):
    """The machine was too busy to judge a payment in time, which was held because of that."""


def calmly(scenario: Callable[[str], None], *numbers: str) -> None:
    """Run ``scenario`` with a card of ``numbers``; with another one where the machine was too busy."""
    for number in numbers[:-1]:
        with suppress(Late):
            scenario(number)
            return
    scenario(numbers[-1])


def pay(shop: Shop, number: str, amount: int, **more: Any) -> dict[str, Any]:
    body = {"amount": amount, "currency": "usd", "confirm": "true", "return_url": RETURN_URL, **raw(number), **more}
    made = shop.server.post("/v1/payment_intents", body).json
    check_judged(shop, made)
    return made


def check_judged(shop: Shop, made: dict[str, Any]) -> None:
    """Late, if a payment is held for no other reason than that."""
    if made.get("review"):
        (decision,) = shop.server.get("/v1/risk/decisions", {"charge": made["latest_charge"]}).json["data"]
        if decision["faults"]:
            raise Late


def test_a_blocked_address_is_refused_at_once_and_in_no_other_words(shop: Shop) -> None:
    made = shop.server.post(
        "/v1/radar/value_lists", {"alias": "blocked_addresses", "name": "Blocked", "item_type": "ip_address"}
    ).json
    shop.server.post("/v1/radar/value_list_items", {"value_list": made["id"], "value": "203.0.113.64/27"})
    answers: list[dict[str, Any]] = []
    calmly(partial(tried, shop, answers, "203.0.113.77", "blocked"), *["4242424242424242"] * 4)
    calmly(partial(tried, shop, answers, "198.51.100.4", "issuer_declined"), *["4000000000000002"] * 4)
    assert answers[0] == answers[1] and answers[0]["message"] == "Your card was declined."


def tried(shop: Shop, answers: list[dict[str, Any]], address: str, outcome: str, number: str) -> None:
    """A shopper's browser tries to pay, and is refused."""
    intent = shop.intent()
    reply = shop.browser.post(
        f"/v1/payment_intents/{intent['id']}/confirm",
        {**raw(number), "client_secret": intent["client_secret"], "return_url": RETURN_URL},
        headers={"X-Forwarded-For": address},
    )
    check_judged(shop, shop.read(intent))
    assert reply.status == 402
    answers.append({name: reply.error.get(name) for name in ("type", "code", "decline_code", "message", "param")})
    assert shop.charge(shop.read(intent)["latest_charge"])["outcome"]["type"] == outcome


def test_an_hours_limit_holds_to_the_cent(shop: Shop) -> None:
    calmly(partial(limited, shop), "4000000400000008", "4000002500000003", "4000002760000016", "4000003720000005")


def limited(shop: Shop, number: str) -> None:
    assert pay(shop, number, 499_950)["status"] == "succeeded"
    assert pay(shop, number, 50)["status"] == "succeeded", "5,000.00 passes"
    over = pay(shop, number, 50)
    assert over["status"] == "requires_capture" and over["review"], "5,000.50 is looked at"
    charge = shop.charge(over["latest_charge"])
    assert (charge["captured"], charge["outcome"]["type"]) == (False, "manual_review")
    assert charge["outcome"]["rule"] == "builtin.hourly_limit_card"
    (listed,) = [one for one in shop.server.get("/v1/reviews").json["data"] if one["id"] == over["review"]]
    assert (listed["open"], listed["reason"], listed["charge"]) == (True, "rule", charge["id"])
    approved = shop.server.post(f"/v1/reviews/{over['review']}/approve").json
    assert (approved["open"], approved["reason"]) == (False, "approved")
    assert shop.read(over)["status"] == "succeeded" and shop.charge(charge["id"])["captured"]
    other = pay(shop, number, 50)
    refused = shop.server.post(f"/v1/reviews/{other['review']}/refuse").json
    assert (refused["open"], refused["reason"]) == (False, "refunded_as_fraud")
    assert shop.read(other)["status"] == "canceled"


def test_many_at_once_cannot_pass_a_limit_together(enforced: Running, shop: Shop) -> None:
    def one(_: int) -> str:
        client = Client(enforced["api"], enforced["ca_file"], enforced["secret_key"])
        try:
            return pay(Shop(client, shop.browser, shop.ca_file), "4000000560000004", 100_000)["status"]
        except Late:
            return "late"
        finally:
            client.close()

    with ThreadPoolExecutor(10) as threads:
        statuses = list(threads.map(one, range(10)))
    assert statuses.count("succeeded") <= 5, statuses
    assert statuses.count("succeeded") == 5 or "late" in statuses, statuses


def test_a_decline_gives_its_amount_back_to_the_limit(shop: Shop) -> None:
    calmly(partial(given_back, shop), "4000002080000001", "4000002460000001", "4000006160000005", "4000006200000007")


def given_back(shop: Shop, number: str) -> None:
    customer = shop.customer()
    declined = pay(shop, "4000000000000002", 499_000, customer=customer)
    assert declined["error"]["code"] == "card_declined"
    assert pay(shop, number, 499_000, customer=customer)["status"] == "succeeded"
    assert pay(shop, number, 2_000, customer=customer)["status"] == "requires_capture"


def test_everything_still_holds(enforced: Running) -> None:
    assert "I12" in enforced.command("verify").stdout
