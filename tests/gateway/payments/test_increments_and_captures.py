"""Raising an authorisation, and capturing it in parts: at once, declined, in doubt, and in a crowd."""

import asyncio
from typing import Any

import pytest

from lockgate.gateway.invariants.check import check
from lockgate.gateway.payments import expire, recover
from lockgate.gateway.storage.packing import unpack
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind
from tests.gateway.payments.till import Till, refusal

_OPTIONS = "&payment_method_options[card]"
RAISED = f"{_OPTIONS}[request_incremental_authorization]=if_available"
PARTS = f"{_OPTIONS}[request_multicapture]=if_available"


async def sound(till: Till) -> None:
    """No invariant is broken, whatever the flow before did."""
    assert await check(till.pool, now=clock.now() + 10_000) == []


async def told(till: Till, type_: str) -> list[dict[str, Any]]:
    """What the events of one type show, oldest first: the object, and what was before."""
    rows = await till.pool.fetch("select data from event where type = $1 order by id", type_)
    return [unpack(row["data"]) for row in rows]


async def recovered(till: Till) -> None:
    for _ in range(3):
        await till.make_due()
        await recover.portion(till.ports)


async def raise_to(till: Till, intent: str, amount: int, more: str = "", **options: Any) -> Any:
    return await till.call("payment_intent.increment_authorization", f"amount={amount}{more}", intent=intent, **options)


async def take(till: Till, intent: str, body: str = "", **options: Any) -> Any:
    return await till.call("payment_intent.capture", body, intent=intent, **options)


async def charge_of(till: Till, intent: str) -> Any:
    return await till.call("charge.get", charge=(await till.get(intent))["latest_charge"])


async def test_an_authorisation_is_raised_and_then_captured_whole(till: Till) -> None:
    intent = await till.hold(RAISED)
    card = (await charge_of(till, intent))["payment_method_details"]["card"]
    assert card["incremental_authorization"] == {"status": "available"}
    assert card["multicapture"] == {"status": "unavailable"}
    assert card["overcapture"] == {"maximum_amount_capturable": 1000, "status": "unavailable"}
    raised = await raise_to(till, intent, 1500, "&description=bigger&metadata[a]=b")
    assert (raised["status"], raised["amount"], raised["amount_capturable"]) == ("requires_capture", 1500, 1500)
    assert (raised["description"], raised["metadata"]) == ("bigger", {"a": "b"})
    charge = await charge_of(till, intent)
    assert (charge["amount"], charge["payment_method_details"]["card"]["amount_authorized"]) == (1500, 1500)
    updated = (await told(till, "charge.updated"))[-1]
    assert updated["previous_attributes"]["amount"] == 1000
    capturable = (await told(till, "payment_intent.amount_capturable_updated"))[-1]
    assert capturable["previous_attributes"] == {"amount": 1000, "amount_capturable": 1000}
    done = await take(till, intent)
    assert (done["status"], done["amount_received"]) == ("succeeded", 1500)
    await sound(till)


async def test_a_declined_increment_leaves_the_authorisation_as_it_was(till: Till) -> None:
    intent = await till.hold(RAISED)
    till.line.acquirer.refuses_increments = True
    got = (await raise_to(till, intent, 1500, key="k"))["error"]
    assert (got["code"], got["decline_code"]) == ("card_declined", "insufficient_funds")
    assert got["payment_intent"]["amount"] == 1000
    after = await till.get(intent)
    assert (after["status"], after["amount_capturable"]) == ("requires_capture", 1000)
    assert after["last_payment_error"] is None
    assert "charge.updated" not in await till.events()
    assert (await take(till, intent))["amount_received"] == 1000
    await sound(till)


@pytest.mark.parametrize(("body", "code"), [("amount=1000", "parameter_invalid_integer"),
                                            ("amount=999", "parameter_invalid_integer"),
                                            ("amount=100000000", "amount_too_large")])  # fmt: skip
async def test_an_increment_must_raise(till: Till, body: str, code: str) -> None:
    intent = await till.hold(RAISED)
    got = await refusal(till.call("payment_intent.increment_authorization", body, intent=intent))
    assert (got.kind, got.code, got.param) == (Kind.INVALID, code, "amount")


async def test_increments_are_refused_where_they_were_not_asked_for_or_come_too_late(till: Till) -> None:
    plain = await till.hold()
    assert "cannot be incremented" in (await refusal(raise_to(till, plain, 1500))).message
    both = await till.hold(RAISED + PARTS)
    await take(till, both, "amount_to_capture=100&final_capture=false")
    assert "captured in part" in (await refusal(raise_to(till, both, 1500))).message
    await take(till, both)
    assert (await refusal(raise_to(till, both, 1500))).code == "payment_intent_unexpected_state"


async def test_an_authorisation_is_raised_ten_times_at_most_declines_included(till: Till) -> None:
    intent = await till.hold(RAISED)
    for step in range(1, 10):
        await raise_to(till, intent, 1000 + step)
    till.line.acquirer.refuses_increments = True
    assert "error" in await raise_to(till, intent, 1100)
    assert "at most 10" in (await refusal(raise_to(till, intent, 1100))).message
    await sound(till)


@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
async def test_an_increment_in_doubt_keeps_the_amount_and_holds_everything_else_back(till: Till, fault: str) -> None:
    intent = await till.hold(RAISED)
    till.line.faults = [fault]
    made = await raise_to(till, intent, 1500, key="k")
    assert (made["status"], made["amount"]) == ("requires_capture", 1000)
    for verb in ("capture", "cancel"):
        assert (await refusal(till.call(f"payment_intent.{verb}", intent=intent))).code == "lock_timeout"
    assert (await refusal(raise_to(till, intent, 1600))).code == "lock_timeout"
    await recovered(till)
    after = await till.get(intent)
    assert after["amount"] == after["amount_capturable"] == (1500 if fault == "lost_after" else 1000)
    assert (await take(till, intent))["amount_received"] == after["amount"]
    await sound(till)


async def test_an_increment_that_was_not_sent_gives_its_key_back(till: Till) -> None:
    intent = await till.hold(RAISED)
    till.line.faults = ["not_sent"]
    assert (await refusal(raise_to(till, intent, 1500, key="k"))).kind is Kind.UNAVAILABLE
    assert (await raise_to(till, intent, 1500, key="k"))["amount"] == 1500
    await sound(till)


async def test_money_is_taken_in_parts_until_the_final_one(till: Till) -> None:
    intent = await till.hold(PARTS)
    first = await take(till, intent, "amount_to_capture=300&final_capture=false")
    assert (first["status"], first["amount_received"], first["amount_capturable"]) == ("requires_capture", 300, 700)
    charge = await charge_of(till, intent)
    assert (charge["captured"], charge["amount_captured"], charge["refunded"]) == (False, 300, False)
    movement = charge["balance_transaction"]
    updated = (await told(till, "charge.updated"))[-1]["previous_attributes"]
    assert (updated["balance_transaction"], updated["amount_captured"]) == (None, 0)
    await take(till, intent, "amount_to_capture=200&final_capture=false")
    last = await take(till, intent, "amount_to_capture=100")
    assert (last["status"], last["amount_received"], last["amount_capturable"]) == ("succeeded", 600, 0)
    charge = await charge_of(till, intent)
    assert (charge["captured"], charge["amount_captured"], charge["balance_transaction"]) == (True, 600, movement)
    assert (await told(till, "charge.captured"))[-1]["previous_attributes"]["captured"] is False
    amounts = await till.pool.fetch("select amount from balance_transaction where source = $1", charge["id"])
    assert sorted(row["amount"] for row in amounts) == [100, 200, 300]
    released = await till.pool.fetchval("select amount from transfer where kind = 'release'")
    assert released == 400
    events = await till.events()
    assert events[-4:] == [
        "charge.updated", "charge.captured", "payment_intent.amount_capturable_updated", "payment_intent.succeeded"
    ]
    assert events.count("charge.captured") == 1
    await sound(till)


async def test_taking_all_in_parts_ends_the_payment_by_itself(till: Till) -> None:
    intent = await till.hold(PARTS)
    await take(till, intent, "amount_to_capture=400&final_capture=false")
    done = await take(till, intent, "final_capture=false")
    assert (done["status"], done["amount_received"]) == ("succeeded", 1000)
    await sound(till)


async def test_parts_need_multicapture_and_what_is_left(till: Till) -> None:
    plain = await till.hold()
    assert (await refusal(take(till, plain, "final_capture=false"))).param == "final_capture"
    assert (await refusal(take(till, plain, "amount_to_capture=0"))).code == "parameter_invalid_integer"
    intent = await till.hold(PARTS)
    await take(till, intent, "amount_to_capture=300&final_capture=false")
    assert (await refusal(take(till, intent, "amount_to_capture=701"))).code == "amount_too_large"


@pytest.mark.parametrize("way", ["release", "cancel", "expire"])
async def test_what_was_taken_stands_when_the_rest_is_let_go(till: Till, way: str) -> None:
    intent = await till.hold(PARTS)
    await take(till, intent, "amount_to_capture=300&final_capture=false")
    if way == "release":
        await take(till, intent, "amount_to_capture=0")
    elif way == "cancel":
        await till.call("payment_intent.cancel", intent=intent)
    else:
        await expire.portion(till.ports, now=clock.now() + 8 * 86_400)
    after = await till.get(intent)
    assert (after["status"], after["amount_received"], after["amount_capturable"]) == ("succeeded", 300, 0)
    assert (await charge_of(till, intent))["captured"] is True
    assert [type_ for type_ in await till.events() if type_ in ("charge.captured", "payment_intent.canceled")] == [
        "charge.captured"
    ]
    await sound(till)


@pytest.mark.parametrize("fault", ["lost_before", "lost_after"])
async def test_a_part_in_doubt_is_reserved_until_it_is_known(till: Till, fault: str) -> None:
    intent = await till.hold(PARTS)
    await take(till, intent, "amount_to_capture=300&final_capture=false")
    till.line.faults = [fault]
    made = await take(till, intent, "amount_to_capture=600&final_capture=false", key="k")
    assert made["status"] == "processing"
    assert await till.pool.fetchval("select capture_in_doubt from charge") == 600
    assert (await refusal(take(till, intent))).code == "lock_timeout"
    assert await check(till.pool, now=clock.now()) == []
    await recovered(till)
    after = await till.get(intent)
    assert after["status"] == "requires_capture"
    assert after["amount_received"] == (900 if fault == "lost_after" else 300)
    await take(till, intent)
    assert till.line.acquirer.captured() == 1000
    await sound(till)


async def test_of_many_captures_at_once_no_more_is_taken_than_is_held(till: Till) -> None:
    intent = await till.hold(PARTS)

    async def one() -> None:
        try:
            await take(till, intent, "amount_to_capture=300&final_capture=false")
        except Exception as refused:
            assert getattr(refused, "code", None) in ("lock_timeout", "amount_too_large")

    await asyncio.gather(*(one() for _ in range(8)))
    taken = till.line.acquirer.captured()
    assert taken in (300, 600, 900)
    assert (await till.get(intent))["amount_received"] == taken
    await sound(till)


async def test_refunds_reach_over_several_captures_while_more_may_follow(till: Till) -> None:
    intent = await till.hold(PARTS)
    await take(till, intent, "amount_to_capture=300&final_capture=false")
    await take(till, intent, "amount_to_capture=300&final_capture=false")
    got = await refusal(till.call("refund.create", f"payment_intent={intent}&amount=601"))
    assert got.message == "Refund amount ($6.01) is greater than unrefunded amount on charge ($6.00)"
    await till.call("refund.create", f"payment_intent={intent}&amount=500")
    await till.call("refund.create", f"payment_intent={intent}")
    charge = await charge_of(till, intent)
    assert (charge["amount_refunded"], charge["refunded"]) == (600, False)
    await take(till, intent, "amount_to_capture=0")
    assert (await charge_of(till, intent))["refunded"] is True
    await sound(till)
