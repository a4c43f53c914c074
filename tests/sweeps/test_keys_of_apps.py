"""Ephemeral keys, which are in shoppers' apps: what one customer's app did is never told to another's."""

from tests.support.door import Client
from tests.sweeps.conftest import Merchant, Place

VERSION = {"Stripe-Version": "2026-08-26.dahlia"}


def app(place: Place, merchant: Client, customer: str) -> Client:
    made = merchant.post("/v1/ephemeral_keys", {"customer": customer}, headers=VERSION)
    return place.client(made.json["secret"])


def test_the_answer_kept_for_one_customers_app_is_not_anothers(place: Place, owner: Merchant) -> None:
    merchant = place.client(owner.secret_key)
    ann = merchant.post("/v1/customers", {"name": "Ann"}).json["id"]
    bob = merchant.post("/v1/customers", {"name": "Bob"}).json["id"]
    card = merchant.post("/v1/payment_methods/pm_card_visa/attach", {"customer": ann}).json["id"]
    path, params = f"/v1/payment_methods/{card}", {"billing_details[name]": "Ann of the hidden lane"}
    key = {"Idempotency-Key": "the-app-counts-1"}
    hers = app(place, merchant, ann)
    first = hers.post(path, params, headers=key)
    assert first.status == 200
    told = app(place, merchant, bob).post(path, params, headers=key)
    assert (told.status, told.error["code"]) == (404, "resource_missing") and "hidden lane" not in told.text
    again = app(place, merchant, ann).post(path, params, headers=key)  # a newer key of the same app
    assert (again.text, again.headers["idempotent-replayed"]) == (first.text, "true")
    own = merchant.post(path, params, headers=key)
    assert own.status == 200 and "idempotent-replayed" not in own.headers


def test_an_event_names_the_key_as_the_app_sent_it(place: Place, owner: Merchant) -> None:
    merchant = place.client(owner.secret_key)
    ann = merchant.post("/v1/customers", {"name": "Ann"}).json["id"]
    card = merchant.post("/v1/payment_methods/pm_card_visa/attach", {"customer": ann}).json["id"]
    app(place, merchant, ann).post(f"/v1/payment_methods/{card}/detach", headers={"Idempotency-Key": "app-7"})
    [told] = merchant.get("/v1/events", {"type": "payment_method.detached", "limit": 1}).json["data"]
    assert (told["data"]["object"]["id"], told["request"]["idempotency_key"]) == (card, "app-7")
