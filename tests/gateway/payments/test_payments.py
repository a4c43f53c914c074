"""Payments through real storage: what the merchant is told, what is written, and what the books and events say."""

import asyncio
import json

import pytest

from lockgate.gateway.ledger import find as books
from lockgate.gateway.payments.core.shapes import CHARGE, PAYMENT_INTENT
from lockgate.kernel.errors import Kind
from tests.gateway.payments.desk import SHOPPER, STRANGER
from tests.gateway.payments.till import RETURN_URL, Till, refusal


async def test_a_card_is_charged_in_one_request(till: Till) -> None:
    made = await till.pay(key="k1", more="&metadata[order]=6735&description=Tea")
    assert set(made) == set(PAYMENT_INTENT.fields)
    assert (made["status"], made["amount_received"], made["amount_capturable"]) == ("succeeded", 1000, 0)
    assert made["client_secret"].startswith(f"{made['id']}_secret_")
    charge = await till.call("charge.get", charge=made["latest_charge"])
    assert set(charge) == set(CHARGE.fields)
    assert (charge["paid"], charge["captured"], charge["amount_captured"]) == (True, True, 1000)
    assert charge["outcome"]["seller_message"] == "Payment complete."
    assert charge["payment_method_details"]["card"]["checks"]["cvc_check"] == "pass"
    assert (charge["payment_intent"], charge["metadata"]) == (made["id"], {"order": "6735"})
    balances = await books.balances(till.pool, account="acct_a", livemode=False)
    assert balances == {
        ("processor:simulator", "usd"): -1000, ("merchant:pending", "usd"): 941, ("fees:simulator", "usd"): 59,
    }  # fmt: skip
    assert sorted(await till.events()) == ["charge.succeeded", "payment_intent.created", "payment_intent.succeeded"]
    created = await till.event("payment_intent.created")
    assert (created["status"], created["client_secret"], created["latest_charge"]) == (
        "requires_confirmation", None, None,
    )  # fmt: skip
    stored = await till.pool.fetchrow("select status, answer from idempotency where key = 'k1'")
    assert stored is not None and json.loads(stored["answer"]) == made
    assert await till.get(made["id"]) == made
    (listed,) = (await till.call("charge.list", f"payment_intent={made['id']}"))["data"]
    assert listed == charge
    audits = await till.pool.fetch("select action, outcome from audit order by id")
    assert [row["outcome"] for row in audits if row["action"] == "payment_intent.confirm"] == ["begun", "approved"]


async def test_creating_confirming_and_listing_apart(till: Till) -> None:
    made = await till.call("payment_intent.create", "amount=2000&currency=eur")
    assert made["status"] == "requires_payment_method"
    assert made["automatic_payment_methods"] == {"allow_redirects": "always", "enabled": True}
    got = await refusal(till.call("payment_intent.confirm", intent=made["id"]))
    assert got.code == "payment_intent_unexpected_state"
    assert (got.embed or {})["payment_intent"]["status"] == "requires_payment_method"
    changed = await till.call("payment_intent.update", "amount=2500&payment_method=pm_card_visa", intent=made["id"])
    assert (changed["status"], changed["amount"]) == ("requires_confirmation", 2500)
    paid = await till.call("payment_intent.confirm", intent=made["id"], key="c1")
    assert (paid["status"], paid["amount_received"]) == ("succeeded", 2500)
    second = await till.pay()
    page = await till.call("payment_intent.list", "limit=1")
    assert ([row["id"] for row in page["data"]], page["has_more"]) == ([second["id"]], True)
    rest = await till.call("payment_intent.list", f"starting_after={second['id']}")
    assert [row["id"] for row in rest["data"]] == [made["id"]]
    back = await till.call("payment_intent.list", f"ending_before={made['id']}")
    assert [row["id"] for row in back["data"]] == [second["id"]]


async def test_a_declined_card_is_told_stored_and_can_be_replaced(till: Till) -> None:
    got = await till.pay("pm_card_chargeDeclinedInsufficientFunds", key="k1")
    error = got["error"]
    assert (error["code"], error["decline_code"]) == ("card_declined", "insufficient_funds")
    intent = error["payment_intent"]
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
    assert intent["last_payment_error"]["payment_method"]["object"] == "payment_method"
    charge = await till.call("charge.get", charge=intent["latest_charge"])
    assert (charge["status"], charge["paid"], charge["failure_code"]) == ("failed", False, "card_declined")
    assert charge["outcome"]["reason"] == "insufficient_funds"
    assert sorted(await till.events()) == ["charge.failed", "payment_intent.created", "payment_intent.payment_failed"]
    stored = await till.pool.fetchrow("select status, answer from idempotency where key = 'k1'")
    assert stored is not None and (stored["status"], json.loads(stored["answer"])) == (402, got)
    # What was said about the person stands only under seal.
    assert "last_payment_error" not in await till.pool.fetchval("select data::text from payment_intent")
    paid = await till.call("payment_intent.confirm", "payment_method=pm_card_visa", intent=intent["id"])
    assert (paid["status"], paid["last_payment_error"]) == ("succeeded", None)
    assert await till.pool.fetchval("select count(*) from transfer where kind = 'capture'") == 1


async def test_a_browser_is_told_less_about_a_decline(till: Till) -> None:
    made = await till.call("payment_intent.create", "amount=1000&currency=usd")
    got = await till.call(
        "payment_intent.confirm", "payment_method=pm_card_chargeDeclinedLostCard", intent=made["id"], who=SHOPPER
    )
    assert got["error"]["decline_code"] == "generic_decline"
    assert "lost" not in json.dumps(got["error"]["payment_intent"])
    assert "latest_charge" not in got["error"]["payment_intent"]
    seen = await till.get(made["id"])
    assert seen["last_payment_error"]["decline_code"] == "lost_card"


async def test_a_browser_may_not_say_that_nobody_is_there(till: Till) -> None:
    made = await till.call("payment_intent.create", "amount=1000&currency=usd&confirmation_method=manual")
    body = "payment_method=pm_card_visa"
    absent = till.call("payment_intent.confirm", f"{body}&off_session=true", intent=made["id"], who=SHOPPER)
    got = await refusal(absent)
    assert (got.kind, got.param) == (Kind.FORBIDDEN, "off_session")
    got = await refusal(till.call("payment_intent.confirm", body, intent=made["id"], who=SHOPPER))
    assert got.code == "secret_key_required"
    assert not till.line.orders


@pytest.mark.parametrize(("body", "param", "code"), [
    ("amount=10&currency=usd", "amount", "amount_too_small"),
    ("amount=1000&currency=xxx", "currency", None),
    ("currency=usd", "amount", "parameter_missing"),
    ("amount=1000&currency=usd&payment_method_types[]=upi", "payment_method_types", "parameter_unsupported"),
    ("amount=1000&currency=usd&return_url=https://a.test/", "return_url", None),
    ("amount=1000&currency=usd&confirm=true", None, "payment_intent_unexpected_state"),
    ("amount=1000&currency=usd&customer=cus_none", "customer", "resource_missing"),
    ("amount=1000&currency=usd&payment_method=pm_none", "payment_method", "resource_missing"),
    ("amount=1000&currency=usd&payment_method=pm_card_visa&payment_method_data[type]=card", "payment_method_data",
     "parameters_exclusive"),
    ("amount=1000&currency=usd&confirm=true&off_session=true&setup_future_usage=off_session&payment_method=pm_card_visa",
     "off_session", "parameters_exclusive"),
])  # fmt: skip
async def test_requests_that_cannot_be_right_are_refused(till: Till, body: str, param: str, code: str | None) -> None:
    got = await refusal(till.call("payment_intent.create", body))
    assert (got.param, got.code) == (param, code)
    assert await till.pool.fetchval("select count(*) from payment_intent") == 0


async def test_a_browser_cannot_give_back_what_the_merchant_holds(till: Till) -> None:
    held = await till.hold()
    got = await refusal(till.call("payment_intent.cancel", intent=held, who=SHOPPER))
    assert (got.kind, got.code) == (Kind.FORBIDDEN, "secret_key_required")
    assert (await till.get(held))["status"] == "requires_capture"
    open_one = await till.call("payment_intent.create", "amount=1000&currency=usd")
    assert (await till.call("payment_intent.cancel", intent=open_one["id"], who=SHOPPER))["status"] == "canceled"


@pytest.mark.parametrize("name", ["payment_intent.list", "charge.list", "refund.list", "setup_intent.list"])
async def test_a_page_has_one_cursor_and_one_that_exists(till: Till, name: str) -> None:
    got = await refusal(till.call(name, "starting_after=x_1&ending_before=x_2"))
    assert (got.kind, got.code, got.param) == (Kind.INVALID, "parameters_exclusive", "ending_before")
    for cursor in ("starting_after", "ending_before"):
        got = await refusal(till.call(name, f"{cursor}=x_1"))
        assert (got.kind, got.code, got.param) == (Kind.INVALID, "resource_missing", cursor)


async def test_another_account_sees_nothing(till: Till) -> None:
    made = await till.pay()
    for name in ("payment_intent.get", "payment_intent.confirm", "payment_intent.capture", "payment_intent.cancel"):
        got = await refusal(till.call(name, intent=made["id"], who=STRANGER))
        assert (got.kind, got.message) == (Kind.NOT_FOUND, f"No such payment_intent: '{made['id']}'")
    got = await refusal(till.call("charge.get", charge=made["latest_charge"], who=STRANGER))
    assert got.code == "resource_missing"
    assert (await till.call("payment_intent.list", who=STRANGER))["data"] == []


async def test_a_capture_takes_a_part_and_releases_the_rest(till: Till) -> None:
    held = await till.hold()
    assert (await till.event("payment_intent.amount_capturable_updated"))["amount_capturable"] == 1000
    got = await refusal(till.call("payment_intent.capture", "amount_to_capture=1001", intent=held))
    assert got.param == "amount_to_capture"
    taken = await till.call("payment_intent.capture", "amount_to_capture=600", intent=held, key="k1")
    assert (taken["status"], taken["amount_received"], taken["amount_capturable"]) == ("succeeded", 600, 0)
    charge = await till.call("charge.get", charge=taken["latest_charge"])
    assert (charge["amount"], charge["amount_captured"], charge["captured"]) == (1000, 600, True)
    phases = await till.pool.fetch("select phase, kind, amount from transfer order by id")
    assert sorted(tuple(row) for row in phases) == [
        ("pending", "authorization", 1000), ("posted", "capture", 600), ("posted", "fee", 47), ("void", "release", 400),
    ]  # fmt: skip
    again = await refusal(till.call("payment_intent.capture", intent=held))
    assert again.code == "payment_intent_unexpected_state"
    assert again.embed is not None and again.embed["payment_intent"]["status"] == "succeeded"


async def test_a_cancel_voids_what_was_authorised(till: Till) -> None:
    held = await till.hold()
    done = await till.call("payment_intent.cancel", "cancellation_reason=duplicate", intent=held)
    assert (done["status"], done["cancellation_reason"], done["amount_capturable"]) == ("canceled", "duplicate", 0)
    assert not till.line.acquirer.accepted()
    assert (await refusal(till.call("payment_intent.capture", intent=held))).code == "payment_intent_unexpected_state"
    open_one = await till.call("payment_intent.create", "amount=1000&currency=usd")
    sent = len(till.line.orders)
    assert (await till.call("payment_intent.cancel", intent=open_one["id"]))["status"] == "canceled"
    assert len(till.line.orders) == sent
    assert (await till.events()).count("payment_intent.canceled") == 2


async def test_a_saved_card_pays_when_nobody_is_there(till: Till) -> None:
    customer = await till.customer()
    first = await till.pay(more=f"&customer={customer}&setup_future_usage=off_session")
    assert first["status"] == "succeeded"
    saved = first["payment_method"]
    row = await till.method(saved)
    assert row.customer == customer
    assert json.loads(row.data)["consent"]["network_transaction_id"] == "ntx_1"
    assert "payment_method.attached" in await till.events()
    later = await till.pay(saved, more=f"&customer={customer}&off_session=true")
    assert later["status"] == "succeeded"
    order = till.line.orders[-1]
    assert "card.cvc" not in {getattr(part, "name", "") for part in order.body}
    other = await till.customer()
    got = await refusal(till.pay(saved, more=f"&customer={other}"))
    assert got.param == "payment_method"
    got = await refusal(till.pay(saved))
    assert got.param == "payment_method"


async def test_an_absent_shopper_cannot_consent_in_two_steps_either(till: Till) -> None:
    made = await till.call("payment_intent.create", "amount=1000&currency=usd&setup_future_usage=off_session")
    absent = "off_session=true&payment_method=pm_card_visa"
    got = await refusal(till.call("payment_intent.confirm", absent, intent=made["id"]))
    assert (got.param, got.code) == ("off_session", "parameters_exclusive")
    taken_back = await till.call("payment_intent.update", "setup_future_usage=", intent=made["id"])
    assert taken_back["setup_future_usage"] is None
    data = "payment_method_data[type]=card&payment_method_data[card][token]=tok_visa"
    got = await refusal(till.call("payment_intent.confirm", f"off_session=true&{data}", intent=made["id"]))
    assert (got.param, got.code) == ("payment_method", "parameter_missing")
    assert not till.line.orders
    assert (await till.call("payment_intent.confirm", absent, intent=made["id"]))["status"] == "succeeded"


async def test_what_stands_on_the_statement_follows_the_capture(till: Till) -> None:
    held = await till.hold()
    done = await till.call("payment_intent.capture", "statement_descriptor=Tea House", intent=held)
    charge = await till.call("charge.get", charge=done["latest_charge"])
    assert charge["statement_descriptor"] == charge["calculated_statement_descriptor"] == "Tea House"


async def test_an_absent_shopper_cannot_be_challenged(till: Till) -> None:
    got = await till.pay("pm_card_threeDSecure2Required", more="&off_session=true")
    assert got["error"]["code"] == "authentication_required"
    got = await till.pay("pm_card_threeDSecure2Required", more="&error_on_requires_action=true")
    assert got["error"]["payment_intent"]["status"] == "requires_payment_method"
    assert not till.line.acquirer.accepted()


async def test_a_challenge_without_a_way_back_is_refused_and_leaves_no_trace(till: Till) -> None:
    body = "amount=1000&currency=usd"
    made = await till.call("payment_intent.create", body)
    got = await till.call(
        "payment_intent.confirm", "payment_method=pm_card_threeDSecure2Required", intent=made["id"], key="k1"
    )
    assert (got["error"]["code"], got["error"]["param"]) == ("parameter_missing", "return_url")
    after = await till.get(made["id"])
    assert (after["status"], after["payment_method"]) == ("requires_payment_method", None)
    assert await till.events() == ["payment_intent.created"]


async def test_an_address_and_a_receipt_go_under_seal(till: Till) -> None:
    more = "&receipt_email=a@b.test&shipping[name]=Jenny&shipping[address][line1]=Street 1"
    made = await till.pay(more=more)
    assert (made["receipt_email"], made["shipping"]["name"]) == ("a@b.test", "Jenny")
    for table in ("payment_intent", "charge"):
        assert "Jenny" not in await till.pool.fetchval(f"select data::text from {table}")
    changed = await till.call("payment_intent.update", "receipt_email=&metadata[a]=b", intent=made["id"])
    assert (changed["receipt_email"], changed["shipping"]["name"]) == (None, "Jenny")
    got = await refusal(till.call("payment_intent.update", "amount=5000", intent=made["id"]))
    assert got.code == "payment_intent_unexpected_state"


async def test_fifty_captures_take_the_money_once(till: Till) -> None:
    held = await till.hold()
    tries = [till.call("payment_intent.capture", intent=held) for _ in range(50)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(answer, dict) for answer in answers) == 1
    assert {getattr(a, "code", None) for a in answers if not isinstance(a, dict)} <= {
        "lock_timeout", "payment_intent_unexpected_state",
    }  # fmt: skip
    assert till.line.acquirer.captured() == 1000
    assert await till.pool.fetchval("select sum(amount) from transfer where kind = 'capture'") == 1000


async def test_capture_and_cancel_race_to_one_winner(till: Till) -> None:
    held = await till.hold()
    tries = [till.call(f"payment_intent.{verb}", intent=held) for verb in ("capture", "cancel") * 10]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    won = [answer for answer in answers if isinstance(answer, dict)]
    assert len(won) == 1
    assert (await till.get(held))["status"] == won[0]["status"]
    assert bool(till.line.acquirer.captured()) == (won[0]["status"] == "succeeded")


async def test_many_confirmations_authorise_once(till: Till) -> None:
    made = await till.call("payment_intent.create", "amount=1000&currency=usd&payment_method=pm_card_visa")
    tries = [
        till.call("payment_intent.confirm", f"return_url={RETURN_URL}", intent=made["id"], key=f"k{n}")
        for n in range(30)
    ]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(answer, dict) for answer in answers) == 1
    assert len(till.line.acquirer.accepted()) == 1


async def test_old_versions_find_the_charges_in_the_intent(till: Till) -> None:
    old = "2020-08-27"
    made = await till.pay(version=old)
    assert [charge["id"] for charge in made["charges"]["data"]] == [made["latest_charge"]]
    assert made["automatic_payment_methods"] is None
    got = await till.call("payment_intent.get", intent=made["id"], version=old)
    assert got["charges"] == made["charges"]
    assert "charges" not in await till.get(made["id"])
