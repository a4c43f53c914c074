"""What each operation needs beforehand, and which of its parameters exclude each other: what no declaration says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.contract import world as make
from tests.contract.world import World
from tests.support.door import Client

Made = Callable[[Any], str]  # from the world; administrative ones from a larger world
# A value of a parameter: plain, or made for the request from the world and the path's ids.
Value = Any | Callable[[Any, Mapping[str, str]], Any]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one operation is asked rightly.

    ``by`` is who asks, if not the world's own client; ``after`` mends what the request did to the world.
    ``path`` makes the path's ids by their names, anew for each request. ``always`` is sent besides what is required.
    ``values`` are right values by bracket name. ``apart`` names groups of parameters of which one request has one.
    ``needs`` names what must be sent along. ``never`` are parameters that this installation cannot be asked rightly,
    each with its reason; ``refused`` says why even a right request is 400. A name stands for all that begin with it.
    """

    path: Mapping[str, Made] = field(default_factory=dict)
    always: Mapping[str, Value] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)
    apart: tuple[tuple[str, ...], ...] = ()
    needs: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    never: Mapping[str, str] = field(default_factory=dict)
    refused: str = ""
    by: Callable[[Any], Client] | None = None
    after: Callable[[Any], None] | None = None


# The kind that a path's name means where it is not the kind's own name.
PATH_KINDS = {
    "intent": "payment_intent", "session": "checkout.session", "key": "ephemeral_key",
    "warning": "radar.early_fraud_warning", "value_list": "radar.value_list", "item": "radar.value_list_item",
}  # fmt: skip
# Ids in parameters.
IDS = {
    "customer": "customer", "payment_method": "payment_method", "payment_intent": "payment_intent", "charge": "charge",
    "source": "charge", "related_object": "customer", "webhook_endpoint": "webhook_endpoint",
    "setup_intent": "setup_intent", "value_list": "radar.value_list", "payout": "payout", "dispute": "dispute",
}  # fmt: skip
SEALED = "only a card sealed to this vault's keys is taken; tests/vault and the sweep of card numbers send them"
NEW_CUSTOMER = "a customer that is being created has no payment method attached yet"
AUTOMATIC = "only an automatic payout's movements are listed; tests/gateway/settlement ask for them"
FOUND = "created>1"


def _card(prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}[number]": "4242424242424242", f"{prefix}[token]": "tok_visa", f"{prefix}[exp_month]": 8,
        f"{prefix}[exp_year]": 2034, f"{prefix}[cvc]": "314",
    }


def _card_apart(prefix: str) -> tuple[tuple[str, ...], ...]:
    """A card is a token or a number with what belongs to it."""
    return tuple((f"{prefix}[token]", f"{prefix}[{name}]") for name in ("number", "exp_month", "exp_year", "cvc"))


def _search(path: str) -> Recipe:
    def page(world: World, _: Mapping[str, str]) -> str:
        return world.get(f"{path}/search", query=FOUND, limit=1)["next_page"]

    return Recipe(values={"query": FOUND, "page": page, "limit": 1})


def _with_source(world: World, _: Mapping[str, str]) -> str:
    """A customer with a card of the older kind."""
    return world.post("/v1/customers", source="tok_visa")["id"]


def _own_method(world: World, ids: Mapping[str, str]) -> str:
    """A payment method attached to the customer that is asked about."""
    return world.post(f"/v1/payment_methods/{make.loose_method(world)}/attach", customer=ids["customer"])["id"]


def _later(world: World, _: Mapping[str, str]) -> int:
    return world.get("/v1/test_helpers/clock")["now"] + 60


def _session(world: World, _: Mapping[str, str]) -> str:
    return make.radar_session(world)


PAY = "payment_method_data"
_RADAR = "radar_options[session]"
_PAYING = {
    _RADAR: _session, f"{PAY}[{_RADAR.replace('[', '][', 1)}": _session,
    **_card(f"{PAY}[card]"), f"{PAY}[type]": "card", "return_url": "https://shop.example/return",
    "payment_method_options[card][moto]": "false", "expected_payment_method_type": "card",
    "mandate_data[customer_acceptance][type]": "online", "mandate": lambda world, _: world.one("mandate"),
    "mandate_data[customer_acceptance][online][ip_address]": "203.0.113.7",
}  # fmt: skip
_PAYING_APART = (
    *_card_apart(f"{PAY}[card]"), ("payment_method", PAY), ("off_session", "setup_future_usage"),
    ("off_session", PAY), ("mandate", PAY), ("off_session", "mandate_data"), ("mandate", "mandate_data"),
    ("mandate", "setup_future_usage"),
    ("payment_method_types", "automatic_payment_methods"),
    ("mandate_data[customer_acceptance][online]", "mandate_data[customer_acceptance][offline]"),
)  # fmt: skip
_A_CARD = {f"{PAY}[type]": "card"}
_CONFIRMED = {"confirm": "true", "payment_method": "pm_card_visa"}
_INFERRED = "mandate_data[customer_acceptance][online][infer_from_client]"
_SAVED = {
    "confirm": "true", "off_session": "true", "customer": lambda world, _: world.one("customer"),
    "payment_method": lambda world, _: world.one("payment_method"),
}  # fmt: skip
_NEVER_SEALED = {f"{PAY}[card][sealed]": SEALED}
_NEVER = {**_NEVER_SEALED, _INFERRED: "only a browser with a publishable key may ask for it"}
_ALONE = {  # what a loose intent is paid with: a card that is no customer's
    **_PAYING, "payment_method": "pm_card_visa",
}  # fmt: skip
_PRICE = "line_items[0][price_data]"
_EMBEDDED = {"ui_mode": "embedded_page", "return_url": "https://shop.example/return"}
_LINES = {
    "success_url": "https://shop.example/thanks", "line_items[0][quantity]": 1,
    "line_items[0][price_data][currency]": "usd", "line_items[0][price_data][unit_amount]": 2000,
    "line_items[0][price_data][product_data][name]": "Linen shirt",
}  # fmt: skip
RECIPES: dict[str, Recipe] = {
    "balance_transaction.list": Recipe(values={"type": "charge"}, never={"payout": AUTOMATIC}),
    "charge.capture": Recipe(path={"charge": make.uncaptured}, values={"amount": 50}),
    "charge.create": Recipe(
        values={"source": "tok_visa", "customer": _with_source, _RADAR: _session},
        always={"source": "tok_visa", "amount": 500, "currency": "usd"},
        apart=(("customer", "source"),),
    ),
    "charge.search": _search("/v1/charges"),
    "checkout_session.create": Recipe(
        always=_LINES,
        values={
            **_LINES, f"{_PRICE}[unit_amount_decimal]": 2000, "ui_mode": "hosted_page",
            "expires_at": lambda world, _: _later(world, {}) + 7200,
        },
        apart=(
            ("success_url", "return_url"), ("cancel_url", "return_url"), ("ui_mode", "return_url"),
            ("success_url", "redirect_on_completion"), ("cancel_url", "redirect_on_completion"),
            ("ui_mode", "redirect_on_completion"), ("customer", "customer_email"), ("customer", "customer_creation"),
            ("setup_intent_data", "payment_intent_data"), ("setup_intent_data", "line_items"),
            ("customer_email", "setup_intent_data"),
            (f"{_PRICE}[unit_amount]", f"{_PRICE}[unit_amount_decimal]"),
        ),
        needs={
            "return_url": _EMBEDDED,
            "redirect_on_completion": _EMBEDDED,
            "setup_intent_data": {"mode": "setup"},
        },
    ),
    "customer.create": Recipe(
        values={"payment_method": "pm_card_visa", "source": "tok_visa"}, apart=(("source", "payment_method"),),
        never={"invoice_settings[default_payment_method]": NEW_CUSTOMER},
    ),
    "customer.search": _search("/v1/customers"),
    "customer.update": Recipe(
        values={
            "invoice_settings[default_payment_method]": _own_method, "default_source": _own_method, "source": "tok_visa"
        },
        apart=(("source", "default_source"),),
    ),
    "event.list": Recipe(
        values={"type": "customer.created", "types[0]": "customer.*", "types": ["customer.created"]},
        apart=(("type", "types"),),
    ),
    "event.redeliver": Recipe(path={"event": make.wanted_event}),
    "payment_intent.capture": Recipe(
        path={"intent": make.multicapturable}, values={"amount_to_capture": 100, "final_capture": "false"}
    ),
    "payment_intent.confirm": Recipe(
        path={"intent": make.customers_intent}, values={**_PAYING, "amount_to_confirm": 2000},
        apart=_PAYING_APART, needs={PAY: _A_CARD}, never=_NEVER,
    ),
    "payment_intent.create": Recipe(
        values={**_PAYING, "confirm": "true"}, apart=_PAYING_APART, never=_NEVER,
        needs={
            PAY: _A_CARD, "off_session": _SAVED, "mandate": _SAVED, "mandate_data": _CONFIRMED,
            "radar_options": _CONFIRMED,
        },
    ),
    "payment_intent.increment_authorization": Recipe(path={"intent": make.incrementable}, values={"amount": 2500}),
    "payment_intent.search": _search("/v1/payment_intents"),
    "payment_intent.update": Recipe(
        values=_PAYING, apart=_PAYING_APART, needs={PAY: _A_CARD}, never=_NEVER_SEALED
    ),
    "payment_method.attach": Recipe(path={"payment_method": make.loose_method}),
    "payment_method.create": Recipe(
        always={"card[token]": "tok_visa"}, values={**_card("card"), _RADAR: _session}, apart=_card_apart("card"),
        never={"card[sealed]": SEALED},
    ),
    "payout.create": Recipe(values={"amount": 100}),
    "payout.reverse": Recipe(path={"payout": make.paid_payout}),
    "refund.create": Recipe(
        always={"charge": lambda world, _: make.charge(world)},
        values={"amount": 10, "payment_intent": lambda world, _: world.paid()["id"]},
        apart=(("charge", "payment_intent"),),
    ),
    "refund.cancel": Recipe(refused="no refund of a card waits for an action, and no other can be canceled"),
    "setup_intent.confirm": Recipe(
        path={"id": make.ready_setup}, values=_ALONE, apart=_PAYING_APART, needs={PAY: _A_CARD}, never=_NEVER
    ),
    "setup_intent.create": Recipe(
        values={**_PAYING, "confirm": "true"}, apart=_PAYING_APART, never=_NEVER,
        needs={PAY: _A_CARD, "mandate_data": _CONFIRMED},
    ),
    "setup_intent.update": Recipe(values=_PAYING, apart=_PAYING_APART, needs={PAY: _A_CARD}, never=_NEVER_SEALED),
    "token.create": Recipe(
        always={"card[number]": "4242424242424242", "card[exp_month]": 8, "card[exp_year]": 2034},
        values=_card("card"), never={"card[sealed]": SEALED},
    ),
    "test_clock.advance": Recipe(
        always={"seconds": 60}, values={"seconds": 60, "frozen_time": _later}, apart=(("seconds", "frozen_time"),)
    ),
    "value_list.create": Recipe(values={"alias": lambda world, _: f"list_{world.number()}"}),
    "value_list.update": Recipe(values={"alias": lambda world, _: f"list_{world.number()}"}),
    "value_list_item.create": Recipe(values={"value": lambda world, _: f"item {world.number()}"}),
    "webhook_endpoint.create": Recipe(values={"url": "https://127.0.0.1:9/breadth"}),
    "webhook_endpoint.update": Recipe(values={"url": "https://127.0.0.1:9/breadth"}),
    "webhook_endpoint.list_deliveries": Recipe(
        path={"webhook_endpoint": lambda world: world.one("delivering_endpoint")}
    ),
}  # fmt: skip
