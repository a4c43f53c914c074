"""What shops do beside paying, capturing and refunding: one shopper's or bookkeeper's errand each, drawn by lot."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from lockgate.kernel.ids import new_id

if TYPE_CHECKING:
    from tests.support.shop import Shop

_CARD = "payment_method_options[card]"
Errand = Callable[["Shop"], Awaitable[None]]


async def raise_it(shop: "Shop") -> None:
    """An authorisation is raised, then taken."""
    held = await _held(shop, request_incremental_authorization="if_available")
    if held is None:
        return
    path = f"/v1/payment_intents/{held['id']}"
    raised = await shop.then(f"{path}/increment_authorization", {"amount": held["amount"] + 500}, "payment_intent")
    if raised:
        await shop.then(f"{path}/capture", {}, "payment_intent")


async def take_it_in_parts(shop: "Shop") -> None:
    """Two captures of one authorisation, the second one final."""
    held = await _held(shop, request_multicapture="if_available")
    if held is None:
        return
    path = f"/v1/payment_intents/{held['id']}/capture"
    part = {"amount_to_capture": held["amount"] // 3, "final_capture": "false"}
    taken = await shop.then(path, part, "payment_intent")
    if taken.get("status") == "requires_capture":
        await shop.then(path, {}, "payment_intent")


async def pay_the_owner(shop: "Shop") -> None:
    """Money that is available at once comes in, and some that is available goes out to the bank."""
    paid = _payment(shop, payment_method="pm_card_bypassPending")
    await shop.then("/v1/payment_intents", paid, "payment_intent")
    out = {"amount": shop.dice.randrange(100, 4_000), "currency": "usd"}
    await shop.then("/v1/payouts", out, "payout", refusals={"balance_insufficient"})


async def argue(shop: "Shop") -> None:
    """A payment is disputed, and once that is known the shop hands in what it has to say."""
    paid = await shop.then(
        "/v1/payment_intents", _payment(shop, payment_method="pm_card_createDispute"), "payment_intent"
    )
    if paid.get("status") != "succeeded":
        return
    for _ in range(10):
        await shop.pause(1)
        found = (await shop.get(f"/v1/disputes?payment_intent={paid['id']}"))["data"]
        if found:
            letter = {"evidence[uncategorized_text]": "a letter"}
            await shop.then(f"/v1/disputes/{found[0]['id']}", letter, "dispute")
            return


async def charge_it(shop: "Shop") -> None:
    """The older API: a charge, held first or taken at once."""
    held = shop.dice.random() < 0.5
    asked = {"amount": shop.dice.randrange(100, 9_000), "currency": "usd", "source": "tok_visa",
             "metadata[order]": new_id("order"), "capture": str(not held).lower()}  # fmt: skip
    made = await shop.then("/v1/charges", asked, "charge")
    if held and made.get("status") == "succeeded":
        await shop.then(f"/v1/charges/{made['id']}/capture", {}, "charge")


async def open_a_session(shop: "Shop") -> None:
    """A checkout session that nobody pays; half of them are ended."""
    item = "line_items[0][price_data]"
    asked = {
        "mode": "payment", "success_url": "https://shop.test/thanks", "line_items[0][quantity]": 2,
        f"{item}[currency]": "usd", f"{item}[unit_amount]": 700, f"{item}[product_data][name]": "Tea bowl",
    }  # fmt: skip
    made = await shop.then("/v1/checkout/sessions", asked, "checkout_session")
    if made and shop.dice.random() < 0.5:
        await shop.then(f"/v1/checkout/sessions/{made['id']}/expire", {}, "checkout_session")


ERRANDS: tuple[Errand, ...] = (raise_it, take_it_in_parts, pay_the_owner, argue, charge_it, open_a_session)


def _payment(shop: "Shop", **more: str) -> dict[str, Any]:
    return {
        "amount": shop.dice.randrange(1_000, 9_000), "currency": "usd", "confirm": "true",
        "metadata[order]": new_id("order"), **more,
    }  # fmt: skip


async def _held(shop: "Shop", **options: str) -> dict[str, Any] | None:
    """An authorisation with these options; None where its outcome is not known."""
    asked = _payment(shop, payment_method="pm_card_visa", capture_method="manual")
    asked |= {f"{_CARD}[{name}]": value for name, value in options.items()}
    made = await shop.then("/v1/payment_intents", asked, "payment_intent")
    return made if made.get("status") == "requires_capture" else None
