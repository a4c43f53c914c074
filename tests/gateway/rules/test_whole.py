"""A whole Lockgate: rules over the API and from the machine, payments that they judge, and proof of every decision."""

import json

import pytest

from tests.support.door import Client
from tests.support.running import discard, start_lockgate


@pytest.fixture(scope="module")
def running():
    started = start_lockgate()
    yield started
    discard(started)


@pytest.fixture(scope="module")
def shop(running):
    return Client(running["api"], running["ca_file"], running["secret_key"])


def pay(shop, amount, **fields):
    """The answer, and the decision on it."""
    said = shop.post("/v1/payment_intents", {
        "amount": amount, "currency": "usd", "confirm": "true", "payment_method": "pm_card_visa",
        "payment_method_types[]": "card", **fields,
    })  # fmt: skip
    intent = said.json.get("id") or said.error["payment_intent"]["id"]
    [decision] = shop.get("/v1/risk/decisions", {"payment_intent": intent}).json["data"]
    return said, decision


def matched(decision, rule):
    return [hit for hit in decision["rules"] if rule in json.dumps(hit)]


def test_rules_judge_payments_and_every_decision_can_be_proven(running, shop):
    def command(*words, check=True):
        return running.command("risk", "rules", *words, check=check)

    _, before = pay(shop, 77_00)
    assert before["verdict"] == "allow"
    tested = shop.post("/v1/risk/backtests", {"rule": "block if :amount: = 77 USD"})
    assert tested.status == 200, tested.json
    assert (tested.json["decisions"]["count"], tested.json["matched"]) == (1, {"count": 1, "amount": 77_00})

    block = shop.post("/v1/risk/rules", {"rule": "block if :amount: = 77 USD and :card_country: = 'us'"}).json
    assert block["rule"] == "block if :amount: = 77 USD and :card_country: = 'US'"
    refused, decision = pay(shop, 77_00)
    assert refused.status == 402 and refused.error["code"] == "card_declined"
    assert (decision["verdict"], decision["rule"]) == ("block", block["id"])

    added = command("add", "flag if :amount: = 78 USD or :email: in @vip", check=False)
    assert added.returncode != 0 and "There is no value list with this alias" in added.stderr + added.stdout
    shadow = command("add", "--shadow", "block if :amount: = 78 USD").stdout.split()[0]
    wrong = command("check", "block if :amunt: > 5 USD", check=False)
    assert wrong.returncode != 0 and ":amount:" in wrong.stderr + wrong.stdout
    while True:  # within a second
        _, decision = pay(shop, 78_00)
        if matched(decision, shadow):
            break
        assert int(decision["ruleset"]) <= 2
    assert decision["verdict"] == "allow"

    command("disable", block["id"])
    shop.post(f"/v1/risk/rules/{shadow}", {"state": "enabled"})
    refused, decision = pay(shop, 78_00)
    assert (refused.status, decision["rule"]) == (402, shadow)
    passed, decision = pay(shop, 77_00)
    assert (passed.status, decision["verdict"]) == (200, "allow")
    allow = shop.post("/v1/risk/rules", {"rule": "allow if :amount: = 78 USD"}).json
    passed, decision = pay(shop, 78_00)
    assert passed.status == 200 and matched(decision, allow["id"]) and matched(decision, shadow)

    listed = command("list").stdout
    assert block["id"] in listed and "disabled" in listed
    assert len(command("versions", shadow).stdout.splitlines()) == 2
    assert "matched" in command("backtest", "block if :amount: > 77.50 USD").stdout
    decisions = len(shop.get("/v1/risk/decisions", {"limit": "100"}).json["data"])
    proof = command("replay").stdout
    assert proof.strip().startswith(f"{decisions} decisions,") and proof.strip().endswith("0 different")
