"""Sessions against a real database: made, paid, learnt of once, expired, listed, and closed to others."""

import asyncio
import json

import pytest

from lockgate.gateway.checkout.core.shapes import CHECKOUT_SESSION, LINE_ITEM
from lockgate.gateway.invariants.check import check
from lockgate.gateway.payments import recover
from lockgate.gateway.storage import records
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.search import keyed_hash
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from tests.gateway.checkout.counter import ITEM, PAYMENT, SETUP
from tests.gateway.payments.desk import MERCHANT, STRANGER

pytestmark = pytest.mark.asyncio


async def test_a_session_has_every_field_and_an_intent(counter):
    made = await counter.do("create", {**PAYMENT, "metadata[order]": "7", "client_reference_id": "cart"})
    assert set(made) == set(CHECKOUT_SESSION.fields)
    assert made["id"].startswith("cs_test_") and len(made["id"]) > 45
    assert (made["status"], made["payment_status"], made["mode"]) == ("open", "unpaid", "payment")
    assert (made["amount_subtotal"], made["amount_total"], made["currency"]) == (3000, 3000, "usd")
    assert made["total_details"] == {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0}
    assert made["url"] == f"https://gateway.test/checkout/{made['id']}" and made["client_secret"] is None
    assert made["ui_mode"] == "hosted_page" and made["expires_at"] == made["created"] + 86_400
    assert (made["customer_creation"], made["customer_details"], made["line_items"]) == ("if_required", None, None)
    assert made["success_url"] == "https://shop.test/thanks?s={CHECKOUT_SESSION_ID}"
    intent = await counter.till.get(made["payment_intent"])
    assert (intent["amount"], intent["currency"], intent["status"]) == (3000, "usd", "requires_payment_method")
    assert intent["payment_method_types"] == ["card"]
    assert await counter.get(made["id"]) == made
    assert [type_ for type_, _ in await counter.told("")] == ["payment_intent.created"]


@pytest.mark.parametrize("form", [PAYMENT, SETUP], ids=["payment", "setup"])
async def test_session_and_intent_are_audited_and_every_invariant_holds(counter, form):
    made = await counter.do("create", form)
    intent = made["payment_intent"] or made["setup_intent"]
    rows = await counter.till.pool.fetch("select object, detail from audit order by id")
    assert {row["object"] for row in rows} == {made["id"], intent}
    assert await check(counter.till.pool, now=clock.now()) == []


async def test_what_the_intent_is_made_of_is_passed_on(counter):
    customer = await counter.till.customer()
    made = await counter.do(
        "create",
        {
            **PAYMENT, "customer": customer, "payment_intent_data[capture_method]": "manual",
            "payment_intent_data[description]": "Two teapots", "payment_intent_data[metadata][order]": "7",
            "payment_intent_data[receipt_email]": "a@example.com",
            "payment_intent_data[setup_future_usage]": "off_session",
            "payment_intent_data[statement_descriptor]": "TEAPOTS", "payment_intent_data[shipping][name]": "Ada",
            "payment_intent_data[shipping][address][country]": "DE",
            "payment_method_options[card][request_three_d_secure]": "any",
        },
    )  # fmt: skip
    intent = await counter.till.get(made["payment_intent"])
    assert made["customer"] == intent["customer"] == customer and made["customer_creation"] is None
    assert (intent["capture_method"], intent["description"]) == ("manual", "Two teapots")
    assert (intent["metadata"], intent["receipt_email"]) == ({"order": "7"}, "a@example.com")
    assert (intent["setup_future_usage"], intent["statement_descriptor"]) == ("off_session", "TEAPOTS")
    assert intent["shipping"]["address"]["country"] == "DE"
    assert intent["payment_method_options"]["card"]["request_three_d_secure"] == "any"
    refused = await counter.refused("create", {**PAYMENT, "payment_intent_data[statement_descriptor]": "<bad>"})
    assert refused.param == "payment_intent_data[statement_descriptor]"
    assert (await counter.refused("create", {**PAYMENT, "customer": "cus_nobody"})).code == "resource_missing"


async def test_line_items_are_listed_and_stand_inside_when_asked_for(counter):
    second = {name.replace("[0]", "[1]"): value for name, value in ITEM.items()}
    made = await counter.do("create", {**PAYMENT, **second}, expand=("line_items",))
    inside = made["line_items"]
    assert (inside["has_more"], inside["url"]) == (False, f"/v1/checkout/sessions/{made['id']}/line_items")
    item = inside["data"][0]
    assert set(item) == set(LINE_ITEM.fields) and item["id"].startswith("li_")
    assert (item["amount_total"], item["quantity"], item["description"]) == (3000, 2, "Teapot")
    assert (item["price"]["unit_amount"], item["price"]["unit_amount_decimal"]) == (1500, "1500")
    listed = await counter.do("list_line_items", session=made["id"])
    assert listed["data"] == inside["data"] and not listed["has_more"]
    page = await counter.do("list_line_items", {"limit": 1}, session=made["id"])
    assert page["data"] == inside["data"][:1] and page["has_more"]
    rest = await counter.do("list_line_items", {"starting_after": page["data"][0]["id"]}, session=made["id"])
    assert rest["data"] == inside["data"][1:] and not rest["has_more"]
    back = await counter.do("list_line_items", {"ending_before": rest["data"][0]["id"]}, session=made["id"])
    assert back["data"] == inside["data"][:1]
    assert (await counter.refused("list_line_items", {"starting_after": "li_x"}, session=made["id"])).code == (
        "resource_missing"
    )


async def test_a_paid_session_is_complete_for_every_reader_and_told_of_once(counter):
    made = await counter.do("create", {**PAYMENT, "customer_email": "ada@example.com"})
    assert made["customer_email"] == made["customer_details"]["email"] == "ada@example.com"
    await counter.pay(made)
    shown = await asyncio.gather(*(counter.get(made["id"]) for _ in range(5)), counter.learn(), counter.learn())
    assert all((one["status"], one["payment_status"]) == ("complete", "paid") for one in shown[:5])
    assert shown[0]["url"] is None and shown[0]["customer_details"]["tax_exempt"] == "none"
    assert await counter.learn() == 0
    told = await counter.told()
    assert [type_ for type_, _ in told] == ["checkout.session.completed"]
    assert told[0][1] == shown[0]


async def test_the_worker_learns_by_itself_and_fills_in_who_paid(counter):
    made = await counter.do("create", PAYMENT)
    form = (
        "payment_method_data[type]=card&payment_method_data[card][number]=4242424242424242"
        "&payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2040"
        "&payment_method_data[billing_details][email]=ada@example.com"
        "&payment_method_data[billing_details][name]=Ada"
        "&payment_method_data[billing_details][address][country]=DE"
    )
    await counter.till.call("payment_intent.confirm", form, intent=made["payment_intent"])
    assert await counter.learn() == 1 and await counter.learn() == 0
    [(type_, told)] = await counter.told()
    assert type_ == "checkout.session.completed"
    details = told["customer_details"]
    assert (details["email"], details["name"], details["address"]["country"]) == ("ada@example.com", "Ada", "DE")
    found = await counter.do("list", {"customer_details[email]": "ada@example.com"})
    assert [one["id"] for one in found["data"]] == [made["id"]]
    assert (await counter.do("list", {"customer_details[email]": "bob@example.com"}))["data"] == []


async def test_a_customer_that_a_session_made_is_found_by_a_search(counter):
    made = await counter.do(
        "create", {**PAYMENT, "customer_creation": "always", "customer_email": "ada@example.com"}
    )
    await counter.pay(made)
    customer = (await counter.get(made["id"]))["customer"]
    data = await counter.ports.pool.fetchval("select data from customer where id = $1", customer)
    box, account = counter.ports.box, MERCHANT.account
    hashed = await keyed_hash(box, account, table="customer", path=["email"], value="Ada@example.com")
    assert json.loads(data)["index"]["email"] == hashed


async def test_a_declined_card_leaves_the_session_open(counter):
    made = await counter.do("create", PAYMENT)
    await counter.pay(made, "pm_card_chargeDeclined")
    assert await counter.learn() == 0 and (await counter.get(made["id"]))["status"] == "open"
    await counter.pay(made)
    assert (await counter.get(made["id"]))["status"] == "complete"


async def test_a_held_payment_completes_unpaid_and_is_paid_by_its_capture(counter):
    made = await counter.do("create", {**PAYMENT, "payment_intent_data[capture_method]": "manual"})
    await counter.pay(made)
    assert (await counter.get(made["id"]))["payment_status"] == "unpaid"
    await counter.till.call("payment_intent.capture", intent=made["payment_intent"])
    assert await counter.learn() == 1
    assert (await counter.get(made["id"]))["payment_status"] == "paid"
    assert [type_ for type_, _ in await counter.told()] == ["checkout.session.completed"]


async def test_a_payment_in_doubt_completes_unpaid_and_ends_later(counter):
    made = await counter.do("create", PAYMENT)
    counter.till.line.faults = ["lost_after"]
    assert (await counter.pay(made))["status"] == "processing"
    assert await counter.learn() == 1
    assert ((one := await counter.get(made["id"]))["status"], one["payment_status"]) == ("complete", "unpaid")
    assert await counter.learn() == 0
    from_recovery = await _recovered(counter)
    assert from_recovery["status"] == "succeeded"
    assert await counter.learn() == 1
    assert (await counter.get(made["id"]))["payment_status"] == "paid"
    assert [type_ for type_, _ in await counter.told()] == [
        "checkout.session.completed", "checkout.session.async_payment_succeeded",
    ]  # fmt: skip


async def _recovered(counter):
    await counter.till.make_due()
    await recover.portion(counter.till.ports)
    row = await counter.ports.pool.fetchval("select id from payment_intent")
    return await counter.till.get(row)


async def test_a_new_customer_owns_what_was_paid(counter):
    made = await counter.do(
        "create",
        {
            **PAYMENT, "customer_creation": "always", "customer_email": "ada@example.com",
            "payment_intent_data[setup_future_usage]": "off_session",
        },
    )  # fmt: skip
    await counter.pay(made)
    done = await counter.get(made["id"])
    intent = await counter.till.get(made["payment_intent"])
    assert done["customer"].startswith("cus_") and intent["customer"] == done["customer"]
    charge = await counter.till.call("charge.get", charge=intent["latest_charge"])
    assert charge["customer"] == done["customer"]
    method = await counter.till.method(intent["payment_method"])
    assert method.customer == done["customer"]
    types = [type_ for type_, _ in await counter.told("")]
    assert types.count("customer.created") == types.count("payment_method.attached") == 1
    row = await counter.ports.pool.fetchrow("select * from customer")
    assert json.loads(row["personal"])[2]["email"] == "ada@example.com"


async def test_a_setup_session_saves_a_card(counter):
    made = await counter.do("create", {**SETUP, "setup_intent_data[description]": "Card on file"})
    assert (made["payment_status"], made["amount_total"], made["payment_intent"]) == ("no_payment_required", None, None)
    assert (made["currency"], made["total_details"]) == ("usd", None)
    intent = await counter.till.call("setup_intent.get", id=made["setup_intent"])
    assert (intent["description"], intent["usage"]) == ("Card on file", "off_session")
    await counter.ports.pool.execute("update setup_intent set status = 'succeeded'")
    done = await counter.get(made["id"])
    assert (done["status"], done["payment_status"]) == ("complete", "no_payment_required")
    assert [type_ for type_, _ in await counter.told()] == ["checkout.session.completed"]


@pytest.mark.parametrize("form", [PAYMENT, SETUP])
async def test_an_expired_session_takes_its_intent_with_it(counter, form):
    made = await counter.do("create", form)
    ended = await counter.do("expire", session=made["id"], key="k1")
    assert (ended["status"], ended["url"]) == ("expired", None)
    kind, intent = (
        ("payment_intent", made["payment_intent"]) if made["payment_intent"] else ("setup_intent", made["setup_intent"])
    )
    types = [type_ for type_, _ in await counter.told("")]
    assert types == [f"{kind}.created", f"{kind}.canceled", "checkout.session.expired"]
    refused = await counter.refused("expire", session=made["id"])
    assert refused.kind is Kind.INVALID and "status of `expired`" in refused.message
    if kind == "payment_intent":
        with pytest.raises(Refusal) as caught:
            await counter.pay(made)
        assert caught.value.code == "payment_intent_unexpected_state"
        assert (await counter.till.get(intent))["cancellation_reason"] == "automatic"


async def test_a_paid_session_cannot_be_expired(counter):
    made = await counter.do("create", PAYMENT)
    await counter.pay(made)
    assert "`complete`" in (await counter.refused("expire", session=made["id"])).message
    assert [type_ for type_, _ in await counter.told()] == ["checkout.session.completed"]


async def test_of_an_expiry_and_a_payment_at_once_one_wins(counter):
    for _ in range(6):
        made = await counter.do("create", PAYMENT)
        await asyncio.gather(
            counter.pay(made), counter.do("expire", session=made["id"]), return_exceptions=True
        )
        await counter.learn()
        session, intent = await counter.get(made["id"]), await counter.till.get(made["payment_intent"])
        assert (session["status"], intent["status"]) in {("complete", "succeeded"), ("expired", "canceled")}


async def test_a_session_ends_at_its_time_on_its_accounts_clock(counter):
    made = await counter.do("create", PAYMENT)
    assert await counter.due() == 0
    clocked = records.TestClockRow("acct_a", False, "acct_a", 1, clock.now(), 86_401)
    await counter.ports.committer.commit(Commit(test_clocks=[clocked]))
    done = await asyncio.gather(counter.due(), counter.due())
    assert sum(done) == 1 and await counter.due() == 0
    ended = await counter.get(made["id"])
    assert ended["status"] == "expired"
    assert [type_ for type_, _ in await counter.told()] == ["checkout.session.expired"]
    assert (await counter.till.get(made["payment_intent"]))["status"] == "canceled"


async def test_an_intent_canceled_behind_its_back_ends_the_session(counter):
    made = await counter.do("create", PAYMENT)
    await counter.till.call("payment_intent.cancel", intent=made["payment_intent"])
    assert (await counter.get(made["id"]))["status"] == "expired"
    assert [type_ for type_, _ in await counter.told()] == ["checkout.session.expired"]


async def test_embedded_sessions_have_a_secret_and_no_page(counter):
    base = {**ITEM, "mode": "payment"}
    made = await counter.do("create", {**base, "ui_mode": "embedded_page", "return_url": "https://shop.test/r"})
    assert made["client_secret"].startswith(f"{made['id']}_secret_") and made["url"] is None
    assert (made["redirect_on_completion"], made["return_url"]) == ("always", "https://shop.test/r")
    old = await counter.do("get", session=made["id"], version="2025-01-27.acacia")
    assert old["ui_mode"] == "embedded" and made["ui_mode"] == "embedded_page"
    await counter.pay(made)
    await counter.learn()
    [(_, told)] = await counter.told()
    assert told["client_secret"] is None, "what opens a session is stored nowhere"
    assert (await counter.open_page(made["id"])).status == 404


async def test_lists_filter_and_keep_to_their_account(counter):
    customer = await counter.till.customer()
    first = await counter.do("create", {**PAYMENT, "customer": customer})
    second = await counter.do("create", PAYMENT)

    async def found(**filters) -> list[str]:
        return [one["id"] for one in (await counter.do("list", filters))["data"]]

    assert await found() == [second["id"], first["id"]]
    assert await found(customer=customer) == [first["id"]]
    assert await found(payment_intent=second["payment_intent"]) == [second["id"]]
    assert await found(**{"created[gt]": clock.now() + 5}) == []
    await counter.do("expire", session=first["id"])
    assert await found(status="open") == [second["id"]] and await found(status="expired") == [first["id"]]
    assert (await counter.do("list", who=STRANGER))["data"] == []
    for name in ("get", "expire", "list_line_items"):
        refused = await counter.refused(name, session=second["id"], who=STRANGER)
        assert (refused.kind, refused.code) == (Kind.NOT_FOUND, "resource_missing")
        assert refused.message == f"No such checkout.session: '{second['id']}'"


async def test_ids_are_long_enough_not_to_be_guessed(counter):
    made = [(await counter.do("create", PAYMENT))["id"] for _ in range(3)]
    random_parts = {id_[8 + 9 :] for id_ in made}  # past the prefix and the time
    assert len(random_parts) == 3 and all(len(part) == 33 for part in random_parts)
