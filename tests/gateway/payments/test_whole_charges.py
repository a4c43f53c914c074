"""Charges of the older API and late refunds against a whole Lockgate: vault, simulator, notifications and all."""

import time
from typing import Any

import pytest

from tests.gateway.payments.whole import Shop

CARD = {"number": "4242424242424242", "exp_month": 12, "exp_year": 2040, "cvc": "123"}


def until(shop: Shop, path: str, **wanted: Any) -> dict[str, Any]:
    """The object at ``path`` once it is as wanted, which the processor's call brings about."""
    for _ in range(150):
        found = shop.server.get(path).json
        if all(found[name] == value for name, value in wanted.items()):
            return found
        time.sleep(0.2)
    raise AssertionError(f"{path} never became {wanted}")


def test_a_browsers_token_is_charged_captured_and_expanded(shop: Shop) -> None:
    token = shop.browser.post("/v1/tokens", {f"card[{name}]": value for name, value in CARD.items()}).json
    made = shop.server.post(
        "/v1/charges", {"amount": 900, "currency": "usd", "source": token["id"], "capture": "false"}
    ).json
    assert (made["captured"], made["payment_intent"]) == (False, None)
    assert shop.server.post(f"/v1/charges/{made['id']}/capture", {"amount": 500}).json["amount_captured"] == 500
    back = shop.server.post(f"/v1/charges/{made['id']}/refunds", {"amount": 100}).json
    shown = shop.server.get(f"/v1/charges/{made['id']}?expand[]=refunds&expand[]=balance_transaction").json
    assert [one["id"] for one in shown["refunds"]["data"]] == [back["id"]]
    assert shown["balance_transaction"]["amount"] == 500


def test_a_customers_source_is_kept_and_expanded(shop: Shop) -> None:
    made = shop.server.post("/v1/customers", {"source": "tok_visa", "expand[]": "default_source"}).json
    assert (made["default_source"]["object"], made["default_source"]["last4"]) == ("card", "4242")
    paid = shop.server.post("/v1/charges", {"amount": 900, "currency": "usd", "customer": made["id"]}).json
    assert (paid["status"], paid["customer"]) == ("succeeded", made["id"])


def test_an_authorisation_is_raised_and_captured_in_parts_at_the_simulator(shop: Shop) -> None:
    card = "payment_method_options[card]"
    made = shop.intent(**{
        "confirm": "true", "payment_method": "pm_card_visa", "capture_method": "manual",
        "return_url": "https://shop.test/back", f"{card}[request_incremental_authorization]": "if_available",
        f"{card}[request_multicapture]": "if_available",
    })  # fmt: skip
    path = f"/v1/payment_intents/{made['id']}"
    assert shop.server.post(f"{path}/increment_authorization", {"amount": 2500}).json["amount_capturable"] == 2500
    part = shop.server.post(f"{path}/capture", {"amount_to_capture": 1000, "final_capture": "false"}).json
    assert (part["status"], part["amount_capturable"]) == ("requires_capture", 1500)
    done = shop.server.post(f"{path}/capture", {"amount_to_capture": 0}).json
    assert (done["status"], done["amount_received"]) == ("succeeded", 1000)


@pytest.mark.parametrize(("card", "status"), [("pm_card_pendingRefund", "succeeded"), ("pm_card_refundFail", "failed")])
def test_a_late_refund_ends_when_the_processor_calls(shop: Shop, card: str, status: str) -> None:
    made = shop.intent(confirm="true", payment_method=card, return_url="https://shop.test/back")
    back = shop.server.post("/v1/refunds", {"payment_intent": made["id"]}).json
    assert back["status"] == ("pending" if status == "succeeded" else "succeeded")
    ended = until(shop, f"/v1/refunds/{back['id']}", status=status)
    charge = shop.charge(made["latest_charge"])
    assert charge["amount_refunded"] == (2000 if status == "succeeded" else 0)
    assert (ended["failure_balance_transaction"] is None) is (status == "succeeded")
