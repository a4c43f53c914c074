"""``lockgate erase`` of a customer reaches what was sealed before she was one: cards, and what they paid for."""

from typing import Any

from tests.support.door import Client
from tests.sweeps.conftest import Merchant, Place

CARD = {"type": "card", "card[number]": "4242424242424242", "card[exp_month]": 12, "card[exp_year]": 2040}
ITEM = {
    "line_items[0][price_data][currency]": "usd", "line_items[0][price_data][unit_amount]": 500,
    "line_items[0][price_data][product_data][name]": "Teapot", "line_items[0][quantity]": 1,
}


def test_no_key_is_left_of_what_belongs_to_an_erased_customer(place: Place, owner: Merchant) -> None:
    client = place.client(owner.secret_key)

    def made(path: str, **params: Any) -> dict[str, Any]:
        reply = client.post(path, params)
        assert reply.status == 200, reply.text
        return reply.json

    name = {"billing_details[name]": "Eve Unwanted", "billing_details[address][postal_code]": "90210"}
    attached = made("/v1/payment_methods", **CARD, **name)["id"]
    session = made(
        "/v1/checkout/sessions", mode="payment", success_url="https://shop.example/", customer_creation="always",
        customer_email="eve@example.org", **ITEM,
    )
    kept = made("/v1/payment_methods", **CARD, **name)["id"]
    made(f"/v1/payment_intents/{session['payment_intent']}/confirm", payment_method=kept)
    customer = client.get(f"/v1/checkout/sessions/{session['id']}").json["customer"]
    assert customer is not None
    made(f"/v1/payment_methods/{attached}/attach", customer=customer)
    assert found(client, customer) == ["charges", "customers", "sessions"]
    bystander = made("/v1/payment_methods", **CARD, **name)["id"]

    said = place.running.command("erase", customer, "--yes").stdout
    assert "2 keys of cards" in said
    left = place.fetch(
        "select subject from vault.data_key where account = $1 and wrapped is not null"
        " union select subject from vault.card where account = $1 and wrapped_dek is not null",
        owner.account,
    )
    subjects = {row["subject"] for row in left}
    assert not subjects & {customer, attached, kept, session["id"], session["payment_intent"]}
    assert bystander in subjects and owner.objects["customers"] in subjects
    assert found(client, customer) == [], "she is found by what she is no longer known by"


def found(client: Client, customer: str) -> list[str]:
    """Where knowing her address or post code still leads to her."""
    ways = {
        "charges": ("/v1/charges/search", {"query": 'billing_details.address.postal_code:"90210"'}),
        "customers": ("/v1/customers/search", {"query": 'email:"eve@example.org"'}),
        "sessions": ("/v1/checkout/sessions", {"customer_details[email]": "eve@example.org"}),
    }
    answers = {name: client.get(path, params).json["data"] for name, (path, params) in ways.items()}
    return [name for name, data in answers.items() if any(customer in (one["id"], one.get("customer")) for one in data)]
