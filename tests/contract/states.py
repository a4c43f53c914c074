"""Which operation is refused in which state, and by which code: the dialect's documented answers."""

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.contract import world as make
from tests.contract.world import World
from tests.contract.wrong import Fields

Made = Callable[[World], tuple[dict[str, str], Fields]]


@dataclass(frozen=True, slots=True)
class Case:
    """One refusal. ``embeds`` names the object that stands whole in the error."""

    operation: str
    state: str
    made: Made = field(repr=False)
    code: str | None
    status: int = 400
    embeds: str | None = None


def _on(name: str, maker: Callable[[World], str], *fields: tuple[str, str]) -> Made:
    return lambda world: ({name: maker(world)}, list(fields))


def _canceled(world: World) -> str:
    return world.post(f"/v1/payment_intents/{make.intent(world)}/cancel")["id"]


def _succeeded(world: World) -> str:
    return world.paid()["id"]


def _refunded_charge(world: World) -> str:
    charge = make.charge(world)
    world.post("/v1/refunds", charge=charge)
    return charge


def _canceled_setup(world: World) -> str:
    return world.post(f"/v1/setup_intents/{make.setup(world)}/cancel")["id"]


def _saved_setup(world: World) -> str:
    made = world.post("/v1/setup_intents", **{
        "confirm": "true", "payment_method": "pm_card_visa", "automatic_payment_methods[enabled]": "true",
        "automatic_payment_methods[allow_redirects]": "never",
    })
    assert made["status"] == "succeeded"
    return made["id"]


def _closed_dispute(world: World) -> str:
    return world.post(f"/v1/disputes/{make.dispute(world)}/close")["id"]


def _canceled_payout(world: World) -> str:
    return world.post(f"/v1/payouts/{make.payout(world)}/cancel")["id"]


def _approved_review(world: World) -> str:
    return world.post(f"/v1/reviews/{make.review(world)}/approve")["id"]


def _expired_session(world: World) -> str:
    return world.post(f"/v1/checkout/sessions/{make.session(world)}/expire")["id"]


def _detached(world: World) -> str:
    return world.post(f"/v1/payment_methods/{make.method(world)}/detach")["id"]


def _refund_of(charge: Callable[[World], str], *fields: tuple[str, str]) -> Made:
    return lambda world: ({}, [("charge", charge(world)), *fields])


INTENT = "payment_intent_unexpected_state"
SETUP = "setup_intent_unexpected_state"
TABLE = (
    Case("payment_intent.confirm", "succeeded", _on("intent", _succeeded), INTENT, embeds="payment_intent"),
    Case("payment_intent.confirm", "canceled", _on("intent", _canceled), INTENT, embeds="payment_intent"),
    Case("payment_intent.confirm", "without a card", _on("intent", make.intent), INTENT, embeds="payment_intent"),
    Case("payment_intent.capture", "not authorised", _on("intent", make.ready_intent), INTENT, embeds="payment_intent"),
    Case("payment_intent.capture", "succeeded", _on("intent", _succeeded), INTENT, embeds="payment_intent"),
    Case("payment_intent.capture", "canceled", _on("intent", _canceled), INTENT, embeds="payment_intent"),
    Case("payment_intent.cancel", "succeeded", _on("intent", _succeeded), INTENT, embeds="payment_intent"),
    Case("payment_intent.cancel", "canceled", _on("intent", _canceled), INTENT, embeds="payment_intent"),
    Case(
        "payment_intent.update", "succeeded", _on("intent", _succeeded, ("amount", "300")), INTENT,
        embeds="payment_intent",
    ),
    Case(
        "payment_intent.increment_authorization", "succeeded", _on("intent", _succeeded, ("amount", "9000")), INTENT,
        embeds="payment_intent",
    ),
    Case(
        "payment_intent.capture", "more than is authorised",
        _on("intent", lambda world: world.waiting(), ("amount_to_capture", "9000")), "amount_too_large",
    ),
    Case("refund.create", "all refunded", _refund_of(_refunded_charge), "charge_already_refunded"),
    Case("setup_intent.confirm", "canceled", _on("id", _canceled_setup), SETUP, embeds="setup_intent"),
    Case("setup_intent.confirm", "succeeded", _on("id", _saved_setup), SETUP, embeds="setup_intent"),
    Case("setup_intent.confirm", "without a card", _on("id", make.setup), SETUP, embeds="setup_intent"),
    Case("setup_intent.cancel", "canceled", _on("id", _canceled_setup), SETUP, embeds="setup_intent"),
    Case("setup_intent.cancel", "succeeded", _on("id", _saved_setup), SETUP, embeds="setup_intent"),
    Case("dispute.close", "closed", _on("dispute", _closed_dispute), None),
    Case("dispute.update", "closed", _on("dispute", _closed_dispute, ("submit", "true")), None),
    Case("payout.cancel", "canceled", _on("payout", _canceled_payout), None),
    Case("payout.reverse", "not paid", _on("payout", make.payout), None),
    Case("review.approve", "closed", _on("review", _approved_review), None),
    Case("checkout_session.expire", "expired", _on("session", _expired_session), None),
    Case("payment_method.detach", "not attached", _on("payment_method", _detached), None),
)  # fmt: skip
