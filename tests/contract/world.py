"""What breadth needs beforehand: objects of every kind in the state that an operation asks for, made over the API."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.door import Client

Ids = Mapping[str, str]
VERSION = {"Stripe-Version": "2026-09-30.dahlia"}


@dataclass
class World:
    """One merchant's objects, made when first asked for. ``made`` counts what must differ."""

    client: Client
    account: str
    kept: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    made: int = 0
    asking: Client | None = None
    """Who asks just now, if not ``client``."""

    @property
    def makers(self) -> Mapping[str, Callable[[Any], str]]:
        """How objects are made, by their kind."""
        return MAKERS

    def post(self, path: str, /, **params: Any) -> dict[str, Any]:
        reply = self.client.post(path, params, headers=VERSION)
        assert reply.status == 200, (path, params, reply.text)
        body = reply.json
        if body.get("client_secret"):
            self.secrets[body["id"]] = body["client_secret"]
        return body

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        reply = self.client.get(path, params)
        assert reply.status == 200, (path, reply.text)
        return reply.json

    def one(self, kind: str) -> str:
        """The id of an object of this kind: for reads and references."""
        if kind not in self.kept:
            self.kept[kind] = self.makers[kind](self)
        return self.kept[kind]

    def soon(self, path: str, **params: Any) -> dict[str, Any]:
        """The newest of a list that an event from outside fills."""
        end = time.monotonic() + 20
        while True:
            data = self.get(path, limit=1, **params)["data"]
            if data:
                return data[0]
            assert time.monotonic() < end, f"nothing came to {path}"
            time.sleep(0.1)

    def paid(self, card: str = "tok_visa", **params: Any) -> dict[str, Any]:
        """A confirmed payment intent."""
        given = {"amount": 2000, "currency": "usd", "confirm": "true", **params}
        if "payment_method" not in given:
            given |= {"payment_method_data[type]": "card", **card_fields(card)}
        return self.post("/v1/payment_intents", **given)

    def number(self) -> int:
        """One that was not given before."""
        self.made += 1
        return self.made

    def waiting(self, **params: Any) -> str:
        """A payment intent that waits to be captured."""
        return self.paid(capture_method="manual", **params)["id"]


def card_fields(card: str) -> dict[str, Any]:
    """A test card as payment_method_data: a ready-made token, or a published number."""
    inside = "payment_method_data[card]"
    if not card.isdigit():
        return {f"{inside}[token]": card}
    return {f"{inside}[number]": card, f"{inside}[exp_month]": 8, f"{inside}[exp_year]": 2034, f"{inside}[cvc]": "314"}


def customer(world: World) -> str:
    return world.post("/v1/customers", email="ada@example.com", name="Ada")["id"]


def loose_method(world: World) -> str:
    return world.post("/v1/payment_methods", **{"type": "card", "card[token]": "tok_visa"})["id"]


def method(world: World) -> str:
    return world.post(f"/v1/payment_methods/{loose_method(world)}/attach", customer=world.one("customer"))["id"]


def intent(world: World) -> str:
    return world.post("/v1/payment_intents", amount=2000, currency="usd")["id"]


def ready_intent(world: World) -> str:
    return world.post("/v1/payment_intents", amount=2000, currency="usd", payment_method="pm_card_visa")["id"]


def radar_session(world: World) -> str:
    """What a shopper's browser saw."""
    form = {"version": 1, "device][agent": "7f3a09c2", "device][webdriver": "false", "visit][form_ms": 41_250}
    return world.post("/v1/radar/sessions", **{f"signals[{name}]": value for name, value in form.items()})["id"]


def customers_intent(world: World) -> str:
    """A payment intent of the customer whose card and mandate there are."""
    asked = {"customer": world.one("customer"), "payment_method": world.one("payment_method")}
    return world.post("/v1/payment_intents", amount=2000, currency="usd", **asked)["id"]


def incrementable(world: World) -> str:
    asked = {"payment_method_options[card][request_incremental_authorization]": "if_available"}
    return world.waiting(**asked)


def multicapturable(world: World) -> str:
    return world.waiting(**{"payment_method_options[card][request_multicapture]": "if_available"})


def charge(world: World) -> str:
    return world.paid()["latest_charge"]


def uncaptured(world: World) -> str:
    return world.post("/v1/charges", amount=500, currency="usd", source="tok_visa", capture="false")["id"]


def refund(world: World) -> str:
    return world.post("/v1/refunds", charge=charge(world), amount=100)["id"]


def setup(world: World) -> str:
    return world.post("/v1/setup_intents")["id"]


def ready_setup(world: World) -> str:
    return world.post("/v1/setup_intents", payment_method="pm_card_visa")["id"]


def endpoint(world: World) -> str:
    url = "https://127.0.0.1:9/breadth"
    return world.post("/v1/webhook_endpoints", **{"url": url, "enabled_events[0]": "refund.failed"})["id"]


def transaction(world: World) -> str:
    return world.get(f"/v1/charges/{world.one('charge')}")["balance_transaction"]


def event(world: World) -> str:
    world.one("customer")
    return world.soon("/v1/events")["id"]


def wanted_event(world: World) -> str:
    """An event that an endpoint wants."""
    url = "https://127.0.0.1:9/breadth"
    world.post("/v1/webhook_endpoints", **{"url": url, "enabled_events[0]": "refund.created"})
    made = refund(world)
    return world.soon("/v1/events", type="refund.created", related_object=made)["id"]


def dispute(world: World) -> str:
    """An open dispute: raised by the outside after a payment with the card that promises one."""
    paid = world.paid("4000000000000259")
    return world.soon("/v1/disputes", payment_intent=paid["id"])["id"]


def warning(world: World) -> str:
    paid = world.paid("4000000000005423")
    return world.soon("/v1/radar/early_fraud_warnings", charge=paid["latest_charge"])["id"]


def review(world: World) -> str:
    paid = world.paid("4000000000009235")
    return next(one["id"] for one in world.get("/v1/reviews")["data"] if one["payment_intent"] == paid["id"])


def mandate(world: World) -> str:
    accepted = "mandate_data[customer_acceptance]"
    made = world.post("/v1/setup_intents", **{
        "confirm": "true", "customer": world.one("customer"), "payment_method": world.one("payment_method"),
        "usage": "off_session", f"{accepted}[type]": "offline",
        "automatic_payment_methods[enabled]": "true", "automatic_payment_methods[allow_redirects]": "never",
    })
    return made["mandate"]


def payout(world: World) -> str:
    """A payout under way. Money that is available at once pays for it."""
    world.paid("4000000000000077", amount=9000)
    return world.post("/v1/payouts", amount=300, currency="usd")["id"]


def paid_payout(world: World) -> str:
    made = payout(world)
    end = time.monotonic() + 20
    while world.get(f"/v1/payouts/{made}")["status"] != "paid":
        assert time.monotonic() < end, "the payout never arrived"
        world.post("/v1/test_helpers/clock/advance", seconds=3 * 86_400)
        time.sleep(0.2)
    return made


def session(world: World) -> str:
    return world.post("/v1/checkout/sessions", **{
        "mode": "payment", "success_url": "https://shop.example/thanks", "line_items[0][quantity]": 1,
        "line_items[0][price_data][currency]": "usd", "line_items[0][price_data][unit_amount]": 2000,
        "line_items[0][price_data][product_data][name]": "Linen shirt",
    })["id"]


def value_list(world: World) -> str:
    return world.post("/v1/radar/value_lists", alias=f"list_{world.number()}", name="Breadth", item_type="string")["id"]


def value_list_item(world: World) -> str:
    owner = world.one("radar.value_list")
    return world.post("/v1/radar/value_list_items", value_list=owner, value=f"item {world.number()}")["id"]


def token(world: World) -> str:
    card = {"number": "4242424242424242", "exp_month": 8, "exp_year": 2034, "cvc": "314"}
    return world.post("/v1/tokens", **{f"card[{name}]": value for name, value in card.items()})["id"]


def ephemeral_key(world: World) -> str:
    return world.post("/v1/ephemeral_keys", customer=world.one("customer"))["id"]


def setup_attempt(world: World) -> str:
    made = ready_setup(world)
    world.post(f"/v1/setup_intents/{made}/confirm", return_url="https://shop.example/return")
    return world.get("/v1/setup_attempts", setup_intent=made)["data"][0]["id"]


def line_item(world: World) -> str:
    return world.get(f"/v1/checkout/sessions/{world.one('checkout.session')}/line_items")["data"][0]["id"]


def delivering_endpoint(world: World) -> str:
    """An endpoint to which something was to be delivered."""
    url = "https://127.0.0.1:9/breadth"
    made = world.post("/v1/webhook_endpoints", **{"url": url, "enabled_events[0]": "refund.created"})["id"]
    refund(world)
    world.soon(f"/v1/webhook_endpoints/{made}/deliveries")
    return made


def delivery(world: World) -> str:
    return world.soon(f"/v1/webhook_endpoints/{world.one('delivering_endpoint')}/deliveries")["id"]


MAKERS: dict[str, Callable[[World], str]] = {
    "account": lambda world: world.account,
    "balance_transaction": transaction,
    "charge": charge,
    "customer": customer,
    "event": event,
    "payment_intent": intent,
    "payment_method": method,
    "refund": refund,
    "setup_intent": setup,
    "webhook_endpoint": endpoint,
    "checkout.session": session,
    "dispute": dispute,
    "ephemeral_key": ephemeral_key,
    "mandate": mandate,
    "payout": payout,
    "radar.early_fraud_warning": warning,
    "radar.value_list": value_list,
    "radar.value_list_item": value_list_item,
    "review": review,
    "setup_attempt": setup_attempt,
    "token": token,
    "item": line_item,
    "delivering_endpoint": delivering_endpoint,
    "webhook_delivery": delivery,
}
