"""A whole Lockgate: an engine that it asks over HTTP, and a table of rates that it takes up while it runs."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from typer.testing import CliRunner

from lockgate.cli.risk_tables import app
from tests.support.door import Client
from tests.support.running import discard, start_lockgate

DECISIONS = {66_00: "block", 67_00: "review", 68_00: "allow"}


class ThirdParty(BaseHTTPRequestHandler):
    """Decides by the amount; answers nonsense to 69.00."""

    seen: ClassVar[list[dict[str, Any]]] = []
    doubted: ClassVar[set[str]] = set()

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append(asked)
        amount = asked.get("amount")
        said = {"id": asked["id"]} if asked["stage"] == "after" else {"id": asked["id"], "score": 42}
        if asked["stage"] == "after" and asked["attempt"] in self.doubted:
            said["review"] = True
        if amount == 70_00:
            self.doubted.add(asked["attempt"])
        if amount in DECISIONS:
            said["decision"] = DECISIONS[amount]
        body = b"oh" if amount == 69_00 else json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def third_party():
    server = ThreadingHTTPServer(("127.0.0.1", 0), ThirdParty)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/judge"
    server.shutdown()


@pytest.fixture(scope="module")
def running():
    started = start_lockgate(options=("--allow-private-webhooks",))
    yield started
    discard(started)


@pytest.fixture(scope="module")
def shop(running):
    return Client(running["api"], running["ca_file"], running["secret_key"])


def pay(shop, amount, currency="usd"):
    """The charge, and the decision on it."""
    said = shop.post("/v1/payment_intents", {
        "amount": amount, "currency": currency, "confirm": "true", "payment_method": "pm_card_visa",
        "payment_method_types[]": "card",
    })  # fmt: skip
    intent = said.json.get("id") or said.error["payment_intent"]["id"]
    [charge] = shop.get("/v1/charges", {"payment_intent": intent}).json["data"]
    [decision] = shop.get("/v1/risk/decisions", {"payment_intent": intent}).json["data"]
    return charge, decision


def soon(condition):
    end = time.monotonic() + 20
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
    return found


def test_an_engine_is_asked_before_and_told_after(shop, third_party):
    made = shop.post("/v1/risk/engines", {
        "name": "Third", "url": third_party, "timeout_ms": 3000, "stages[0]": "before", "stages[1]": "after",
    })  # fmt: skip
    assert made.status == 200, made.text
    charge, decision = soon(lambda: (found := pay(shop, 66_00))[1]["verdict"] == "block" and found)
    assert charge["outcome"]["type"] == "blocked" and charge["status"] == "failed"
    assert decision["rule"] == made.json["id"] and decision["attributes"]["engine_decision"] == "block"
    charge, decision = pay(shop, 67_00)
    assert decision["verdict"] == "review" and not charge["captured"]
    charge, decision = pay(shop, 68_00)
    assert decision["verdict"] == "allow" and charge["captured"] and decision["attributes"]["engine_score"] == 42
    charge, decision = pay(shop, 69_00)
    assert decision["verdict"] == "review" and decision["engines"][0]["fault"] == "answer_unreadable"
    assert "engine_score" not in decision["attributes"]
    told = soon(lambda: [one for one in ThirdParty.seen if one["stage"] == "after" and one["state"] == "approved"])
    assert {one["stage"] for one in ThirdParty.seen} == {"before", "after"} and told[0]["attempt"]
    charge, decision = pay(shop, 70_00)
    assert decision["verdict"] == "allow" and charge["captured"], "taken, and doubted afterwards"
    id_ = charge["id"]
    review = soon(lambda: shop.get(f"/v1/charges/{id_}").json["review"])
    shown = shop.get(f"/v1/reviews/{review}").json
    assert (shown["charge"], shown["open"]) == (id_, True)
    assert shop.get(f"/v1/payment_intents/{charge['payment_intent']}").json["review"] == review
    assert shop.post(f"/v1/reviews/{review}/approve").json["closed_reason"] == "approved"
    asked = next(one for one in ThirdParty.seen if one["stage"] == "before")
    assert asked["card"]["bin"] == "424242" and "4242424242424242" not in json.dumps(ThirdParty.seen)
    refused = shop.post(f"/v1/risk/engines/{made.json['id']}", {"enabled": "false"})
    assert (refused.status, refused.error["code"]) == (403, "person_required"), "a stolen key cannot switch it off"


def test_imported_rates_are_felt_without_a_restart(shop, running):
    file = running.ready_file.parent / "rates.csv"
    file.write_text("currency,usd\neur,0.5\n")
    words = ["import", "rates", str(file), "--date", "2026-06-25", "--home", str(running.home)]
    found = CliRunner().invoke(app, words)
    assert found.exit_code == 0 and "rates version 1: 2 rows of 2026-06-25" in found.stdout, found.exception
    soon(lambda: pay(shop, 10_00, "eur")[1]["attributes"]["amount"] == 20_00)
    listed = CliRunner().invoke(app, ["list", "--home", str(running.home)]).stdout
    assert "rates  version 1  2026-06-25" in listed and "DB-IP" in listed
