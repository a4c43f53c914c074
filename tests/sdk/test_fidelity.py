"""What plug-ins and other clients of the dialect do and read, asked of a whole Lockgate as they ask it."""

from collections.abc import Mapping
from typing import Any

import pytest
import stripe

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}
PRICE = {"currency": "usd", "unit_amount": 1_500, "product_data": {"name": "Tea"}}


def paid(client: stripe.StripeClient, **more: Any) -> stripe.PaymentIntent:
    params: Any = {
        "amount": 2_000,
        "currency": "usd",
        "confirm": True,
        "payment_method": "pm_card_visa",
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        **more,
    }
    return client.v1.payment_intents.create(params)


def ask(client: stripe.StripeClient, method: str, path: str, **params: Any) -> Any:
    """Any request at all; the answer's JSON as it came, refused or not."""
    try:
        return client.deserialize(client.raw_request(method, path, **params), api_mode="V1").to_dict()
    except stripe.StripeError as refused:
        body = refused.json_body
        assert isinstance(body, Mapping)
        return body


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("/v1/customers", ["data.default_source", "data.sources", "data.subscriptions", "data.tax_ids", "data.tax"]),
        ("/v1/customers", ["data.invoice_credit_balance", "data.cash_balance", "data.test_clock"]),
        ("/v1/charges", ["data.balance_transaction", "data.application_fee", "data.transfer", "data.on_behalf_of"]),
        ("/v1/charges", ["data.refunds.data.transfer_reversal", "data.review", "data.source_transfer"]),
        ("/v1/payment_intents", ["data.latest_charge.balance_transaction", "data.application", "data.customer"]),
        ("/v1/payouts", ["data.destination", "data.balance_transaction"]),
        ("/v1/checkout/sessions", ["data.line_items.data.discounts", "data.subscription", "data.invoice"]),
        ("/v1/setup_intents", ["data.latest_attempt", "data.mandate", "data.single_use_mandate", "data.application"]),
        ("/v1/refunds", ["data.charge", "data.transfer_reversal", "data.failure_balance_transaction"]),
    ],
)
def test_expansions_that_clients_ask_for_are_taken_even_where_nothing_is_there(
    client: stripe.StripeClient, path: str, wanted: list[str]
) -> None:
    paid(client)
    client.v1.checkout.sessions.create(
        {"mode": "payment", "success_url": "https://shop.test/", "line_items": [{"quantity": 1, "price_data": PRICE}]}  # type: ignore[typeddict-item]
    )
    answer = ask(client, "get", path, expand=wanted)
    assert "error" not in answer, answer


@pytest.mark.parametrize("path", ["invoice", "amount", "transfer.destination", "data.balance_transaction", "nonsense"])
def test_other_expansions_are_refused(client: stripe.StripeClient, path: str) -> None:
    charge = paid(client).latest_charge
    error = ask(client, "get", f"/v1/charges/{charge}", expand=[path])["error"]
    assert (error["type"], error["param"]) == ("invalid_request_error", "expand[0]")
    assert error["message"] == f"This property cannot be expanded ({path})."


def test_a_list_says_where_its_expansions_begin(client: stripe.StripeClient) -> None:
    told = ask(client, "get", "/v1/charges", expand=["customer"])["error"]["message"]
    assert told.endswith("start with data: 'data.customer'.")
    assert "start with" not in ask(client, "get", "/v1/charges", expand=["data.nonsense"])["error"]["message"]


def test_a_customers_sources_are_the_card_that_the_older_api_gave(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"source": "tok_visa"})
    shown = client.v1.customers.retrieve(customer.id, {"expand": ["sources", "default_source"]})
    assert shown.sources is not None
    assert isinstance(shown.default_source, stripe.Card)
    (card,) = shown.sources.data
    assert (card.id, card.object) == (shown.default_source.id, "card")
    assert (shown.sources.url, shown.sources.has_more) == (f"/v1/customers/{customer.id}/sources", False)
    none = client.v1.customers.retrieve(customer.id, {"expand": ["subscriptions", "tax_ids", "tax"]})
    assert none.subscriptions is not None
    assert none.tax_ids is not None
    assert (none.subscriptions.data, none.tax_ids.data, none.tax) == ([], [], None)
    bare = client.v1.customers.retrieve(client.v1.customers.create().id, {"expand": ["sources"]})
    assert bare.sources is not None
    assert bare.sources.data == []


def test_an_accounts_settings_have_what_clients_read(client: stripe.StripeClient) -> None:
    settings = client.v1.accounts.retrieve_current().settings
    assert settings is not None
    assert settings.dashboard.display_name
    assert settings.branding.icon is None
    assert settings.card_payments.statement_descriptor_prefix is None
    assert settings.payments.statement_descriptor is None
    assert settings.payouts is not None
    assert settings.payouts.schedule.interval == "manual"


def test_a_refund_that_is_too_large_says_of_what(client: stripe.StripeClient) -> None:
    intent = paid(client).id
    whole = ask(client, "post", "/v1/refunds", payment_intent=intent, amount=9_999)["error"]["message"]
    assert whole == "Refund amount ($99.99) is greater than charge amount ($20.00)"
    client.v1.refunds.create({"payment_intent": intent, "amount": 500})
    rest = ask(client, "post", "/v1/refunds", payment_intent=intent, amount=1_501)["error"]["message"]
    assert rest == "Refund amount ($15.01) is greater than unrefunded amount on charge ($15.00)"


@pytest.mark.parametrize(
    "name",
    [
        "client_attribution_metadata", "guid", "muid", "pasted_fields", "payment_user_agent", "referrer", "sid",
        "time_on_page",
    ],
)  # fmt: skip
def test_what_a_page_learns_of_its_visitor_is_refused_by_name(client: stripe.StripeClient, name: str) -> None:
    value: Any = {"source": "elements"} if name == "client_attribution_metadata" else "NA"
    card = {"type": "card", "card": CARD, name: value}
    for path, params, param in (
        ("/v1/payment_methods", card, name),
        ("/v1/tokens", {"card": CARD, name: value}, name),
        ("/v1/payment_intents", {"amount": 900, "currency": "usd", "payment_method_data": card},
         f"payment_method_data[{name}]"),
        ("/v1/setup_intents", {"payment_method_data": card}, f"payment_method_data[{name}]"),
    ):  # fmt: skip
        error = ask(client, "post", path, **params)["error"]
        assert (error["code"], error["param"]) == ("parameter_unsupported", param)


def test_a_confirmation_may_say_what_is_so_anyway(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 900, "currency": "usd"})
    path, params = f"/v1/payment_intents/{intent.id}/confirm", {"payment_method": "pm_card_visa"}
    error = ask(client, "post", path, **params, set_as_default_payment_method=True)["error"]
    assert (error["code"], error["param"]) == ("parameter_unsupported", "set_as_default_payment_method")
    for name in ("_stripe_account", "_stripe_version"):
        assert ask(client, "post", path, **params, **{name: "x"})["error"]["code"] == "parameter_unsupported"
    assert ask(client, "post", path, **params, set_as_default_payment_method=False)["status"] == "succeeded"
