"""A whole Lockgate with its simulator: disputes raised, told, answered, won, lost and timed out, then all verified."""

import json
import random
import ssl
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.door import Client
from tests.support.running import Running, discard, start_lockgate

DISPUTED, INQUIRED, WARNED = "4000000000000259", "4000000000001976", "4000000000005423"
DAY_S = 86_400
WITHIN_S = 20


@pytest.fixture(scope="module")
def lockgate() -> Iterator[Running]:
    running = start_lockgate()
    yield running
    discard(running)


class Shop:
    """The merchant, and a hand on the simulator."""

    def __init__(self, running: Running) -> None:
        self.running = running
        self.client = Client(running["api"], running["ca_file"], running["secret_key"])
        self.account = running["account"]

    def pay(self, number: str, amount: int = 2000) -> dict[str, Any]:
        card = {"type": "card", "card[number]": number, "card[exp_month]": 12, "card[exp_year]": 2040, "card[cvc]": 123}
        method = self.post("/v1/payment_methods", card)
        return self.post(
            "/v1/payment_intents",
            {
                "amount": amount, "currency": "usd", "confirm": "true", "payment_method": method["id"],
                "return_url": "https://shop.test/", "expand[]": "latest_charge",
            },
        )

    def get(self, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        reply = self.client.get(path, params)
        assert reply.status == 200, reply.text
        return reply.json

    def post(self, path: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        reply = self.client.post(path, params)
        assert reply.status == 200, reply.text
        return reply.json

    def first(self, path: str, intent: str) -> dict[str, Any]:
        """The one object of a list that is about ``intent``, once it is there."""
        return until(lambda: self.get(path, {"payment_intent": intent})["data"])[0]

    def disputed(self, number: str = DISPUTED) -> dict[str, Any]:
        return self.first("/v1/disputes", self.pay(number)["id"])

    def becomes(self, dispute: str, status: str) -> dict[str, Any]:
        def there() -> dict[str, Any] | None:
            found = self.get(f"/v1/disputes/{dispute}")
            return found if found["status"] == status else None

        return until(there)

    def events(self, about: str) -> list[str]:
        page = self.get("/v1/events", {"related_object": about, "limit": 100})
        return sorted(event["type"] for event in page["data"])

    def admin(self, path: str, body: Any = None, *, method: str = "POST") -> dict[str, Any]:
        """One order to the simulator."""
        request = urllib.request.Request(
            self.running["simulator"] + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"authorization": f"Bearer {self.running.secrets('simulator')['admin_token']}"},
        )
        context = ssl.create_default_context(cafile=self.running["ca_file"])
        with urllib.request.urlopen(request, timeout=30, context=context) as answer:
            return json.load(answer)

    def tell(self, reference: str, **more: Any) -> dict[str, Any]:
        order = {"account": f"{self.account}:test", "kind": "dispute", "reference": reference, **more}
        return self.admin("/admin/notifications", order)

    def reference(self) -> str:
        """What the simulator calls the dispute that it raised last."""
        lines = (self.running.home / "simulator" / "journal.jsonl").read_bytes().split(b"\n")[:-1]
        return next(e["id"] for e in map(json.loads, reversed(lines)) if e["kind"] == "dispute")


def until(look: Callable[[], Any]) -> Any:
    end = time.monotonic() + WITHIN_S
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"nothing came within {WITHIN_S} s")


@pytest.fixture
def shop(lockgate: Running) -> Iterator[Shop]:
    opened = Shop(lockgate)
    yield opened
    opened.client.close()


def test_evidence_that_wins_brings_the_money_back(shop: Shop) -> None:
    before = shop.get("/v1/balance")["pending"][0]["amount"]
    dispute = shop.disputed()
    assert dispute["status"] == "needs_response" and dispute["reason"] == "fraudulent"
    assert [moved["net"] for moved in dispute["balance_transactions"]] == [-3500]
    paid = 2000 - shop.get(f"/v1/charges/{dispute['charge']}", {"expand[]": "balance_transaction"})[
        "balance_transaction"
    ]["fee"]
    assert shop.get("/v1/balance")["pending"][0]["amount"] == before + paid - 3500
    refund = shop.client.post("/v1/refunds", {"charge": dispute["charge"]})
    assert refund.status == 400 and refund.error["code"] == "charge_disputed"
    sent = shop.post(
        f"/v1/disputes/{dispute['id']}",
        {"evidence[uncategorized_text]": "winning_evidence", "expand[]": "charge"},
    )
    assert sent["status"] == "under_review" and sent["charge"]["disputed"] is True
    won = shop.becomes(dispute["id"], "won")
    assert [moved["net"] for moved in won["balance_transactions"]] == [-3500, 2000]
    assert shop.get("/v1/balance")["pending"][0]["amount"] == before + paid - 1500
    listed = shop.get(
        "/v1/balance_transactions", {"source": dispute["id"], "expand[]": "data.source", "type": "adjustment"}
    )
    assert {moved["source"]["id"] for moved in listed["data"]} == {dispute["id"]} and len(listed["data"]) == 2
    assert shop.events(dispute["id"]) == [
        "charge.dispute.closed", "charge.dispute.created", "charge.dispute.funds_reinstated",
        "charge.dispute.funds_withdrawn", "charge.dispute.updated",
    ]


def test_evidence_that_loses_leaves_the_money_gone(shop: Shop) -> None:
    dispute = shop.disputed()
    shop.post(f"/v1/disputes/{dispute['id']}", {"evidence[uncategorized_text]": "losing_evidence"})
    lost = shop.becomes(dispute["id"], "lost")
    assert [moved["net"] for moved in lost["balance_transactions"]] == [-3500]
    assert "charge.dispute.funds_reinstated" not in shop.events(dispute["id"])


def test_an_inquiry_can_be_answered_escalate_or_be_refunded(shop: Shop) -> None:
    answered = shop.disputed(INQUIRED)
    assert answered["status"] == "warning_needs_response" and answered["is_charge_refundable"]
    assert answered["balance_transactions"] == []
    shop.post(f"/v1/disputes/{answered['id']}", {"evidence[uncategorized_text]": "winning_evidence"})
    shop.becomes(answered["id"], "warning_closed")
    escalated = shop.disputed(INQUIRED)
    shop.post(f"/v1/disputes/{escalated['id']}", {"evidence[uncategorized_text]": "escalate_inquiry_evidence"})
    became = shop.becomes(escalated["id"], "needs_response")
    assert [moved["net"] for moved in became["balance_transactions"]] == [-3500]
    assert became["evidence_details"]["due_by"] > time.time()
    given_up = shop.post(f"/v1/disputes/{escalated['id']}/close")
    assert given_up["status"] == "lost"
    refunded = shop.disputed(INQUIRED)
    assert shop.post("/v1/refunds", {"charge": refunded["charge"]})["status"] == "succeeded"
    assert not shop.get(f"/v1/disputes/{refunded['id']}")["is_charge_refundable"]


def test_a_warning_is_told_and_ends_with_its_refund(shop: Shop) -> None:
    warning = shop.first("/v1/radar/early_fraud_warnings", shop.pay(WARNED)["id"])
    assert warning["actionable"]
    shop.post("/v1/refunds", {"charge": warning["charge"]})
    assert not shop.get(f"/v1/radar/early_fraud_warnings/{warning['id']}")["actionable"]
    until(lambda: "radar.early_fraud_warning.updated" in shop.events(warning["id"]))


def test_copies_delays_disorder_and_forgeries_do_no_harm(shop: Shop) -> None:
    dispute = shop.disputed()
    reference = shop.reference()
    shop.admin("/admin/faults", [
        {"fault": "duplicate_notification", "times": 30, "match": {"kind": "dispute"}},
        {"fault": "reorder_notifications", "times": 30, "match": {"kind": "dispute"}, "delay_ms": 500},
        {"fault": "late_notification", "times": 30, "match": {"kind": "dispute"}, "delay_ms": 300},
    ])
    for _ in range(100):
        shop.tell(reference)
    how = ["unsigned", "wrong_key", "altered", "stale", "early", "twice_signed", "garbage"]
    random.Random(3).shuffle(how)
    assert {shop.tell(reference, forged=one)["status"] for one in how} <= {400, 401, 429}
    shop.post(f"/v1/disputes/{dispute['id']}", {"evidence[uncategorized_text]": "winning_evidence"})
    shop.becomes(dispute["id"], "won")
    time.sleep(2)
    counted = Counter(shop.events(dispute["id"]))
    assert set(counted.values()) == {1} and counted["charge.dispute.closed"] == 1
    assert len(shop.get("/v1/disputes", {"charge": dispute["charge"]})["data"]) == 1
    shop.admin("/admin/faults", method="DELETE")


def test_a_lost_answer_is_found_by_recovery(shop: Shop) -> None:
    dispute = shop.disputed()
    shop.admin("/admin/faults", [{"fault": "reset_after", "times": 1, "match": {"path": "/disputes/evidence"}}])
    body = {"evidence[uncategorized_text]": "losing_evidence"}
    sent = shop.post(f"/v1/disputes/{dispute['id']}", body)
    assert sent["evidence_details"]["has_evidence"]
    lost = shop.becomes(dispute["id"], "lost")
    counted = until(
        lambda: (found := shop.get(f"/v1/disputes/{dispute['id']}"))["evidence_details"]["submission_count"] and found
    )
    assert counted["evidence_details"]["submission_count"] == 1 and lost["status"] == "lost"


def test_a_deadline_passes_by_the_accounts_clock(shop: Shop) -> None:
    silent, reviewed = shop.disputed(), shop.disputed()
    shop.post(f"/v1/disputes/{reviewed['id']}", {"evidence[uncategorized_text]": "a letter"})
    shop.post("/v1/test_helpers/clock/advance", {"seconds": 10 * DAY_S})
    assert shop.get(f"/v1/disputes/{silent['id']}")["status"] == "lost"
    late = shop.client.post(f"/v1/disputes/{silent['id']}", {"evidence[uncategorized_text]": "too late"})
    assert late.status == 400 and "already closed" in late.error["message"]
    assert shop.get(f"/v1/disputes/{reviewed['id']}")["status"] == "under_review"
    shop.post("/v1/test_helpers/clock/advance", {"seconds": 51 * DAY_S})
    assert shop.get(f"/v1/disputes/{reviewed['id']}")["status"] == "lost"


def test_after_all_of_it_the_books_agree_with_the_journal(lockgate: Running) -> None:
    def sound() -> bool:
        return lockgate.command("verify", check=False).returncode == 0

    until(sound)
