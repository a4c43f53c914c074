"""Every test card in every flow, against a whole Lockgate: codes, messages, charges, outcomes, checks, challenges."""

from collections.abc import Callable
from typing import Any

import pytest

from lockgate.kernel.testcards import READY_MADE
from tests.gateway.payments.cards_table import CARDS, CHALLENGE, OK, REFUSALS, UNPROVEN, Card, Refused, accepted
from tests.gateway.payments.whole import RETURN_URL, Shop, raw
from tests.support.door import Client, Reply

ADDRESS = {
    "payment_method_data[billing_details][address][line1]": "1 Example Street",
    "payment_method_data[billing_details][address][postal_code]": "12345",
}


def error_is(error: dict[str, Any], refused: Refused, *, to_shopper: bool = False) -> None:
    told = (error["type"], error["code"], error.get("decline_code"), error["message"])
    if to_shopper:
        assert told == (
            "card_error", refused.shopper_code or refused.code, refused.shopper_decline_code or refused.decline_code,
            refused.shopper_message or refused.message,
        )
        assert "advice_code" not in error and "network_decline_code" not in error
        return
    assert told == ("card_error", refused.code, refused.decline_code, refused.message)
    assert error.get("advice_code") == refused.advice_code
    assert error.get("network_decline_code") == refused.network_decline_code
    assert error.get("param") == refused.param


def paid(shop: Shop, intent: dict[str, Any], card: Card, *, status: str = "succeeded", code_sent: bool = True) -> None:
    """A payment that went through, and its charge; what somebody is to look at first is held."""
    if card.is_looked_at and not (status == "succeeded" and intent["amount_received"]):
        status = "requires_capture"
    assert (intent["status"], intent["last_payment_error"], intent["next_action"]) == (status, None, None)
    charge = shop.charge(intent["latest_charge"])
    assert (charge["status"], charge["paid"], charge["captured"]) == ("succeeded", True, status == "succeeded")
    assert (charge["failure_code"], charge["failure_message"]) == (None, None)
    outcome_is(charge, accepted(card.risk_level))
    if code_sent:
        shown = charge["payment_method_details"]["card"]["checks"]
        names = ("address_line1_check", "address_postal_code_check", "cvc_check")
        assert tuple(shown[name] for name in names) == card.checks


def outcome_is(charge: dict[str, Any], expected: dict[str, Any]) -> None:
    """The charge's outcome, whatever score the model in use gave it."""
    score = charge["outcome"]["risk_score"]
    assert score is None or 0 <= score <= 99
    assert {**charge["outcome"], "risk_score": None} == expected


def refused_payment(shop: Shop, reply: Reply, word: str, *, to_shopper: bool = False) -> None:
    """A declined payment: the answer, the intent and its failed charge."""
    expected = REFUSALS[word]
    assert reply.status == 402, reply.text
    error = reply.error
    error_is(error, expected, to_shopper=to_shopper)
    assert error["payment_intent"]["status"] == "requires_payment_method"
    failed_intent(shop, shop.read(error["payment_intent"]), word)


def failed_intent(shop: Shop, intent: dict[str, Any], word: str) -> None:
    expected = REFUSALS[word]
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
    last = intent["last_payment_error"]
    error_is(last, expected)
    assert last["payment_method"]["object"] == "payment_method"
    charge = shop.charge(intent["latest_charge"])
    assert last["charge"] == charge["id"]
    assert (charge["status"], charge["paid"], charge["captured"]) == ("failed", False, False)
    assert (charge["failure_code"], charge["failure_message"]) == (expected.code, expected.message)
    outcome_is(charge, expected.outcome)


def present(shop: Shop, number: str, card: Card, *, who: Client | None = None, **more: Any) -> None:
    """One payment with the cardholder there, to its end."""
    client = who or shop.server
    status = "requires_capture" if more.get("capture_method") == "manual" else "succeeded"
    made = shop.intent(**more)
    secret = {"client_secret": made["client_secret"]} if who else {}
    body = {**raw(number), **ADDRESS, "return_url": RETURN_URL, **secret}
    reply = client.post(f"/v1/payment_intents/{made['id']}/confirm", body)
    if card.present not in (OK, CHALLENGE):
        refused_payment(shop, reply, card.present, to_shopper=who is not None)
        return
    assert reply.status == 200, reply.text
    if card.present == OK:
        paid(shop, shop.read(made), card, status=status)
        return
    waiting = reply.json
    assert (waiting["status"], waiting["next_action"]["type"]) == ("requires_action", "redirect_to_url")
    assert waiting["next_action"]["redirect_to_url"]["return_url"] == RETURN_URL
    assert shop.read(made)["latest_charge"] is None
    after = shop.answer(waiting, "pass")
    if card.after == OK:
        paid(shop, after, card, status=status)
        trial = shop.charge(after["latest_charge"])["payment_method_details"]["card"]["three_d_secure"]
        assert (trial["authentication_flow"], trial["result"]) == ("challenge", "authenticated")
    else:
        failed_intent(shop, after, card.after)


def one_off(shop: Shop, number: str, card: Card) -> None:
    present(shop, number, card)


def kept_with_a_payment(shop: Shop, number: str, card: Card) -> None:
    customer = shop.customer()
    present(shop, number, card, customer=customer, setup_future_usage="off_session")
    saved = shop.server.get(f"/v1/customers/{customer}/payment_methods").json["data"]
    went_through = card.present == OK or (card.present == CHALLENGE and card.after == OK)
    assert [method["card"]["last4"] for method in saved] == ([number[-4:]] if went_through else [])


def captured_later(shop: Shop, number: str, card: Card) -> None:
    present(shop, number, card, capture_method="manual", metadata="")
    (newest,) = shop.server.get("/v1/payment_intents", {"limit": 1}).json["data"]
    if newest["status"] == "requires_capture":
        done = shop.server.post(f"/v1/payment_intents/{newest['id']}/capture").json
        paid(shop, done, card)


def from_a_browser(shop: Shop, number: str, card: Card) -> None:
    present(shop, number, card, who=shop.browser)


def failed_challenge(shop: Shop, number: str, card: Card) -> None:
    made = shop.intent(**raw(number), confirm="true", return_url=RETURN_URL)
    after = shop.answer(made, "fail")
    assert (after["status"], after["payment_method"], after["latest_charge"]) == ("requires_payment_method", None, None)
    error = after["last_payment_error"]
    assert (error["type"], error["code"], error["message"]) == (
        "invalid_request_error", "payment_intent_authentication_failure", UNPROVEN,
    )
    assert "decline_code" not in error and "charge" not in error


def asked_for_authentication(shop: Shop, number: str, card: Card) -> None:
    for way in ("any", "challenge"):
        options = {"payment_method_options[card][request_three_d_secure]": way}
        made = shop.intent(**raw(number), **options, confirm="true", return_url=RETURN_URL)
        if card.tried == CHALLENGE:
            assert made["status"] == "requires_action"
            continue
        if card.present != OK:
            assert made["error"]["code"] == REFUSALS[card.present].code
            continue
        trial = shop.charge(made["latest_charge"])["payment_method_details"]["card"]["three_d_secure"]
        assert trial["result"] == card.tried
        assert set(trial) == {
            "authentication_flow", "electronic_commerce_indicator", "result", "result_reason", "transaction_id",
            "version",
        }


def without_a_challenge(shop: Shop, number: str, card: Card) -> None:
    """error_on_requires_action: a challenge is a decline, with no charge to show for it."""
    made = shop.intent()
    body = {**raw(number), **ADDRESS, "error_on_requires_action": "true"}
    reply = shop.server.post(f"/v1/payment_intents/{made['id']}/confirm", body)
    if card.present == OK:
        paid(shop, reply.json, card)
    elif card.present != CHALLENGE:
        refused_payment(shop, reply, card.present)
    else:
        error = reply.error
        told = (reply.status, error["type"], error["code"], error["decline_code"])
        assert told == (402, "card_error", "authentication_required", "authentication_not_handled")
        after = shop.read(made)
        assert (after["status"], after["latest_charge"]) == ("requires_payment_method", None)


def set_up(shop: Shop, number: str, card: Card) -> None:
    customer = shop.customer()
    made = shop.server.post("/v1/setup_intents", {"customer": customer}).json
    body = {**raw(number), **ADDRESS, "return_url": RETURN_URL}
    reply = shop.server.post(f"/v1/setup_intents/{made['id']}/confirm", body)
    word, after = card.setup, reply.json
    if word == CHALLENGE:
        assert (after["status"], after["next_action"]["type"]) == ("requires_action", "redirect_to_url")
        (waiting,) = attempts(shop, made)
        assert (waiting["status"], waiting["id"]) == ("requires_action", after["latest_attempt"])
        after, word = shop.answer(after, "pass"), card.after_setup
    elif word != OK:
        assert reply.status == 402
        error_is(reply.error, REFUSALS[word])
        assert "charge" not in reply.error
        after = reply.error["setup_intent"]
    (tried,) = attempts(shop, made)
    assert (tried["id"], tried["setup_intent"]) == (after["latest_attempt"], made["id"])
    if word != OK:
        assert (after["status"], after["payment_method"]) == ("requires_payment_method", None)
        assert tried["status"] == "failed"
        error_is(after["last_setup_error"], REFUSALS[word])
        assert tried["setup_error"] == after["last_setup_error"]
        assert shop.server.get(f"/v1/customers/{customer}/payment_methods").json["data"] == []
        return
    assert (after["status"], after["last_setup_error"], tried["status"]) == ("succeeded", None, "succeeded")
    method = shop.server.get(f"/v1/payment_methods/{after['payment_method']}").json
    assert method["customer"] == customer
    assert method["card"]["checks"] == tried["payment_method_details"]["card"]["checks"]
    names = ("address_line1_check", "address_postal_code_check", "cvc_check")
    assert tuple(method["card"]["checks"][name] for name in names) == card.checks
    absent(shop, customer, method["id"], card.absent_set_up, card=card)


def attached(shop: Shop, number: str, card: Card) -> None:
    """Kept without asking her, then charged while she is away."""
    customer = shop.customer()
    made = shop.server.post("/v1/payment_methods", raw(number, "")).json
    reply = shop.server.post(f"/v1/payment_methods/{made['id']}/attach", {"customer": customer})
    if card.attach != OK:
        assert reply.status == 402
        error_is(reply.error, REFUSALS[card.attach])
        assert shop.server.get(f"/v1/payment_methods/{made['id']}").json["customer"] is None
        return
    assert reply.json["customer"] == customer
    absent(shop, customer, made["id"], card.absent, card=card)


def absent(shop: Shop, customer: str, method: str, word: str, *, card: Card) -> None:
    body = {
        "amount": 900, "currency": "usd", "customer": customer, "payment_method": method, "off_session": "true",
        "confirm": "true",
    }
    reply = shop.server.post("/v1/payment_intents", body)
    if word == OK:
        paid(shop, reply.json, card, code_sent=False)
        return
    refused_payment(shop, reply, word)
    assert reply.error["payment_intent"]["last_payment_error"]["payment_method"]["id"] == method


def attempts(shop: Shop, made: dict[str, Any]) -> list[dict[str, Any]]:
    return shop.server.get("/v1/setup_attempts", {"setup_intent": made["id"]}).json["data"]


FLOWS: list[Callable[[Shop, str, Card], None]] = [
    one_off, kept_with_a_payment, captured_later, from_a_browser, failed_challenge, asked_for_authentication,
    without_a_challenge, set_up, attached,
]  # fmt: skip


APPLIES: dict[Callable[[Shop, str, Card], None], Callable[[Card], bool]] = {
    failed_challenge: lambda card: card.present == CHALLENGE,
    asked_for_authentication: lambda card: card.tried is not None,  # else it is refused whatever is asked
}
CASES = [(number, flow) for number, card in CARDS.items() for flow in FLOWS if APPLIES.get(flow, bool)(card)]


@pytest.mark.parametrize(("number", "flow"), CASES, ids=lambda case: getattr(case, "__name__", case))
def test_a_card_in_a_flow(shop: Shop, number: str, flow: Callable[[Shop, str, Card], None]) -> None:
    flow(shop, number, CARDS[number])


def test_the_table_is_as_large_as_it_says() -> None:
    print(f"{len(CARDS)} cards in up to {len(FLOWS)} flows: {len(CASES)} cases")
    assert len(CARDS) == 36 and len(CASES) > 7 * len(CARDS)


@pytest.mark.parametrize("name", sorted(READY_MADE))
def test_a_ready_made_card_is_a_fresh_copy_each_time(shop: Shop, name: str) -> None:
    card = CARDS.get(READY_MADE[name], Card())
    ids = set()
    for _ in range(2):
        reply = shop.server.post(
            "/v1/payment_intents",
            {"amount": 500, "currency": "usd", "confirm": "true", "payment_method": name, "return_url": RETURN_URL},
        )
        if card.present in REFUSALS:
            assert (reply.status, reply.error["code"]) == (402, REFUSALS[card.present].code)
            ids.add(reply.error["payment_method"]["id"])
        else:
            expected = "requires_capture" if card.is_looked_at else "succeeded"
            expected = "requires_action" if card.present == CHALLENGE else expected
            assert reply.json.get("status") == expected, reply.text
            ids.add(reply.json["payment_method"])
    assert len(ids) == 2 and name not in ids


@pytest.mark.parametrize(
    ("changes", "code", "param", "message"),
    [
        ({"number": "4242424242424241"}, "incorrect_number", "number", "Your card number is incorrect."),
        ({"exp_month": "13"}, "invalid_expiry_month", "exp_month", "Your card's expiration month is invalid."),
        ({"exp_year": "2001"}, "invalid_expiry_year", "exp_year", "Your card's expiration year is invalid."),
        ({"exp_year": "2199"}, "invalid_expiry_year", "exp_year", "Your card's expiration year is invalid."),
        ({"cvc": "12"}, "invalid_cvc", "cvc", "Your card's security code is invalid."),
    ],
)
def test_a_card_that_cannot_be(shop: Shop, changes: dict[str, str], code: str, param: str, message: str) -> None:
    for prefix, path in (("", "/v1/payment_methods"), ("payment_method_data", "/v1/setup_intents")):
        card = f"{prefix}[card]" if prefix else "card"
        body = raw("4242424242424242", prefix) | {f"{card}[{name}]": value for name, value in changes.items()}
        reply = shop.server.post(path, body)
        error = reply.error
        assert (reply.status, error["type"], error["code"], error["param"], error["message"]) == (
            402, "card_error", code, param, message,
        )


def test_a_missing_part_is_named_in_full(shop: Shop) -> None:
    body = raw("4242424242424242")
    del body["payment_method_data[card][exp_month]"]
    reply = shop.server.post("/v1/payment_intents", {"amount": 100, "currency": "usd", **body})
    assert reply.error["message"] == "Missing required param: payment_method_data[card][exp_month]."
