"""The official Python SDK, unmodified, takes, captures, refunds, saves and is told: the whole lifecycle."""

import uuid

import pytest
import stripe

from tests.support.running import Running


def paid(client: stripe.StripeClient, amount: int = 2000, **extra: object) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {"amount": amount, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True, **extra}  # type: ignore[typeddict-item]
    )


def test_a_payment_succeeds_and_its_charge_says_so(client: stripe.StripeClient) -> None:
    intent = paid(client, metadata={"order": "17"}, expand=["latest_charge.balance_transaction"])
    assert intent.status == "succeeded"
    assert intent.amount_received == 2000
    charge = intent.latest_charge
    assert charge.outcome.seller_message == "Payment complete."
    assert charge.captured and charge.paid and not charge.refunded
    assert charge.payment_method_details.card.checks.cvc_check in ("pass", None)
    assert charge.balance_transaction.fee == 88
    assert charge.balance_transaction.net == 1912
    again = client.v1.payment_intents.retrieve(intent.id)
    assert again.metadata["order"] == "17"
    assert client.v1.charges.retrieve(charge.id).payment_intent == intent.id


def test_step_by_step_with_a_test_number(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create({"amount": 1099, "currency": "eur"})
    assert intent.status == "requires_payment_method"
    method = client.v1.payment_methods.create(
        {
            "type": "card",
            "card": {"number": "5555555555554444", "exp_month": 12, "exp_year": 2034, "cvc": "123"},
            "billing_details": {"name": "Ada Lovelace", "address": {"postal_code": "12345"}},
        }
    )
    assert method.card.brand == "mastercard"
    assert method.billing_details.name == "Ada Lovelace"
    intent = client.v1.payment_intents.update(intent.id, {"payment_method": method.id, "description": "a book"})
    assert intent.status == "requires_confirmation"
    intent = client.v1.payment_intents.confirm(intent.id)
    assert intent.status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.payment_intents.confirm(intent.id)
    assert refused.value.code == "payment_intent_unexpected_state"
    assert refused.value.error.payment_intent["status"] == "succeeded"


def test_manual_capture_in_part_releases_the_rest(client: stripe.StripeClient) -> None:
    intent = paid(client, 5000, capture_method="manual")
    assert (intent.status, intent.amount_capturable) == ("requires_capture", 5000)
    intent = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 3000})
    assert (intent.status, intent.amount_received, intent.amount_capturable) == ("succeeded", 3000, 0)
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert charge.amount_captured == 3000


def test_cancel_voids_an_authorisation(client: stripe.StripeClient) -> None:
    intent = paid(client, 700, capture_method="manual")
    intent = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "requested_by_customer"})
    assert (intent.status, intent.cancellation_reason) == ("canceled", "requested_by_customer")
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.capture(intent.id)


def test_refunds_partial_then_the_rest_then_no_more(client: stripe.StripeClient) -> None:
    intent = paid(client, 2000)
    first = client.v1.refunds.create({"payment_intent": intent.id, "amount": 500, "reason": "duplicate"})
    assert (first.status, first.amount) == ("succeeded", 500)
    second = client.v1.refunds.create({"charge": intent.latest_charge})
    assert second.amount == 1500
    with pytest.raises(stripe.InvalidRequestError) as refused:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert refused.value.code == "charge_already_refunded"
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert charge.refunded and charge.amount_refunded == 2000
    listed = client.v1.refunds.list({"payment_intent": intent.id})
    assert [r.id for r in listed.data] == [second.id, first.id]


@pytest.mark.parametrize(
    ("number", "code", "decline_code"),
    [
        ("4000000000000002", "card_declined", "generic_decline"),
        ("4000000000009995", "card_declined", "insufficient_funds"),
        ("4000000000000069", "expired_card", "expired_card"),
        ("4000000000000127", "incorrect_cvc", "incorrect_cvc"),
        ("4000000000000119", "processing_error", "processing_error"),
    ],
)
def test_declines(client: stripe.StripeClient, number: str, code: str, decline_code: str) -> None:
    intent = client.v1.payment_intents.create({"amount": 2000, "currency": "usd"})
    with pytest.raises(stripe.CardError) as refused:
        client.v1.payment_intents.confirm(
            intent.id,
            {
                "payment_method_data": {
                    "type": "card",
                    "card": {"number": number, "exp_month": 1, "exp_year": 2035, "cvc": "314"},
                }
            },
        )
    error = refused.value
    assert error.code == code
    assert error.error.decline_code == decline_code or code != "card_declined"
    assert error.http_status == 402
    assert error.error.payment_intent["status"] == "requires_payment_method"
    again = client.v1.payment_intents.retrieve(intent.id)
    assert again.last_payment_error.code == code


def test_a_wrong_number_never_gets_further(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as refused:
        client.v1.payment_methods.create(
            {"type": "card", "card": {"number": "4242424242424241", "exp_month": 1, "exp_year": 2035, "cvc": "314"}}
        )
    assert refused.value.code == "incorrect_number"
    assert "4242424242424241" not in str(refused.value)


def test_customers_and_saved_cards(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"email": "ada@example.com", "name": "Ada", "metadata": {"a": "1"}})
    method = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    assert method.customer == customer.id
    off = client.v1.payment_intents.create(
        {
            "amount": 900, "currency": "usd", "customer": customer.id, "payment_method": method.id,
            "off_session": True, "confirm": True,
        }
    )
    assert off.status == "succeeded"
    listed = client.v1.customers.payment_methods.list(customer.id)
    assert [m.id for m in listed.data] == [method.id]
    assert client.v1.payment_methods.detach(method.id).customer is None
    found = client.v1.customers.list({"email": "ada@example.com"})
    assert customer.id in [c.id for c in found.data]
    updated = client.v1.customers.update(customer.id, {"metadata": {"a": "", "b": "2"}, "name": "Countess"})
    assert updated.metadata.to_dict() == {"b": "2"} and updated.name == "Countess"
    assert client.v1.customers.delete(customer.id).deleted is True


def test_setup_then_off_session(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create()
    setup = client.v1.setup_intents.create(
        {"customer": customer.id, "payment_method": "pm_card_visa", "confirm": True, "usage": "off_session"}
    )
    assert setup.status == "succeeded"
    intent = client.v1.payment_intents.create(
        {
            "amount": 4200, "currency": "usd", "customer": customer.id, "payment_method": setup.payment_method,
            "off_session": True, "confirm": True,
        }
    )
    assert intent.status == "succeeded"


def test_off_session_without_consent_needs_authentication(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create()
    method = client.v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": customer.id})
    with pytest.raises(stripe.CardError) as refused:
        client.v1.payment_intents.create(
            {
                "amount": 4200, "currency": "usd", "customer": customer.id, "payment_method": method.id,
                "off_session": True, "confirm": True,
            }
        )
    assert refused.value.code == "authentication_required"


def test_idempotency_replays_and_refuses_another_request(client: stripe.StripeClient) -> None:
    key = uuid.uuid4().hex
    params = {"amount": 1234, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True}
    first = client.v1.payment_intents.create(params, {"idempotency_key": key})  # type: ignore[arg-type]
    second = client.v1.payment_intents.create(params, {"idempotency_key": key})  # type: ignore[arg-type]
    assert first.id == second.id
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert first.last_response.body == second.last_response.body
    with pytest.raises(stripe.IdempotencyError) as refused:
        client.v1.payment_intents.create({**params, "amount": 1}, {"idempotency_key": key})  # type: ignore[typeddict-item]
    assert "Keys for idempotent requests can only be used with the same parameters" in str(refused.value)


def test_a_publishable_key_cannot_take_the_servers_idempotency_keys(
    client: stripe.StripeClient, lockgate: Running
) -> None:
    key = uuid.uuid4().hex
    browser = stripe.StripeClient(lockgate["publishable_key"], base_addresses={"api": lockgate["api"]})
    card = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
    made = browser.v1.payment_methods.create({"type": "card", "card": card}, {"idempotency_key": key})
    again = browser.v1.payment_methods.create({"type": "card", "card": card}, {"idempotency_key": key})
    assert made.id == again.id
    assert client.v1.customers.create({}, {"idempotency_key": key}).object == "customer"


def test_lists_page_through_everything(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create()
    made = [
        client.v1.payment_intents.create({"amount": 100 + n, "currency": "usd", "customer": customer.id}).id
        for n in range(7)
    ]
    page = client.v1.payment_intents.list({"customer": customer.id, "limit": 3})
    assert [i.id for i in page.data] == made[:3:-1]
    assert page.has_more
    assert [i.id for i in page.auto_paging_iter()] == made[::-1]
    before = client.v1.payment_intents.list({"customer": customer.id, "ending_before": made[3], "limit": 2})
    assert [i.id for i in before.data] == [made[5], made[4]]


def test_balance_and_its_transactions_agree(client: stripe.StripeClient) -> None:
    def pending() -> int:
        return sum(entry.amount for entry in client.v1.balance.retrieve().pending if entry.currency == "usd")

    before = pending()
    intent = paid(client, 10_000)
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 1000})
    transactions = client.v1.balance_transactions.list({"source": intent.latest_charge}).data
    assert [t.net for t in transactions] == [10_000 - 320]
    assert pending() - before == 10_000 - 320 - 1000


def test_events_tell_the_story(client: stripe.StripeClient) -> None:
    intent = paid(client, 2222)
    client.v1.refunds.create({"payment_intent": intent.id})
    events = client.v1.events.list({"limit": 100}).data
    mine = [
        e.type for e in reversed(events)
        if intent.id in (e.data.object["id"], e.data.object.to_dict().get("payment_intent"))
    ]
    assert set(mine) >= {
        "payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "refund.created", "charge.refunded",
    }
    one = client.v1.events.retrieve(events[0].id)
    assert one.data.object["object"] == events[0].data.object["object"]


def test_errors_speak_the_dialect(client: stripe.StripeClient, lockgate: Running) -> None:
    with pytest.raises(stripe.InvalidRequestError) as missing:
        client.v1.payment_intents.create({"currency": "usd"})  # type: ignore[typeddict-item]
    assert str(missing.value.user_message) == "Missing required param: amount."
    assert missing.value.param == "amount"
    with pytest.raises(stripe.InvalidRequestError) as unknown:
        client.v1.payment_intents.create({"amount": 100, "currency": "usd", "shoe_size": 44})  # type: ignore[typeddict-unknown-key]
    assert unknown.value.code == "parameter_unknown"
    with pytest.raises(stripe.InvalidRequestError) as gone:
        client.v1.payment_intents.retrieve("pi_nothing")
    assert "No such payment_intent: 'pi_nothing'" in str(gone.value)
    stranger = stripe.StripeClient(
        "sk_test_nonsense",
        base_addresses={"api": lockgate["api"]},
    )
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided"):
        stranger.v1.balance.retrieve()


def test_account_is_oneself(client: stripe.StripeClient, lockgate: Running) -> None:
    assert client.v1.accounts.retrieve_current().id == lockgate["account"]

