"""Charges of the older API, the tokens and cards that pay for them, and what may be changed on any charge."""

import asyncio
from typing import Any

import pytest

from lockgate.gateway.invariants.check import check
from lockgate.gateway.payments import expire, recover
from lockgate.gateway.storage.packing import unpack
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind
from tests.gateway.payments.desk import SHOPPER, STRANGER
from tests.gateway.payments.till import Till, refusal

CARD = "card[number]=4242424242424242&card[exp_month]=12&card[exp_year]=2040&card[cvc]=123"
SALE = "amount=1000&currency=usd"
OLD = "2020-08-27"


async def sound(till: Till) -> None:
    """No invariant is broken, and nothing shows that an intent did the work."""
    assert await check(till.pool, now=clock.now() + 10_000) == []
    assert [type_ for type_ in await till.events() if type_.startswith("payment_intent.")] == []
    assert (await till.call("payment_intent.list"))["data"] == []


async def sell(till: Till, more: str = "&source=tok_visa", **options: Any) -> Any:
    return await till.call("charge.create", SALE + more, **options)


async def get(till: Till, charge: str) -> Any:
    return await till.call("charge.get", charge=charge)


async def test_a_charge_takes_money_and_says_nothing_of_an_intent(till: Till) -> None:
    made = await sell(
        till, "&source=tok_visa&description=Tea&metadata[a]=b&receipt_email=a@b.test&statement_descriptor_suffix=TEA"
    )
    assert (made["object"], made["status"], made["paid"], made["captured"]) == ("charge", "succeeded", True, True)
    assert (made["payment_intent"], made["amount_captured"], made["description"]) == (None, 1000, "Tea")
    assert (made["metadata"], made["receipt_email"]) == ({"a": "b"}, "a@b.test")
    assert (made["source"]["object"], made["source"]["brand"], made["source"]["last4"]) == ("card", "Visa", "4242")
    assert made["source"]["id"].startswith("card_")
    assert made["balance_transaction"].startswith("txn_")
    assert await get(till, made["id"]) == made
    assert await till.events() == ["charge.succeeded"]
    hidden = await till.pool.fetchval("select id from payment_intent")
    for verb in ("get", "confirm", "capture", "cancel", "update"):
        got = await refusal(till.call(f"payment_intent.{verb}", intent=hidden))
        assert (got.kind, got.code) == (Kind.NOT_FOUND, "resource_missing")
    await sound(till)


@pytest.mark.parametrize(
    ("body", "message", "param"),
    [
        ("", "Must provide source or customer.", None),
        (SALE, "Must provide source or customer.", None),
        ("currency=usd&source=tok_visa", "Missing required param: amount.", "amount"),
        ("amount=1000&source=tok_visa", "Missing required param: currency.", "currency"),
        ("amount=10&currency=usd&source=tok_visa", "Amount must be at least $0.50 usd", "amount"),
        ("amount=100000000&currency=usd&source=tok_visa", "Amount must be no more than $999,999.99 usd", "amount"),
        (SALE + "&source=tok_none", "No such token: 'tok_none'", "source"),
        (SALE + "&source=card_none", "No such token: 'card_none'", "source"),
        (SALE + "&customer=cus_none", "No such customer: 'cus_none'", "customer"),
    ],
)
async def test_a_charge_that_cannot_be_made_says_why(till: Till, body: str, message: str, param: str | None) -> None:
    got = await refusal(till.call("charge.create", body))
    assert (got.message, got.param) == (message, param)
    assert await till.pool.fetchval("select count(*) from payment_intent") == 0


async def test_a_declined_charge_is_there_and_the_error_names_it(till: Till) -> None:
    got = (await sell(till, "&source=tok_chargeDeclined", key="k"))["error"]
    assert (got["code"], got["decline_code"], got["message"]) == (
        "card_declined", "generic_decline", "Your card was declined."
    )  # fmt: skip
    assert "payment_intent" not in got
    (failed,) = (await till.call("charge.list"))["data"]
    assert (failed["status"], failed["paid"], failed["failure_code"]) == ("failed", False, "card_declined")
    assert await till.events() == ["charge.failed"]
    await sound(till)


async def test_a_card_that_wants_its_owner_is_declined(till: Till) -> None:
    got = (await sell(till, "&source=tok_threeDSecureRequired"))["error"]
    assert (got["code"], got["decline_code"]) == ("authentication_required", "authentication_required")
    await sound(till)


async def test_a_charge_is_authorised_and_captured_in_part(till: Till) -> None:
    made = await sell(till, "&source=tok_visa&capture=false")
    assert (made["status"], made["captured"], made["amount_captured"]) == ("succeeded", False, 0)
    assert made["payment_method_details"]["card"]["capture_before"] > made["created"]
    got = await refusal(till.call("charge.capture", "amount=1001", charge=made["id"]))
    assert got.code == "amount_too_large"
    taken = await till.call("charge.capture", "amount=400&statement_descriptor_suffix=TEA", charge=made["id"])
    assert (taken["captured"], taken["amount_captured"]) == (True, 400)
    assert taken["calculated_statement_descriptor"] == "TEA"
    again = await refusal(till.call("charge.capture", charge=made["id"]))
    assert (again.code, again.message) == (
        "charge_already_captured", f"Charge {made['id']} has already been captured."
    )  # fmt: skip
    assert await till.events() == ["charge.succeeded", "charge.captured"]
    await sound(till)


async def test_an_intents_charge_is_captured_by_its_intent_alone(till: Till) -> None:
    held = await till.get(await till.hold())
    got = await refusal(till.call("charge.capture", charge=held["latest_charge"]))
    assert held["id"] in got.message and "must capture the PaymentIntent" in got.message


async def test_an_uncaptured_charge_expires(till: Till) -> None:
    made = await sell(till, "&source=tok_visa&capture=false")
    await expire.portion(till.ports, now=clock.now() + 8 * 86_400)
    assert await till.events() == ["charge.succeeded", "charge.expired"]
    got = await refusal(till.call("charge.capture", charge=made["id"]))
    assert got.code == "charge_expired_for_capture"
    await sound(till)


@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
async def test_a_charge_without_an_answer_is_pending_and_ends(till: Till, fault: str) -> None:
    till.line.faults = [fault]
    made = await sell(till, key="k")
    assert (made["status"], made["paid"], made["captured"]) == ("pending", False, False)
    for _ in range(3):
        await till.make_due()
        await recover.portion(till.ports)
    after = await get(till, made["id"])
    ended = "succeeded" if fault == "lost_after" else "failed"
    assert after["status"] == ended
    assert await till.events() == ["charge.pending", f"charge.{ended}"]
    await sound(till)


@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
async def test_a_capture_without_an_answer_keeps_the_amount_apart(till: Till, fault: str) -> None:
    made = await sell(till, "&source=tok_visa&capture=false")
    till.line.faults = [fault]
    shown = await till.call("charge.capture", charge=made["id"])
    assert shown["captured"] is False
    assert (await refusal(till.call("charge.capture", charge=made["id"]))).code == "lock_timeout"
    for _ in range(3):
        await till.make_due()
        await recover.portion(till.ports)
    assert (await get(till, made["id"]))["captured"] is (fault == "lost_after")
    await sound(till)


async def test_a_charge_is_refunded_by_its_own_path(till: Till) -> None:
    made = await sell(till)
    back = await till.call("charge.refund", "amount=300&reason=duplicate", charge=made["id"])
    assert (back["object"], back["amount"], back["payment_intent"], back["status"]) == (
        "refund", 300, None, "succeeded"
    )  # fmt: skip
    await till.call("refund.create", f"charge={made['id']}")
    assert (await get(till, made["id"]))["refunded"] is True
    await sound(till)


async def test_a_token_is_made_by_a_browser_shown_and_used_once(till: Till) -> None:
    made = await till.call("token.create", CARD + "&card[name]=Ann&card[address_zip]=94107", who=SHOPPER)
    assert (made["object"], made["type"], made["used"], made["livemode"]) == ("token", "card", False, False)
    assert (made["card"]["last4"], made["card"]["name"], made["card"]["address_zip"]) == ("4242", "Ann", "94107")
    assert made["card"]["fingerprint"] is None
    assert (await refusal(till.call("token.get", token=made["id"], who=STRANGER))).message == (
        f"No such token: '{made['id']}'"
    )
    paid = await sell(till, f"&source={made['id']}")
    assert paid["source"]["name"] == "Ann"
    assert (await till.call("token.get", token=made["id"]))["used"] is True
    got = await refusal(sell(till, f"&source={made['id']}"))
    assert (got.code, got.param) == ("token_already_used", "source")
    stored = await till.pool.fetch("select data from event")
    assert all("Ann" not in str(unpack(row["data"])) for row in stored)
    await sound(till)


async def test_a_token_pays_once_whoever_comes_at_the_same_time(till: Till) -> None:
    token = (await till.call("token.create", CARD))["id"]
    tries = await asyncio.gather(*(sell(till, f"&source={token}") for _ in range(6)), return_exceptions=True)
    assert sum(isinstance(one, dict) for one in tries) == 1
    assert {getattr(one, "code", None) for one in tries if not isinstance(one, dict)} == {"token_already_used"}
    assert len(till.line.acquirer.accepted()) == 1
    await sound(till)


async def test_a_token_whose_charge_was_never_sent_may_be_used_again(till: Till) -> None:
    token = (await till.call("token.create", CARD))["id"]
    till.line.faults = ["not_sent"]
    assert (await refusal(sell(till, f"&source={token}", key="k"))).kind is Kind.UNAVAILABLE
    assert (await till.call("token.get", token=token))["used"] is False
    assert (await sell(till, f"&source={token}", key="k"))["status"] == "succeeded"
    await sound(till)


async def test_a_customer_keeps_a_tokens_card_and_is_charged(till: Till) -> None:
    token = (await till.call("token.create", CARD))["id"]
    customer = await till.call("customer.create", f"source={token}&email=a@b.test")
    assert customer["default_source"].startswith("card_")
    assert (await refusal(sell(till, f"&source={token}"))).code == "token_already_used"
    made = await sell(till, f"&customer={customer['id']}")
    assert (made["customer"], made["source"]["id"]) == (customer["id"], customer["default_source"])
    named = await sell(till, f"&customer={customer['id']}&source={customer['default_source']}")
    assert named["status"] == "succeeded"
    other = await till.call("customer.create", "source=tok_mastercard")
    got = await refusal(sell(till, f"&customer={customer['id']}&source={other['default_source']}"))
    assert (got.code, got.param) == ("missing", "source")
    await sound_with_customers(till)


async def test_a_customers_source_is_replaced_chosen_and_forgotten(till: Till) -> None:
    customer = await till.call("customer.create", "source=tok_visa")
    first = customer["default_source"]
    second = (await till.call("customer.update", "source=tok_mastercard", customer=customer["id"]))["default_source"]
    assert second != first
    back = await till.call("customer.update", f"default_source={first}", customer=customer["id"])
    assert back["default_source"] == first
    method = first.replace("card_", "pm_")
    await till.call("payment_method.detach", payment_method=method)
    assert (await till.call("customer.get", customer=customer["id"]))["default_source"] is None
    got = await refusal(till.call("customer.update", f"default_source={first}", customer=customer["id"]))
    assert got.param == "default_source"


async def sound_with_customers(till: Till) -> None:
    assert await check(till.pool, now=clock.now() + 10_000) == []


async def test_a_customer_without_a_card_cannot_be_charged(till: Till) -> None:
    customer = await till.customer()
    got = await refusal(sell(till, f"&customer={customer}"))
    assert (got.kind, got.code, got.param) == (Kind.CARD, "missing", "card")
    assert got.message == "Cannot charge a customer that has no active card"


async def test_a_charge_is_changed_and_says_what_was_before(till: Till) -> None:
    paid = await till.get((await till.pay())["id"])
    body = "description=Tea&metadata[a]=b&receipt_email=a@b.test&fraud_details[user_report]=safe"
    changed = await till.call("charge.update", body, charge=paid["latest_charge"])
    assert (changed["description"], changed["metadata"]) == ("Tea", {"a": "b"})
    assert changed["fraud_details"] == {"user_report": "safe"}
    row = await till.pool.fetchrow("select data, personal from event where type = 'charge.updated'")
    was = unpack(row["data"])["previous_attributes"]
    assert (was["description"], was["metadata"], was["fraud_details"]) == (None, {"a": None}, {"user_report": None})
    assert "receipt_email" not in was and b"receipt_email" in row["personal"]
    again = await till.call("charge.update", "description=Tea", charge=paid["latest_charge"])
    assert again["description"] == "Tea"
    assert (await till.events()).count("charge.updated") == 1
    customer = await till.customer()
    owned = await till.call("charge.update", f"customer={customer}", charge=paid["latest_charge"])
    assert (owned["customer"], owned["receipt_email"]) == (customer, "a@b.test")
    other = await till.customer()
    got = await refusal(till.call("charge.update", f"customer={other}", charge=paid["latest_charge"]))
    assert got.param == "customer"
    assert await check(till.pool, now=clock.now() + 10_000) == []


async def test_old_versions_show_refunds_in_charges_and_charges_in_intents(till: Till) -> None:
    made = await till.pay(version=OLD)
    (charge,) = made["charges"]["data"]
    assert charge["refunds"]["data"] == []
    back = await till.call("refund.create", f"charge={charge['id']}&amount=100", version=OLD)
    for shown in (
        await till.call("charge.get", charge=charge["id"], version=OLD),
        (await till.call("charge.list", version=OLD))["data"][0],
        (await till.call("payment_intent.get", intent=made["id"], version=OLD))["charges"]["data"][0],
        (await till.call("payment_intent.list", version=OLD))["data"][0]["charges"]["data"][0],
    ):
        assert [refund["id"] for refund in shown["refunds"]["data"]] == [back["id"]]
    got = await refusal(till.call("payment_intent.capture", intent=made["id"], version=OLD))
    assert got.embed is not None and "charges" in got.embed["payment_intent"]
    row = await till.pool.fetchrow("select data, personal from event where type = 'payment_intent.succeeded'")
    assert charge["id"].encode() in row["personal"]
    refunded = await till.event("charge.refunded")
    assert [refund["id"] for refund in refunded["refunds"]["data"]] == [back["id"]]
    new = await till.call("payment_intent.get", intent=made["id"])
    assert "charges" not in new and (await get(till, charge["id"]))["refunds"] is None
