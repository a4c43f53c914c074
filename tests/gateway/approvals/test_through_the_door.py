"""Approvals as callers meet them: over TLS, through the guard, with real refunds, keys and people."""

from collections.abc import Iterator

import pytest

from tests.support import people
from tests.support.door import Client
from tests.support.people import Person
from tests.support.running import Running, start_lockgate

APPROVED_BY = "Lockgate-Approval"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    started = start_lockgate()
    try:
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def merchant(running: Running) -> Client:
    """The merchant's server."""
    return Client(running["api"], running["ca_file"], running["secret_key"])


@pytest.fixture(scope="module")
def anna(running: Running) -> Person:
    return people.owner(running)


@pytest.fixture(scope="module")
def ben(running: Running, anna: Person) -> Person:
    return people.member(anna, ["finance"])


def charged(merchant: Client, amount: int = 300_000) -> str:
    """A charge that was captured."""
    paid = merchant.post(
        "/v1/payment_intents",
        {"amount": amount, "currency": "usd", "payment_method": "pm_card_visa", "payment_method_types[]": "card",
         "confirm": "true"},
    )  # fmt: skip
    assert paid.status == 200, paid.text
    return paid.json["latest_charge"]


def test_a_person_confirms_a_large_refund_and_no_other(running, merchant, anna):
    charge = charged(merchant)
    small = anna.post("/v1/refunds", {"charge": charge, "amount": 500})
    assert small.status == 200, small.text
    large = {"charge": charge, "amount": 250_000}
    refused = anna.post("/v1/refunds", large)
    assert (refused.status, refused.error["code"]) == (403, "approval_required")
    waiting = refused.error["approval"]
    assert waiting["summary"] == f"Refund 2500.00 USD of {charge}"
    assert waiting["params"] == {"charge": charge, "amount": 250_000}
    header = {APPROVED_BY: waiting["id"]}
    assert anna.post("/v1/refunds", large, headers=header).error["code"] == "approval_invalid"
    wrong = anna.post(f"/v1/approvals/{waiting['id']}/prove", {"method": "totp", "proof": "000000"})
    assert (wrong.status, wrong.error["code"]) == (403, "factor_refused")
    proved = anna.post(f"/v1/approvals/{waiting['id']}/prove", {"method": "totp", "proof": anna.code()})
    assert (proved.status, proved.json["status"]) == (200, "approved"), proved.text
    for other in ({"amount": 250_001}, {"reason": "duplicate"}, {"metadata[a]": "b"}):
        assert anna.post("/v1/refunds", {**large, **other}, headers=header).error["code"] == "approval_invalid"
    done = anna.post("/v1/refunds", large, headers={**header, "Idempotency-Key": "refund-once"})
    assert (done.status, done.json["amount"]) == (200, 250_000), done.text
    again = anna.post("/v1/refunds", large, headers={**header, "Idempotency-Key": "refund-once"})
    assert (again.status, again.json["id"]) == (200, done.json["id"])
    assert again.headers["idempotent-replayed"] == "true"
    assert anna.post("/v1/refunds", large, headers=header).status == 403


def test_two_people_for_a_key(running, merchant, anna, ben):
    running.command("approvals", "policy", "refund.two_people_above=1000")
    try:
        charge = charged(merchant)
        large = {"charge": charge, "amount": 200_000}
        assert merchant.post("/v1/refunds", {"charge": charge, "amount": 500}).status == 200
        refused = merchant.post("/v1/refunds", large)
        assert (refused.status, refused.error["code"]) == (403, "approval_required")
        id_ = refused.error["approval"]["id"]
        assert refused.error["approval"]["needs"] == ["second_person"]
        assert id_ in running.command("approvals", "list").stdout
        assert merchant.post(f"/v1/approvals/{id_}/approve", {"method": "totp", "proof": "123456"}).status == 403
        agreed = ben.post(f"/v1/approvals/{id_}/approve", {"method": "totp", "proof": ben.code()})
        assert (agreed.status, agreed.json["decided_by"]) == (200, ben.id), agreed.text
        assert merchant.post("/v1/refunds", {**large, "amount": 200_001}, headers={APPROVED_BY: id_}).status == 403
        assert merchant.post("/v1/refunds", large, headers={APPROVED_BY: id_}).status == 200
        assert merchant.post("/v1/refunds", large, headers={APPROVED_BY: id_}).error["code"] == "approval_invalid"
    finally:
        running.command("approvals", "policy", "refund.two_people_above=never")


def test_proving_again_gives_new_tokens_and_ends_the_old_ones(anna):
    old = anna.client.key
    stepped = anna.post("/v1/sessions/prove_again", {"method": "totp", "proof": anna.code()})
    assert stepped.status == 200, stepped.text
    anna.client.key = stepped.json["access_token"]
    assert anna.get("/v1/factors").status == 200
    fresh, anna.client.key = anna.client.key, old
    end = people.time.monotonic() + 1.2
    while (status := anna.get("/v1/factors").status) != 401 and people.time.monotonic() < end:
        people.time.sleep(0.1)
    anna.client.key = fresh
    assert status == 401


def test_a_change_of_factors_ends_every_session(running, anna):
    other = people.member(anna, ["support"])
    begun = other.post("/v1/factors/totp", {"name": "Second phone"})
    assert begun.status == 200, begun.text
    proof = people.pyotp.TOTP(begun.json["secret"]).now()
    assert other.post("/v1/factors/totp/confirm", {"code": "000000"}).error["code"] == "factor_refused"
    assert other.post("/v1/factors/totp/confirm", {"code": proof}).status == 200
    people.time.sleep(1.1)
    assert other.get("/v1/factors").status == 401
    assert "authenticator app was added" in people.mail_to(running, other.email, kind="factor")
    other.again()
    (first, second) = other.get("/v1/factors").json["data"]
    assert {first["name"], second["name"]} == {"Authenticator app", "Second phone"}
    assert other.delete(f"/v1/factors/{second['id']}").status == 200
    people.time.sleep(1.1)
    other.again()
    last = other.delete(f"/v1/factors/{first['id']}")
    assert (last.status, last.error["code"]) == (400, "last_factor")


def test_factors_are_nobody_elses(anna, ben, merchant):
    (mine,) = anna.get("/v1/factors").json["data"]
    assert ben.delete(f"/v1/factors/{mine['id']}").status == 404
    assert merchant.get("/v1/factors").status == 403
