"""Setup intents through real storage: a card is kept only with the cardholder's consent, whatever happens."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from lockgate.gateway.payments import setup
from lockgate.gateway.payments.core import return_token
from lockgate.gateway.payments.core.setups import SETUP_INTENT
from lockgate.gateway.processors.contract import Outcome, Result
from lockgate.gateway.storage.rows import AttemptRow
from lockgate.kernel import clock
from lockgate.kernel.errors import Refusal
from lockgate.kernel.orders import Lost, NotSent, Order, Reply
from tests.gateway.payments.desk import ORIGIN, SHOPPER, STRANGER, Desk, answers, open_desk, said
from tests.support.cluster import Database

CHALLENGE = {"status": "action_required", "redirect_url": f"{ORIGIN}/acs/1", "network_transaction_id": None}


@pytest_asyncio.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    opened = await open_desk(database)
    opened.vault.script = answers()
    yield opened
    await opened.pool.close()


async def refused(desk: Desk, name: str, body: str = "", **more: Any) -> Refusal:
    with pytest.raises(Refusal) as caught:
        await desk.call(name, body, **more)
    return caught.value


async def attempts(desk: Desk) -> list[AttemptRow]:
    return [AttemptRow(*row) for row in await desk.pool.fetch("select * from attempt order by created, id")]


async def test_a_card_is_verified_attached_and_kept_with_its_consent(desk: Desk) -> None:
    customer = await desk.customer()
    made = await desk.call(
        "setup_intent.create", f"customer={customer}&confirm=true&payment_method=pm_card_visa&metadata[a]=b", key="k1"
    )
    assert set(made) == set(SETUP_INTENT.fields)
    assert (made["status"], made["customer"], made["usage"]) == ("succeeded", customer, "off_session")
    assert made["client_secret"].startswith(f"{made['id']}_secret_")
    method = await desk.method(made["payment_method"])
    kept = json.loads(method.data)
    assert method.customer == customer
    assert kept["consent"] == {"network_transaction_id": "ntx_1", "off_session": True, "three_d_secure": False}
    assert kept["card"]["checks"]["cvc_check"] == "pass"
    (order,) = desk.vault.orders
    asked = said(order)
    assert (asked["amount"], asked["setup"], asked["off_session"]) == (0, True, False)
    assert sorted(await desk.events()) == ["payment_method.attached", "setup_intent.created", "setup_intent.succeeded"]
    assert (await desk.event("setup_intent.succeeded"))["client_secret"] is None
    assert await desk.pool.fetchval("select status from idempotency where key = 'k1'") == 200
    assert await desk.call("setup_intent.get", id=made["id"]) == made


async def test_step_by_step(desk: Desk) -> None:
    made = await desk.call("setup_intent.create", "usage=on_session&description=first")
    assert (made["status"], made["payment_method"]) == ("requires_payment_method", None)
    lacking = await refused(desk, "setup_intent.confirm", id=made["id"])
    assert lacking.code == "setup_intent_unexpected_state"
    assert (lacking.embed or {})["setup_intent"]["status"] == "requires_payment_method"
    changed = await desk.call(
        "setup_intent.update", "payment_method=pm_card_visa&description=&metadata[a]=b", id=made["id"]
    )
    assert (changed["status"], changed["description"], changed["metadata"]) == (
        "requires_confirmation", None, {"a": "b"},
    )
    done = await desk.call("setup_intent.confirm", id=made["id"])
    assert (done["status"], done["payment_method"]) == ("succeeded", changed["payment_method"])
    assert json.loads((await desk.method(done["payment_method"])).data)["consent"]["off_session"] is False
    for verb, body in (("confirm", ""), ("cancel", ""), ("update", "payment_method=pm_card_visa")):
        refusal = await refused(desk, f"setup_intent.{verb}", body, id=made["id"])
        assert refusal.code == "setup_intent_unexpected_state"
        assert (refusal.embed or {})["setup_intent"]["status"] == "succeeded"


async def test_a_decline_says_why_and_another_card_may_follow(desk: Desk) -> None:
    desk.vault.script = answers(
        status="declined", decline_code="insufficient_funds", network_transaction_id=None, checks={}
    )
    body = "confirm=true&payment_method_data[type]=card&payment_method_data[card][number]=4000000000009995"
    body += "&payment_method_data[card][exp_month]=12&payment_method_data[card][exp_year]=2040"
    error = (await desk.call("setup_intent.create", body, key="k1"))["error"]
    assert (error["code"], error["decline_code"]) == ("card_declined", "insufficient_funds")
    intent = error["setup_intent"]
    assert (intent["status"], intent["payment_method"]) == ("requires_payment_method", None)
    assert intent["last_setup_error"]["payment_method"]["card"]["last4"] == "9995"
    assert sorted(await desk.events()) == ["setup_intent.created", "setup_intent.setup_failed"]
    assert await desk.pool.fetchval("select status from idempotency where key = 'k1'") == 402
    desk.vault.script = answers()
    done = await desk.call("setup_intent.confirm", "payment_method=pm_card_visa", id=intent["id"])
    assert (done["status"], done["last_setup_error"]) == ("succeeded", None)


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ({"three_d_secure": {"result": "authenticated", "version": "2.2.0"}}, "succeeded"),
        ({"status": "declined", "decline_code": "authentication_failed"}, "requires_payment_method"),
        ({**CHALLENGE}, "requires_action"),
    ],
)
async def test_a_challenge_is_completed_on_the_way_back(desk: Desk, ending: dict[str, Any], status: str) -> None:
    desk.vault.script = answers(**CHALLENGE)
    customer = await desk.customer()
    made = await desk.call(
        "setup_intent.create",
        f"customer={customer}&confirm=true&payment_method=pm_card_authenticationRequired&return_url=https://shop.test/b",
    )
    assert made["status"] == "requires_action"
    assert made["next_action"]["redirect_to_url"] == {"url": f"{ORIGIN}/acs/1", "return_url": "https://shop.test/b"}
    way_back = said(desk.vault.orders[0])["return_url"].removeprefix("https://gateway.test/return/")
    back = return_token.read(desk.ports.return_key, way_back, now=clock.now())
    assert back is not None
    assert (back.intent, back.attempt) == (made["id"], (await attempts(desk))[0].id)
    desk.vault.script = answers(**ending)
    after = await setup.complete(desk.ports, account=back.account, livemode=back.livemode, id_=back.intent)
    assert after.row.status == status
    shown = await desk.call("setup_intent.get", id=made["id"])
    assert shown["status"] == status
    if status == "succeeded":
        kept = await desk.method(shown["payment_method"])
        assert (kept.customer, json.loads(kept.data)["consent"]["three_d_secure"]) == (customer, True)
    if status == "requires_payment_method":
        assert shown["last_setup_error"]["code"] == "setup_intent_authentication_failure"
        assert "setup_intent.setup_failed" in await desk.events()
    if status == "requires_action":
        assert shown["next_action"] == made["next_action"]
    orders = len(desk.vault.orders)
    again = await setup.complete(desk.ports, account=back.account, livemode=back.livemode, id_=back.intent)
    assert (len(desk.vault.orders) > orders) is (status == "requires_action")
    assert again.row.status == status


async def test_a_card_that_was_spent_meanwhile_is_not_attached_again(desk: Desk) -> None:
    desk.vault.script = answers(**CHALLENGE)
    made = await desk.call(
        "setup_intent.create",
        f"customer={await desk.customer()}&confirm=true&payment_method=pm_card_authenticationRequired"
        "&return_url=https://shop.test/b",
    )
    await desk.pool.execute("update payment_method set data = data || '{\"detached\": true}'")
    desk.vault.script = answers()
    after = await setup.complete(desk.ports, account="acct_a", livemode=False, id_=made["id"])
    assert after.row.status == "succeeded"
    kept = await desk.method(made["payment_method"])
    assert kept.customer is None and "consent" not in json.loads(kept.data)
    assert "payment_method.attached" not in await desk.events()


async def test_metadata_never_grows_beyond_fifty_keys(desk: Desk) -> None:
    many = "&".join(f"metadata[k{n}]=v" for n in range(50))
    made = await desk.call("setup_intent.create", many)
    assert (await refused(desk, "setup_intent.update", "metadata[one_more]=v", id=made["id"])).param == "metadata"
    changed = await desk.call("setup_intent.update", "metadata[k0]=&metadata[one_more]=v", id=made["id"])
    assert len(changed["metadata"]) == 50


async def test_a_challenge_needs_a_way_back(desk: Desk) -> None:
    desk.vault.script = answers(**CHALLENGE)
    made = await desk.call("setup_intent.create", "payment_method=pm_card_visa")
    error = (await desk.call("setup_intent.confirm", id=made["id"]))["error"]
    assert (error["code"], error["param"]) == ("parameter_missing", "return_url")
    assert error["setup_intent"]["status"] == "requires_confirmation"


async def test_in_doubt_it_is_processing_until_recovery_knows(desk: Desk) -> None:
    desk.vault.script = lambda order: Lost("reset")
    made = await desk.call("setup_intent.create", "confirm=true&payment_method=pm_card_visa")
    assert made["status"] == "processing"
    for verb in ("confirm", "cancel"):
        assert (await refused(desk, f"setup_intent.{verb}", id=made["id"])).code == "setup_intent_unexpected_state"
    (attempt,) = await attempts(desk)
    await setup.settle(desk.ports, attempt, Result(Outcome.APPROVED, network_transaction_id="ntx_9"))
    await setup.settle(desk.ports, attempt, Result(Outcome.APPROVED, network_transaction_id="ntx_9"))
    assert (await desk.call("setup_intent.get", id=made["id"]))["status"] == "succeeded"
    assert sorted(await desk.events()) == ["setup_intent.created", "setup_intent.succeeded"]


async def test_what_was_certainly_not_sent_changes_nothing(desk: Desk) -> None:
    desk.vault.script = lambda order: NotSent("unreachable")
    made = await desk.call("setup_intent.create", "payment_method=pm_card_visa")
    refusal = await refused(desk, "setup_intent.confirm", id=made["id"], key="k1")
    assert (refusal.kind.value, refusal.should_retry) == ("unavailable", True)
    shown = await desk.call("setup_intent.get", id=made["id"])
    assert (shown["status"], shown["payment_method"]) == ("requires_confirmation", made["payment_method"])
    await refused(desk, "setup_intent.create", "confirm=true&payment_method=pm_card_visa", key="k2")
    assert await desk.pool.fetchval("select count(*) from idempotency") == 0
    assert await desk.events() == ["setup_intent.created"]
    desk.vault.script = answers()
    assert (await desk.call("setup_intent.confirm", id=made["id"], key="k1"))["status"] == "succeeded"


async def test_two_confirmations_at_once_ask_the_processor_once(desk: Desk) -> None:
    made = await desk.call("setup_intent.create", "payment_method=pm_card_visa")
    results = await asyncio.gather(
        *(desk.call("setup_intent.confirm", id=made["id"]) for _ in range(8)), return_exceptions=True
    )
    assert len(desk.vault.orders) == 1
    assert [result["status"] for result in results if isinstance(result, dict)] == ["succeeded"]
    assert all(isinstance(result, (dict, Refusal)) for result in results)


async def test_a_process_that_dies_while_sending_is_concluded_by_recovery(desk: Desk) -> None:
    def die(order: Order) -> Reply:
        raise asyncio.CancelledError

    desk.vault.script = die
    with pytest.raises(asyncio.CancelledError):
        await desk.call("setup_intent.create", "confirm=true&payment_method=pm_card_visa", key="k1")
    (attempt,) = await attempts(desk)
    await setup.settle(desk.ports, attempt, Result(Outcome.FAILED))
    (left,) = (await desk.call("setup_intent.list"))["data"]
    assert left["status"] == "canceled"
    assert await desk.events() == []
    assert await desk.pool.fetchval("select count(*) from idempotency") == 0


async def test_cancel_and_lists(desk: Desk) -> None:
    customer = await desk.customer()
    first = await desk.call("setup_intent.create", f"customer={customer}")
    second = await desk.call("setup_intent.create", "payment_method=pm_card_visa")
    gone = await desk.call("setup_intent.cancel", "cancellation_reason=abandoned", id=first["id"])
    assert (gone["status"], gone["cancellation_reason"]) == ("canceled", "abandoned")
    assert "setup_intent.canceled" in await desk.events(of=first["id"])
    listed = await desk.call("setup_intent.list", "limit=1")
    assert ([row["id"] for row in listed["data"]], listed["has_more"]) == ([second["id"]], True)
    of_customer = await desk.call("setup_intent.list", f"customer={customer}")
    assert [row["id"] for row in of_customer["data"]] == [first["id"]]
    by_method = await desk.call("setup_intent.list", f"payment_method={second['payment_method']}")
    assert [row["id"] for row in by_method["data"]] == [second["id"]]
    assert (await desk.call("setup_intent.list", who=STRANGER))["data"] == []
    refusal = await refused(desk, "setup_intent.get", id=first["id"], who=STRANGER)
    assert (refusal.code, refusal.message) == ("resource_missing", f"No such setupintent: '{first['id']}'")


async def test_a_browser_may_confirm_but_not_choose_how(desk: Desk) -> None:
    made = await desk.call("setup_intent.create", "payment_method=pm_card_visa")
    refusal = await refused(
        desk, "setup_intent.confirm", "payment_method_options[card][request_three_d_secure]=any",
        who=SHOPPER, id=made["id"],
    )
    assert refusal.code == "secret_key_required"
    desk.vault.script = answers(status="declined", decline_code="stolen_card", network_transaction_id=None)
    error = (await desk.call("setup_intent.confirm", who=SHOPPER, id=made["id"]))["error"]
    assert (error["code"], error["decline_code"]) == ("card_declined", "generic_decline")
    assert "metadata" not in error["setup_intent"]
    for _ in range(setup.MAX_SHOPPER_TRIES - 1):
        await desk.call("setup_intent.confirm", "payment_method=pm_card_visa", who=SHOPPER, id=made["id"])
    limited = await refused(desk, "setup_intent.confirm", "payment_method=pm_card_visa", who=SHOPPER, id=made["id"])
    assert limited.code == "rate_limit"


async def test_bad_requests_are_refused_by_name(desk: Desk) -> None:
    cases = {
        "payment_method=pm_none": ("resource_missing", "payment_method"),
        "customer=cus_none": ("resource_missing", "customer"),
        "payment_method=pm_card_visa&payment_method_data[type]=card": ("parameters_exclusive", "payment_method_data"),
        "payment_method_types[]=upi": ("parameter_unsupported", "payment_method_types"),
        "single_use[amount]=1": ("parameter_unsupported", "single_use"),
        "return_url=https://shop.test": (None, "return_url"),
        "usage=sometimes": (None, "usage"),
        "confirm=true": ("setup_intent_unexpected_state", None),
        "payment_method_types[]=card&automatic_payment_methods[enabled]=true": (
            "parameters_exclusive", "automatic_payment_methods",
        ),
        "mandate_data[customer_acceptance][type]=offline": (None, "mandate_data"),
        "attach_to_self=true": ("parameter_unsupported", "attach_to_self"),
    }
    for body, expected in cases.items():
        refusal = await refused(desk, "setup_intent.create", body)
        assert (refusal.code, refusal.param) == expected, body
    assert await desk.pool.fetchval("select count(*) from setup_intent") == 0
