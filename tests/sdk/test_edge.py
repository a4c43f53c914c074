"""The edge of a started Lockgate, on the wire: keys, URLs, versions, browsers, retries, restarts, and an app's key."""

import base64
import re
import ssl
import uuid
from collections.abc import Iterator
from http.client import HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support.door import Client
from tests.support.running import Running, discard, start_lockgate

VERSION = {"Stripe-Version": "2026-08-26.dahlia"}


@pytest.fixture
def client(lockgate: Running) -> Client:
    return Client(lockgate["api"], lockgate["ca_file"], lockgate["secret_key"])


@pytest.fixture
def anybody(lockgate: Running) -> Client:
    return Client(lockgate["api"], lockgate["ca_file"])


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("sk_test_abcdefghijklmnop1234", "sk_test_" + "*" * 16 + "1234"),
        ("sk_test_short", "sk_test_*****"),
        ("nonsense", "********"),
    ],
)
def test_a_wrong_key_is_shown_masked(lockgate: Running, key: str, shown: str) -> None:
    reply = Client(lockgate["api"], lockgate["ca_file"], key).get("/v1/customers")
    assert (reply.status, reply.error["type"]) == (401, "invalid_request_error")
    assert reply.error["message"] == f"Invalid API Key provided: {shown}"


def test_basic_authentication(lockgate: Running, anybody: Client) -> None:
    def asked(user: str, password: str) -> int:
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        return anybody.get("/v1/account", headers={"Authorization": f"Basic {token}"}).status

    assert asked(lockgate["secret_key"], "") == 200
    assert asked(lockgate["secret_key"], "x") == 401


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_an_unknown_url_is_named_in_json(client: Client, method: str) -> None:
    reply = client.request(method, "/v1/nothing/123456789/here")
    assert (reply.status, reply.error["type"]) == (404, "invalid_request_error")
    assert reply.error["message"].startswith(f"Unrecognized request URL ({method}: /v1/nothing/#/here).")


def test_methods_that_a_path_lacks(client: Client) -> None:
    for method in ("PUT", "PATCH"):
        reply = client.request(method, "/v1/customers")
        assert reply.status == 405
        assert reply.headers["allow"] == "POST, GET"


def test_a_head_is_answered_without_a_body(lockgate: Running) -> None:
    parts = urlsplit(lockgate["api"])
    context = ssl.create_default_context(cafile=lockgate["ca_file"])
    connection = HTTPSConnection(parts.hostname or "", parts.port, context=context, timeout=10)
    try:
        connection.request("HEAD", "/v1/customers")
        answer = connection.getresponse()
        assert (answer.status, answer.read(), answer.headers["allow"]) == (405, b"", "POST, GET")
    finally:
        connection.close()


def test_the_version_is_echoed_or_the_accounts_own(client: Client) -> None:
    assert client.get("/v1/account", headers={"Stripe-Version": "2022-08-01"}).headers["stripe-version"] == "2022-08-01"
    own = client.get("/v1/account").headers["stripe-version"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\d\.[a-z]+", own)
    customer = client.post("/v1/customers", headers={"Stripe-Version": "2022-08-01"}).json
    events = client.get("/v1/events", {"type": "customer.created", "related_object": customer["id"]}).json
    assert [event["api_version"] for event in events["data"]] == [own], "events have the account's version"


def test_a_browser_may_pay_and_nothing_else(lockgate: Running, anybody: Client) -> None:
    shop = {"Origin": "https://shop.example"}
    form = {"key": lockgate["publishable_key"], "type": "card", "card[token]": "tok_visa"}
    made = anybody.post("/v1/payment_methods", form, headers=shop)
    assert made.status == 200
    assert made.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in made.headers
    refused = anybody.post("/v1/payment_methods", form | {"type": "nothing"}, headers=shop)
    assert refused.status == 400 and refused.headers["access-control-allow-origin"] == "*", "it may read why"
    ahead = anybody.request("OPTIONS", "/v1/payment_methods", headers=shop | {"Access-Control-Request-Method": "POST"})
    assert (ahead.status, ahead.headers["access-control-allow-methods"]) == (200, "POST")
    closed = anybody.get("/v1/customers", {"key": lockgate["publishable_key"]}, headers=shop)
    assert closed.status == 403 and "access-control-allow-origin" not in closed.headers
    assert anybody.request("OPTIONS", "/v1/customers", headers=shop).status == 405


def test_two_cursors_bad_limits_and_expansions_are_refused_by_name(client: Client) -> None:
    for params, name in (
        ({"starting_after": "cus_1", "ending_before": "cus_2"}, "ending_before"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"expand[]": "a.b.c.d.e"}, "expand[0]"),
        ({"expand": "data"}, "expand"),
        ({"created[near]": "1"}, "created[near]"),
    ):
        reply = client.get("/v1/customers", params)
        assert (reply.status, reply.error["param"]) == (400, name)


def test_empty_strings_unset_and_arrays_come_both_ways(client: Client) -> None:
    one = client.post("/v1/customers", {"name": "A", "metadata[a]": "1", "preferred_locales[]": "de"}).json
    path = f"/v1/customers/{one['id']}"
    assert one["preferred_locales"] == ["de"]
    two = client.post(path, {"name": "", "metadata[a]": "", "preferred_locales[0]": "en", "preferred_locales[1]": "fr"})
    assert (two.json["name"], two.json["metadata"], two.json["preferred_locales"]) == (None, {}, ["en", "fr"])
    refused = client.post("/v1/payment_intents", {"amount": "", "currency": "usd"})
    assert refused.error["code"] == "parameter_invalid_empty"


def test_a_repeated_request_is_answered_from_memory(client: Client) -> None:
    key = {"Idempotency-Key": uuid.uuid4().hex}
    first = client.post("/v1/customers", {"name": "A"}, headers=key)
    again = client.post("/v1/customers", {"name": "A"}, headers=key)
    assert first.text == again.text
    assert (again.headers["idempotent-replayed"], again.headers["idempotency-key"]) == ("true", key["Idempotency-Key"])
    assert "idempotent-replayed" not in first.headers
    other = client.post("/v1/customers", {"name": "B"}, headers=key)
    assert (other.status, other.error["type"]) == (400, "idempotency_error")
    fresh = {"Idempotency-Key": uuid.uuid4().hex}
    assert client.post("/v1/customers", {"shoe": "1"}, headers=fresh).status == 400
    assert client.post("/v1/customers", {}, headers=fresh).status == 200, "what was not read is not kept"


@pytest.fixture(scope="module")
def restartable() -> Iterator[Running]:
    running = start_lockgate()
    yield running
    discard(running)


def test_a_restart_forgets_no_answer(restartable: Running) -> None:
    def client() -> Client:
        return Client(restartable["api"], restartable["ca_file"], restartable["secret_key"])

    key = {"Idempotency-Key": uuid.uuid4().hex}
    form = {"amount": "500", "currency": "usd", "payment_method": "pm_card_visa", "confirm": "true"}
    first = client().post("/v1/payment_intents", form, headers=key)
    assert first.status == 200
    restartable.wait_restarted("gateway", restartable.kill("gateway"))
    again = client().post("/v1/payment_intents", form, headers=key)
    assert (again.status, again.text) == (200, first.text)
    assert again.headers["idempotent-replayed"] == "true"
    page = client().get("/v1/payment_intents/search", {"query": "amount:500"}).json
    assert [item["id"] for item in page["data"]] == [first.json["id"]]


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method in ("get", "post", "delete") and path.startswith("/v1/"):
                yield operation["operationId"], method.upper(), path


OPEN_TO_APPS = {
    "customer.get", "customer.list_payment_methods", "customer.get_payment_method", "payment_method.list",
    "payment_method.attach", "payment_method.update", "payment_method.detach",
}  # fmt: skip


def test_an_apps_key_opens_seven_operations_of_its_customer(lockgate: Running, client: Client) -> None:
    customer, other = (client.post("/v1/customers").json["id"] for _ in range(2))
    without = client.post("/v1/ephemeral_keys", {"customer": customer})
    assert (without.status, "Stripe-Version" in without.error["message"]) == (400, True)
    assert client.post("/v1/ephemeral_keys", headers=VERSION).error["param"] == "customer"
    assert client.post("/v1/ephemeral_keys", {"customer": "cus_no"}, headers=VERSION).status == 400
    repeated = VERSION | {"Idempotency-Key": uuid.uuid4().hex}
    made = client.post("/v1/ephemeral_keys", {"customer": customer}, headers=repeated)
    assert client.post("/v1/ephemeral_keys", {"customer": customer}, headers=repeated).text == made.text
    document = Client(lockgate["api"], lockgate["ca_file"]).get("/openapi.json").json
    seen, key = set(), made
    for number, (name, method, path) in enumerate(_operations(document), 1):
        if number % 15 == 0:  # a key in a shopper's app is slow
            key = client.post("/v1/ephemeral_keys", {"customer": customer}, headers=VERSION)
        app = Client(lockgate["api"], lockgate["ca_file"], key.json["secret"])
        url = path.replace("{customer}", other)
        reply = app.request(method, re.sub(r"\{[a-z_]+\}", "x_1", url), {"customer": other})
        if name in OPEN_TO_APPS:
            seen.add(name)
            assert reply.status in (400, 404), (name, reply.text)
            assert reply.error["code"] in ("resource_missing", "parameter_unknown"), (name, reply.text)
        else:
            assert reply.status == 403, (name, reply.text)
    assert seen == OPEN_TO_APPS
    key = client.post("/v1/ephemeral_keys", {"customer": customer}, headers=VERSION)
    app = Client(lockgate["api"], lockgate["ca_file"], key.json["secret"])
    known, unknown = app.get(f"/v1/customers/{other}"), app.get("/v1/customers/cus_nobody")
    assert (known.status, known.error["code"]) == (unknown.status, unknown.error["code"]) == (404, "resource_missing")
    assert known.error["message"].replace(other, "cus_nobody") == unknown.error["message"]
    assert app.get(f"/v1/customers/{customer}", {"expand[]": "default_source"}).status in (200, 400)
    client.post("/v1/test_helpers/clock/advance", {"seconds": "3601"})
    late = Client(lockgate["api"], lockgate["ca_file"], key.json["secret"]).get(f"/v1/customers/{customer}")
    assert (late.status, late.error["code"]) == (401, "api_key_expired")
