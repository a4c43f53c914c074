"""Checkout, value lists and reviews in a whole Lockgate, driven by the official SDK and by a plain browser."""

import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.request import urlopen

import pytest
import stripe

from tests.support.running import Running, discard, start_lockgate

ITEMS: Any = [
    {
        "price_data": {"currency": "eur", "unit_amount": 1250, "product_data": {"name": "Tea bowl"}},
        "quantity": 4,
    }
]
SUCCESS = "https://shop.test/thanks?s={CHECKOUT_SESSION_ID}"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    started = start_lockgate()
    yield started
    discard(started)


@pytest.fixture
def client(running, monkeypatch) -> stripe.StripeClient:
    monkeypatch.setattr(stripe, "ca_bundle_path", running["ca_file"])
    return stripe.StripeClient(running["secret_key"], base_addresses={"api": running["api"]})


def soon(look: Callable[[], Any], *, within_s: float = 15) -> Any:
    end = time.monotonic() + within_s
    while True:
        found = look()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.05)


def paid(client: stripe.StripeClient, **more: Any) -> Any:
    made = client.v1.payment_intents.create(
        {
            "amount": 2000, "currency": "usd", "payment_method": "pm_card_riskLevelElevated", "confirm": True,
            "payment_method_types": ["card"], "expand": ["latest_charge.review"], **more,
        }
    )  # fmt: skip
    return made


def test_a_session_is_paid_and_the_worker_tells_of_it_without_being_asked(client, running):
    made = client.v1.checkout.sessions.create(
        {"mode": "payment", "success_url": SUCCESS, "line_items": ITEMS, "expand": ["line_items", "payment_intent"]}
    )
    assert (made.amount_total, made.status, made.ui_mode) == (5000, "open", "hosted_page")
    assert made.line_items is not None and made.line_items.data[0].description == "Tea bowl"
    intent: Any = made.payment_intent
    client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", "return_url": "https://shop.test/"})
    told = soon(lambda: client.v1.events.list({"type": "checkout.session.completed"}).data)
    assert [event.data.object["id"] for event in told] == [made.id]
    done = client.v1.checkout.sessions.retrieve(made.id, {"expand": ["payment_intent.latest_charge"]})
    assert (done.status, done.payment_status, done.url) == ("complete", "paid", None)
    assert done.payment_intent.latest_charge.outcome.seller_message == "Payment complete."
    items = client.v1.checkout.sessions.line_items.list(made.id)
    assert [item.amount_total for item in items.auto_paging_iter()] == [5000]


def test_a_browser_sees_the_page_under_its_own_policy(client, running):
    made = client.v1.checkout.sessions.create({"mode": "payment", "success_url": SUCCESS, "line_items": ITEMS})
    trusted = ssl.create_default_context(cafile=running["ca_file"])
    with urlopen(made.url, context=trusted) as answer:
        text = answer.read().decode()
        policies = answer.headers.get_all("content-security-policy")
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["cache-control"] == "no-store" and answer.headers["referrer-policy"] == "no-referrer"
    assert len(policies) == 1 and "style-src 'sha256-" in policies[0] and "default-src 'none'" in policies[0]
    assert "50.00 EUR" in text and "Tea bowl" in text


def test_a_session_ends_when_its_accounts_clock_says_so(client, running):
    made = client.v1.checkout.sessions.create({"mode": "payment", "success_url": SUCCESS, "line_items": ITEMS})
    client.raw_request("post", "/v1/test_helpers/clock/advance", seconds=86_401)
    done = soon(lambda: (s := client.v1.checkout.sessions.retrieve(made.id)).status == "expired" and s)
    assert done.status == "expired"
    assert client.v1.payment_intents.retrieve(done.payment_intent).status == "canceled"


def test_an_elevated_payment_is_reviewed_until_it_is_approved_or_given_back(client):
    first, second, third = paid(client), paid(client), paid(client, capture_method="manual")
    for made in (first, second, third):
        charge = made.latest_charge
        assert (charge.outcome.type, charge.outcome.reason) == ("manual_review", "elevated_risk_level")
        assert charge.review.open and made.review == charge.review.id and charge.review.charge == charge.id
    waiting = {review.id for review in client.v1.reviews.list().data}
    assert {made.review for made in (first, second, third)} <= waiting
    approved = client.v1.reviews.approve(first.review, {"expand": ["payment_intent"]})
    assert (approved.open, approved.reason) == (False, "approved") and approved.payment_intent.id == first.id
    assert (first.status, approved.payment_intent.status) == ("requires_capture", "succeeded")
    client.v1.payment_intents.capture(second.id)
    client.v1.refunds.create({"payment_intent": second.id, "amount": 500})
    assert client.v1.reviews.retrieve(second.review).open, "some of the money is still the merchant's"
    client.v1.refunds.create({"payment_intent": second.id, "reason": "fraudulent"})
    assert client.v1.reviews.retrieve(second.review).reason == "refunded_as_fraud"
    client.v1.payment_intents.cancel(third.id)
    assert client.v1.reviews.retrieve(third.review).closed_reason == "canceled"
    events = [event.type for event in client.v1.events.list({"types": ["review.opened", "review.closed"]}).data]
    assert events.count("review.opened") == events.count("review.closed") == 3


def test_value_lists_through_the_sdk(client):
    made = client.v1.radar.value_lists.create({"alias": "bad_mails", "name": "Bad", "item_type": "email"})
    item = client.v1.radar.value_list_items.create({"value_list": made.id, "value": "Some@Body.test"})
    found = client.v1.radar.value_lists.list({"contains": "some@body.test"})
    assert [one.id for one in found.data] == [made.id]
    assert found.data[0].list_items.data[0].value == item.value == "some@body.test"
    assert client.v1.radar.value_list_items.delete(item.id).deleted
    assert client.v1.radar.value_lists.delete(made.id).deleted
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.radar.value_lists.retrieve(made.id)
    assert caught.value.code == "resource_missing"
