"""How each row of the table comes to the moment of its order: what stands before it, and the request itself."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.faults.merchant import Merchant
from tests.faults.stories import Story
from tests.faults.truth import RAISED

CHALLENGED, DISPUTED, AT_ONCE = "4000002760003184", "4000000000000259", "4000000000000077"
RETURN_URL = "https://shop.test/back"
_OPTION = "payment_method_options[card]"
_AGREED = {
    "mandate_data[customer_acceptance][type]": "online",
    "mandate_data[customer_acceptance][online][ip_address]": "192.0.2.7",
    "mandate_data[customer_acceptance][online][user_agent]": "a browser",
}
_HELD = ("confirm", "capture", "cancel", "increment")
Recipe = Callable[[Story], Awaitable[None]]


def card(number: str, prefix: str = "payment_method_data") -> dict[str, str]:
    """The parameters that give a published test card."""
    fields = {"number": number, "exp_month": "12", "exp_year": "2040", "cvc": "123"}
    within, kind = (f"{prefix}[card]", f"{prefix}[type]") if prefix else ("card", "type")
    return {kind: "card", **{f"{within}[{name}]": value for name, value in fields.items()}}


async def made(merchant: Merchant, path: str, **params: Any) -> dict[str, Any]:
    """Something that is made without a fault."""
    said = await merchant.until_free(path, **params)
    assert said.status == 200, said.body
    return said.json


async def intent(story: Story, *, confirm: bool = False, **params: Any) -> dict[str, Any]:
    more = {"confirm": "true", "return_url": RETURN_URL} if confirm else {}
    if "payment_method_data[type]" not in params and "payment_method" not in params:
        params["payment_method"] = "pm_card_visa"
    given = {"amount": story.amount, "currency": "usd", **more, **params}
    return await made(story.merchant, "payment_intents", **given)


def orders(story: Story, path: str, **params: Any) -> None:
    story.path, story.params = path, params


def on_intent(story: Story, id_: str, verb: str, **params: Any) -> None:
    """The order is ``verb`` of a payment intent; its other verbs are asked meanwhile."""
    story.subject = id_
    orders(story, f"payment_intents/{id_}/{verb}", **params)
    others_of_intent(story)


def others_of_intent(story: Story) -> None:
    where = "payment_intents/{subject}"
    for word in _HELD:
        if word == "increment":
            story.others[word] = (f"{where}/increment_authorization", {"amount": story.amount + 9_000})
        else:
            story.others[word] = (f"{where}/{word}", {})
    story.others = {word: request for word, request in story.others.items() if word in story.row.meanwhile}


async def create_and_confirm(story: Story) -> None:
    orders(story, "payment_intents", amount=story.amount, currency="usd", payment_method="pm_card_visa", confirm="true")
    others_of_intent(story)


async def confirm(story: Story) -> None:
    on_intent(story, (await intent(story))["id"], "confirm")


async def hold(story: Story) -> None:
    on_intent(story, (await intent(story, capture_method="manual"))["id"], "confirm")


async def pay_off_session(story: Story) -> None:
    customer = await made(story.merchant, "customers")
    kept = await made(
        story.merchant, "setup_intents", customer=customer["id"], payment_method="pm_card_visa", confirm="true",
        return_url=RETURN_URL, **_AGREED,
    )
    waiting = await intent(story, customer=customer["id"], payment_method=kept["payment_method"])
    on_intent(story, waiting["id"], "confirm", off_session="true", mandate=kept["mandate"])


async def confirm_and_keep(story: Story) -> None:
    customer = await made(story.merchant, "customers")
    waiting = await intent(story, customer=customer["id"], setup_future_usage="off_session")
    story.method = waiting["payment_method"]
    on_intent(story, waiting["id"], "confirm", return_url=RETURN_URL, **_AGREED)


async def complete_by_the_shopper(story: Story) -> None:
    challenged = await intent(story, confirm=True, **card(CHALLENGED))
    story.subject = challenged["id"]
    story.visit = await story.merchant.passes(challenged["next_action"])
    others_of_intent(story)


async def complete_by_the_server(story: Story) -> None:
    challenged = await intent(story, confirm=True, confirmation_method="manual", **card(CHALLENGED))
    await story.merchant.opened(await story.merchant.passes(challenged["next_action"]))
    on_intent(story, challenged["id"], "confirm")


async def held(story: Story, **options: str) -> str:
    asked = {f"{_OPTION}[{name}]": value for name, value in options.items()}
    return (await intent(story, confirm=True, capture_method="manual", **asked))["id"]


async def capture(story: Story) -> None:
    on_intent(story, await held(story), "capture")


async def capture_a_part(story: Story) -> None:
    id_ = await held_twice_as_much(story)
    on_intent(story, id_, "capture", amount_to_capture=story.amount, final_capture="false")


async def held_twice_as_much(story: Story) -> str:
    """An authorisation of which a part of ``story.amount`` leaves something."""
    waiting = await made(
        story.merchant, "payment_intents", amount=story.amount + 500, currency="usd", payment_method="pm_card_visa",
        confirm="true", capture_method="manual", return_url=RETURN_URL,
        **{f"{_OPTION}[request_multicapture]": "if_available"},
    )
    return waiting["id"]


async def partly_taken(story: Story) -> str:
    id_ = await held_twice_as_much(story)
    await made(story.merchant, f"payment_intents/{id_}/capture", amount_to_capture=500, final_capture="false")
    return id_


async def capture_the_rest(story: Story) -> None:
    on_intent(story, await partly_taken(story), "capture")


async def release_the_rest(story: Story) -> None:
    on_intent(story, await partly_taken(story), "capture", amount_to_capture=0)


async def increment(story: Story) -> None:
    less = story.amount - 500  # the order carries the new total
    waiting = await made(
        story.merchant, "payment_intents", amount=less, currency="usd", payment_method="pm_card_visa", confirm="true",
        capture_method="manual", return_url=RETURN_URL,
        **{f"{_OPTION}[request_incremental_authorization]": "if_available"},
    )
    on_intent(story, waiting["id"], "increment_authorization", amount=story.amount, description=RAISED)


async def cancel(story: Story) -> None:
    on_intent(story, await held(story), "cancel")


async def expire(story: Story) -> None:
    story.subject = await held(story)
    others_of_intent(story)


async def refund(story: Story) -> None:
    story.parent = await story.merchant.captured(story.amount)
    orders(story, "refunds", payment_intent=story.parent, amount=story.amount)
    story.others["another refund"] = ("refunds", {"payment_intent": story.parent, "amount": 1})


async def charge(story: Story) -> None:
    orders(story, "charges", amount=story.amount, currency="usd", source="tok_visa")
    story.others = {"capture": ("charges/{subject}/capture", {}), "refund": ("refunds", {"charge": "{subject}"})}


async def old_charge(story: Story, **params: str) -> str:
    given = {"amount": story.amount, "currency": "usd", "source": "tok_visa", **params}
    return (await made(story.merchant, "charges", **given))["id"]


async def capture_a_charge(story: Story) -> None:
    story.subject = await old_charge(story, capture="false")
    orders(story, f"charges/{story.subject}/capture")
    story.others["capture"] = ("charges/{subject}/capture", {})


async def refund_a_charge(story: Story) -> None:
    story.parent = await old_charge(story)
    orders(story, f"charges/{story.parent}/refunds", amount=story.amount)
    story.others["another refund"] = (f"charges/{story.parent}/refunds", {"amount": 1})


async def set_up(story: Story) -> None:
    customer = await made(story.merchant, "customers")
    waiting = await made(story.merchant, "setup_intents", customer=customer["id"], payment_method="pm_card_visa")
    story.subject, story.method = waiting["id"], waiting["payment_method"]
    orders(story, f"setup_intents/{story.subject}/confirm", return_url=RETURN_URL, **_AGREED)
    story.others["confirm"] = ("setup_intents/{subject}/confirm", {})


async def create_and_set_up(story: Story) -> None:
    orders(story, "setup_intents", payment_method="pm_card_visa", confirm="true", return_url=RETURN_URL)
    story.others["confirm"] = ("setup_intents/{subject}/confirm", {})


async def complete_a_setup(story: Story) -> None:
    challenged = await made(
        story.merchant, "setup_intents", confirm="true", return_url=RETURN_URL, **card(CHALLENGED)
    )
    story.subject = challenged["id"]
    story.visit = await story.merchant.passes(challenged["next_action"])
    story.others["confirm"] = ("setup_intents/{subject}/confirm", {})


async def attach(story: Story) -> None:
    customer = await made(story.merchant, "customers")
    method = await made(story.merchant, "payment_methods", **card("4242424242424242", ""))
    story.subject = method["id"]
    orders(story, f"payment_methods/{story.subject}/attach", customer=customer["id"])


async def customer_with_a_card(story: Story) -> None:
    orders(story, "customers", source="tok_visa")


async def a_new_card(story: Story) -> None:
    story.subject = (await made(story.merchant, "customers"))["id"]
    orders(story, f"customers/{story.subject}", source="tok_visa")


async def earned(merchant: Merchant, amount: int) -> int:
    """Take money that is available at once, and wait until it is; returns how much there is then."""
    await made(
        merchant, "payment_intents", amount=amount, currency="usd", confirm="true", return_url=RETURN_URL,
        **card(AT_ONCE),
    )
    async with asyncio.timeout(60):
        while not (there := await available(merchant)):
            await asyncio.sleep(0.5)
    return there


async def available(merchant: Merchant) -> int:
    return sum(funds["amount"] for funds in (await merchant.get("balance"))["available"])


async def pay_out(story: Story) -> None:
    orders(story, "payouts", amount=story.amount, currency="usd")
    story.others["cancel"] = ("payouts/{subject}/cancel", {})


async def paid_out(story: Story) -> str:
    return (await made(story.merchant, "payouts", amount=story.amount, currency="usd"))["id"]


async def cancel_a_payout(story: Story) -> None:
    story.subject = await paid_out(story)
    orders(story, f"payouts/{story.subject}/cancel")
    story.others["cancel"] = ("payouts/{subject}/cancel", {})


async def reverse_a_payout(story: Story) -> None:
    """Its payout must be paid before the order: the merchant's clock is moved for all of them at once."""
    story.parent = await paid_out(story)
    orders(story, f"payouts/{story.parent}/reverse")
    story.others["reverse the original again"] = (f"payouts/{story.parent}/reverse", {})


async def disputed(merchant: Merchant, intent: str) -> str:
    """The dispute of a payment, once we were told of it."""
    async with asyncio.timeout(60):
        while not (found := (await merchant.get("disputes", payment_intent=intent))["data"]):
            await asyncio.sleep(0.5)
    return found[0]["id"]


async def a_dispute(story: Story) -> None:
    paid = await intent(story, confirm=True, **card(DISPUTED))
    story.subject = await disputed(story.merchant, paid["id"])
    evidence = {"evidence[uncategorized_text]": "a second letter"}
    story.others = {"more evidence": ("disputes/{subject}", evidence), "close": ("disputes/{subject}/close", {})}


async def answer_a_dispute(story: Story) -> None:
    await a_dispute(story)
    orders(story, f"disputes/{story.subject}", **{"evidence[uncategorized_text]": "a letter"})


async def close_a_dispute(story: Story) -> None:
    await a_dispute(story)
    orders(story, f"disputes/{story.subject}/close")


RECIPES: dict[str, Recipe] = {
    "create and confirm": create_and_confirm, "confirm": confirm, "hold": hold, "pay off session": pay_off_session,
    "confirm and keep the card": confirm_and_keep, "complete by the shopper": complete_by_the_shopper,
    "complete by the server": complete_by_the_server, "capture": capture, "capture a part": capture_a_part,
    "capture the rest": capture_the_rest, "release the rest": release_the_rest, "increment": increment,
    "cancel": cancel, "expire": expire, "refund": refund, "charge": charge, "capture a charge": capture_a_charge,
    "refund a charge": refund_a_charge, "set up": set_up, "create and set up": create_and_set_up,
    "complete a setup": complete_a_setup, "attach": attach,
    "customer with a card": customer_with_a_card, "a new card for a customer": a_new_card, "pay out": pay_out,
    "cancel a payout": cancel_a_payout, "reverse a payout": reverse_a_payout, "answer a dispute": answer_a_dispute,
    "close a dispute": close_a_dispute,
}  # fmt: skip
