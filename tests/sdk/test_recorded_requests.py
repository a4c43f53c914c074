"""Requests that the official SDKs' own suites send: each whose operation exists is accepted, or refused by the book."""

import collections
import http.client
import json
import re
import ssl
import time
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
import stripe

from tests.support.running import Running

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "dialect"
FILES = ("requests_python_sdk.jsonl", "requests_node_sdk.jsonl")
BODY_CUT = 300

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the recorded requests are not beside this checkout")

# Refusals that the dialect documents, by which a request of these suites may rightly be turned down.
DOCUMENTED = {
    "parameter_unknown", "parameter_unsupported", "parameter_missing", "parameter_invalid_integer",
    "parameter_invalid_empty", "parameters_exclusive", "payment_intent_unexpected_state",
    "setup_intent_unexpected_state", "charge_already_captured", "charge_already_refunded", "expired_card",
    "invalid_expiry_year", "resource_already_exists", "account_invalid",
}


class Maker:
    """Makes, for one recorded request, objects in the state that the request expects."""

    def __init__(self, client: stripe.StripeClient, account: str) -> None:
        self.client = client.v1
        self.account = account

    def intent(self, path: str) -> str:
        params: dict[str, Any] = {"amount": 2000, "currency": "usd"}
        if path.endswith("/capture"):
            params |= {"payment_method": "pm_card_visa", "capture_method": "manual", "confirm": True}
        elif path.endswith("/confirm"):
            params |= {"payment_method": "pm_card_visa"}
        return self.client.payment_intents.create(params).id  # type: ignore[arg-type]

    def charge(self, _: str) -> str:
        params = {"amount": 2000, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
        return str(self.client.payment_intents.create(params).latest_charge)  # type: ignore[arg-type]

    def customer(self, _: str) -> str:
        return self.client.customers.create().id

    def method(self, path: str) -> str:
        card = {"number": "4242424242424242", "exp_month": 8, "exp_year": time.gmtime().tm_year + 3, "cvc": "314"}
        made = self.client.payment_methods.create({"type": "card", "card": card})  # type: ignore[typeddict-item]
        if not path.endswith("/attach"):
            self.client.payment_methods.attach(made.id, {"customer": self.customer(path)})
        return made.id

    def refund(self, path: str) -> str:
        return self.client.refunds.create({"charge": self.charge(path), "amount": 100}).id

    def setup(self, _: str) -> str:
        return self.client.setup_intents.create({"payment_method_types": ["card"]}).id

    def endpoint(self, _: str) -> str:
        return self.client.webhook_endpoints.create({"url": "https://example.com/hook", "enabled_events": ["*"]}).id

    def event(self, _: str) -> str:
        return self.client.events.list({"limit": 1}).data[0].id

    def transaction(self, path: str) -> str:
        return str(self.client.charges.retrieve(self.charge(path)).balance_transaction)

    def replace(self, text: str, path: str) -> str:
        makers = {
            "pi": self.intent, "ch": self.charge, "cus": self.customer, "pm": self.method, "re": self.refund,
            "fr": self.refund,
            "seti": self.setup, "we": self.endpoint, "evt": self.event, "txn": self.transaction,
            "acct": lambda _: self.account,
        }
        made: dict[str, str] = {}

        def fixture(match: re.Match[str]) -> str:
            name = match[0]
            if name.startswith("pm_card_"):
                return name
            if name not in made:
                made[name] = makers[match[1]](path)
            return made[name]

        return re.sub(r"\b(pi|ch|cus|pm|re|fr|seti|we|evt|txn|acct)_[A-Za-z0-9_]+", fixture, text)


def recorded() -> list[tuple[str, str, str, str]]:
    seen = {}
    for name in FILES:
        for line in (DATA / name).read_text().splitlines():
            method, path, query, body, _ = json.loads(line)
            if len(body) < BODY_CUT:  # a body cut in the middle is not a request that anybody sent
                seen[method, path, query, body] = None
    return list(seen)


def send(lockgate: Running, method: str, path: str, query: str, body: str) -> tuple[int, dict[str, Any]]:
    parts = urllib.parse.urlsplit(lockgate["api"])
    context = ssl.create_default_context(cafile=lockgate["ca_file"])
    connection = http.client.HTTPSConnection(parts.hostname or "", parts.port, context=context, timeout=60)
    headers = {"Authorization": f"Bearer {lockgate['secret_key']}"}
    if method == "POST":
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    connection.request(method, path + (f"?{query}" if query else ""), body or None, headers)
    answer = connection.getresponse()
    value = json.loads(answer.read())
    connection.close()
    return answer.status, value


def test_each_recorded_request_is_accepted_or_refused_by_the_book(
    lockgate: Running, client: stripe.StripeClient, capsys: pytest.CaptureFixture[str]
) -> None:
    _, document = send(lockgate, "GET", "/openapi.json", "", "")
    routes = [
        (method.upper(), re.compile(re.sub(r"\{[^}]+\}", "[^/]+", path) + r"\Z"))
        for path, methods in document["paths"].items()
        for method in methods
    ]
    maker = Maker(client, lockgate["account"])
    tally: collections.Counter[str] = collections.Counter()
    wrong = []
    for method, path, query, body in recorded():
        if not any(m == method and pattern.match(path) for m, pattern in routes):
            tally["no such operation here"] += 1
            continue
        if re.match(r"/v1/(customers|payment_methods|payment_intents|charges)/search\Z", path):
            tally["no such operation here"] += 1
            continue
        real_path = maker.replace(path, path)
        status, answer = send(
            lockgate, method, real_path, maker.replace(query, path), maker.replace(body, path)
        )
        code = answer.get("error", {}).get("code") if status >= 400 else None
        if status == 200:
            tally["accepted"] += 1
        elif status in (400, 402) and code in DOCUMENTED:
            tally[f"refused: {code}"] += 1
        else:
            wrong.append((method, real_path, query, body, status, answer.get("error")))
    with capsys.disabled():
        print("\nrecorded requests:", dict(tally.most_common()))
    assert not wrong, wrong[:10]
    assert tally["accepted"] > 50
