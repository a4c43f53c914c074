"""Where refunds end: late, by a notification, by coming back, refused by a dispute, and fifty at a time."""

import asyncio
import time
from typing import Any

import pytest

from lockgate.gateway.invariants.check import check
from lockgate.gateway.payments import notice, recover
from lockgate.gateway.storage.packing import unpack
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind
from tests.gateway.payments.till import Till, refusal


async def sound(till: Till) -> None:
    assert await check(till.pool, now=clock.now() + 10_000) == []


async def told(till: Till, type_: str) -> list[dict[str, Any]]:
    rows = await till.pool.fetch("select data from event where type = $1 order by id", type_)
    return [unpack(row["data"]) for row in rows]


async def refund(till: Till, charge: str, more: str = "") -> Any:
    return await till.call("refund.create", f"charge={charge}{more}")


async def paid(till: Till, card: str = "pm_card_visa") -> str:
    return (await till.pay(card))["latest_charge"]


async def knock(till: Till) -> bool:
    """The processor says that something became of the newest order."""
    attempt = (await till.attempts())[-1]
    return await notice.step(till.ports, attempt.account, attempt.livemode, attempt.id)


async def test_a_pending_refund_succeeds_when_the_processor_calls(till: Till) -> None:
    charge = await paid(till, "pm_card_pendingRefund")
    made = await refund(till, charge, "&amount=400")
    assert (made["status"], made["pending_reason"], made["balance_transaction"]) == ("pending", "processing", None)
    assert "charge.refunded" not in await till.events()
    till.line.acquirer.arrive("approved")
    assert await knock(till) is True
    await recover.portion(till.ports)
    after = await till.call("refund.get", id=made["id"])
    assert (after["status"], after["pending_reason"]) == ("succeeded", None)
    assert after["balance_transaction"].startswith("txn_")
    (updated,) = await told(till, "refund.updated")
    assert updated["previous_attributes"]["status"] == "pending"
    assert (await till.events())[-3:] == ["refund.updated", "charge.refund.updated", "charge.refunded"]
    (refunded,) = await told(till, "charge.refunded")
    assert refunded["previous_attributes"] == {"amount_refunded": 0}
    await sound(till)


async def test_a_refund_that_comes_back_gives_the_merchant_her_money_again(till: Till) -> None:
    charge = await paid(till)
    made = await refund(till, charge)
    assert (await till.call("charge.get", charge=charge))["refunded"] is True
    till.line.acquirer.arrive("failed", "lost_or_stolen_card")
    assert await knock(till) is True
    after = await till.call("refund.get", id=made["id"])
    assert (after["status"], after["failure_reason"]) == ("failed", "lost_or_stolen_card")
    assert after["failure_balance_transaction"] not in (None, after["balance_transaction"])
    shown = await till.call("charge.get", charge=charge)
    assert (shown["amount_refunded"], shown["refunded"]) == (0, False)
    assert (await till.events())[-4:] == ["refund.updated", "charge.refund.updated", "refund.failed", "charge.updated"]
    (updated,) = await told(till, "refund.updated")
    assert updated["previous_attributes"]["status"] == "succeeded"
    (changed,) = await told(till, "charge.updated")
    assert changed["previous_attributes"] == {"amount_refunded": 1000, "refunded": True}
    net = await till.pool.fetchval("select sum(net) from balance_transaction where type like 'refund%'")
    assert net == 0
    await sound(till)
    assert (await refund(till, charge))["status"] == "succeeded"
    await sound(till)


async def test_a_notification_may_come_twice_at_once_or_for_nothing(till: Till) -> None:
    charge = await paid(till)
    assert await knock(till) is True
    await refund(till, charge)
    assert await knock(till) is True
    till.line.acquirer.arrive("failed", "nonsense")
    assert set(await asyncio.gather(*(knock(till) for _ in range(5)))) == {True}
    assert (await till.events()).count("refund.failed") == 1
    assert (await told(till, "refund.failed"))[0]["object"]["failure_reason"] == "unknown"
    assert await notice.step(till.ports, "acct_a", False, "pa_stranger") is True
    await sound(till)


async def test_a_notification_that_cannot_be_followed_is_not_done(till: Till) -> None:
    await refund(till, await paid(till))
    till.line.silent = True
    assert await knock(till) is False
    till.line.silent = False
    assert await knock(till) is True


async def test_a_notification_about_a_lost_order_makes_recovery_look_at_once(till: Till) -> None:
    till.line.faults = ["lost_after"]
    made = await till.pay()
    assert await recover.portion(till.ports) == 0
    assert await knock(till) is True
    assert await recover.portion(till.ports) == 1
    assert (await till.get(made["id"]))["status"] == "succeeded"
    await sound(till)


async def test_a_pending_refund_may_also_fail(till: Till) -> None:
    charge = await paid(till, "pm_card_pendingRefund")
    made = await refund(till, charge)
    till.line.acquirer.arrive("failed", "declined")
    await knock(till)
    await recover.portion(till.ports)
    after = await till.call("refund.get", id=made["id"])
    assert (after["status"], after["failure_reason"], after["failure_balance_transaction"]) == (
        "failed", "declined", None
    )  # fmt: skip
    assert "refund.failed" in await till.events()
    await sound(till)


@pytest.mark.parametrize(
    ("before", "body", "code", "message"),
    [
        (1000, "", "charge_already_refunded", "Charge {charge} has already been refunded."),
        (400, "&amount=601", None, "Refund amount ($6.01) is greater than unrefunded amount on charge ($6.00)"),
    ],
)
async def test_no_more_is_given_back_than_was_taken(
    till: Till, before: int, body: str, code: str | None, message: str
) -> None:
    charge = await paid(till)
    await refund(till, charge, f"&amount={before}")
    got = await refusal(refund(till, charge, body))
    assert (got.kind, got.code, got.message) == (Kind.INVALID, code, message.format(charge=charge))


async def test_a_disputed_charge_is_not_refunded(till: Till) -> None:
    charge = await paid(till)
    await till.pool.execute("update charge set data = data || '{\"disputed\": true}'")
    got = await refusal(refund(till, charge))
    assert (got.code, got.message) == (
        "charge_disputed", f"Charge {charge} has been charged back; cannot issue a refund."
    )  # fmt: skip


async def test_only_a_refund_that_waits_for_the_customer_can_be_canceled(till: Till) -> None:
    made = await refund(till, await paid(till))
    got = await refusal(till.call("refund.cancel", id=made["id"]))
    assert got.kind is Kind.INVALID and "it has a status of succeeded" in got.message
    assert (await refusal(till.call("refund.cancel", id="re_none"))).code == "resource_missing"


async def test_fifty_refunds_at_once_are_exact_and_quick(till: Till) -> None:
    charge = (await till.call(
        "payment_intent.create", "amount=4000&currency=usd&confirm=true&payment_method=pm_card_visa"
        "&automatic_payment_methods[enabled]=true&automatic_payment_methods[allow_redirects]=never",
    ))["latest_charge"]  # fmt: skip
    took: list[float] = []

    async def one() -> Any:
        began = time.monotonic()
        try:
            return await refund(till, charge, "&amount=100")
        except Exception as refused:
            return getattr(refused, "code", "none")
        finally:
            took.append(time.monotonic() - began)

    made = await asyncio.gather(*(one() for _ in range(50)))
    assert sum(isinstance(back, dict) and back["status"] == "succeeded" for back in made) == 40
    shown = await till.call("charge.get", charge=charge)
    assert (shown["amount_refunded"], shown["refunded"]) == (4000, True)
    assert max(took) < 10
    assert till.ports.turns._lines == {}
    await sound(till)


async def test_no_more_of_the_fee_comes_back_than_was_taken(till: Till) -> None:
    terms: Any = till.ports.settings["simulator"]
    terms["returns_fee_on_refund"] = True
    held = await till.hold("&payment_method_options[card][request_multicapture]=if_available")
    for amount, last in ((100, "&final_capture=false"), (900, "")):
        await till.call("payment_intent.capture", f"amount_to_capture={amount}{last}", intent=held)
        await till.call("refund.create", f"payment_intent={held}")
    taken, returned = [
        await till.pool.fetchval("select sum(amount) from transfer where kind = $1", kind)
        for kind in ("fee", "fee_refund")
    ]
    assert returned <= taken
    assert await check(till.pool, now=clock.now()) == []
