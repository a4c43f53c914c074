"""Payouts by the clock: one per currency and due day, of what is available and nothing else, whoever tries and dies."""

import asyncio
from typing import Any

import pytest

from lockgate.gateway.invariants.check import check
from lockgate.gateway.payments import recover
from lockgate.gateway.settlement import automatic, find_payouts
from lockgate.gateway.settlement.core.calendar import Rhythm, arrival, next_due
from lockgate.gateway.settlement.jobs import due
from lockgate.gateway.settlement.schedule import Plan, put
from lockgate.gateway.storage.packing import unpack
from lockgate.kernel import clock
from lockgate.kernel.errors import Refusal
from tests.gateway.payments.desk import MERCHANT
from tests.gateway.settlement.bank import DAY_S, House

FRIDAY = 1_735_862_400  # 2025-01-03 00:00:00 UTC


async def scheduled(house: House, plan: Plan) -> None:
    await put(house.ports.pool, house.ports.committer, MERCHANT, plan, box=house.ports.box)


async def made(house: House, query: str = "limit=100") -> list[dict[str, Any]]:
    return (await house.call("payout.list", query))["data"]


async def paid_by(house: House, payout: str) -> set[str]:
    listed = await house.call("balance_transaction.list", f"payout={payout}&limit=100")
    return {row["id"] for row in listed["data"]}


def later(days: int) -> int:
    return clock.now() + days * DAY_S


async def test_nothing_is_paid_out_unless_somebody_says_so(house: House) -> None:
    await house.earn(1000)
    await house.wait(40 * DAY_S)
    await scheduled(house, Plan("manual"))
    await house.wait(40 * DAY_S)
    assert await made(house) == []


async def test_each_due_day_pays_out_what_is_available_and_says_what_that_was(house: House) -> None:
    charges = [await house.earn(1000, fee=59), await house.earn(500)]
    euro = await house.earn(70, currency="eur")
    await scheduled(house, Plan("daily", delay_days=0))
    waiting = await house.earn(9, delay_s=10 * DAY_S)
    await house.wait(DAY_S)
    payouts = {payout["currency"]: payout for payout in await made(house)}
    assert {currency: payout["amount"] for currency, payout in payouts.items()} == {"usd": 1441, "eur": 70}
    assert all(payout["automatic"] and payout["reconciliation_status"] == "completed" for payout in payouts.values())
    own = payouts["usd"]["balance_transaction"]
    assert await paid_by(house, payouts["usd"]["id"]) == {own, *(charge.balance_transaction for charge in charges)}
    assert euro.balance_transaction in await paid_by(house, payouts["eur"]["id"])
    assert (await house.balance(), await house.balance("pending")) == (0, 9)
    await house.wait(DAY_S)
    assert len(await made(house)) == 2
    await house.wait(10 * DAY_S)
    newest = (await made(house))[0]
    assert (newest["amount"], waiting.balance_transaction in await paid_by(house, newest["id"])) == (9, True)
    assert await check(house.ports.pool, now=later(12)) == []


async def test_charges_wait_their_days_and_what_takes_money_does_not(house: House) -> None:
    await house.earn(1000, age_s=5 * DAY_S)
    await house.earn(200)
    await house.pay(300)
    await scheduled(house, Plan("daily", delay_days=4))
    await house.wait(DAY_S)
    assert [payout["amount"] for payout in await made(house) if payout["automatic"]] == [700]
    assert await house.balance() == 200
    await house.wait(4 * DAY_S)
    assert [payout["amount"] for payout in await made(house) if payout["automatic"]] == [200, 700]
    assert await check(house.ports.pool, now=later(5)) == []


async def test_many_workers_make_one_payout(house: House) -> None:
    await house.earn(1000)
    await house.earn(30, currency="eur")
    await scheduled(house, Plan("daily", delay_days=0))
    await house.ports.pool.execute("update payout_schedule set due_at = 1")
    await asyncio.gather(*(automatic.portion(house.ports, now=clock.now()) for _ in range(8)))
    for _ in range(3):
        await automatic.portion(house.ports, now=clock.now())
    assert sorted(payout["amount"] for payout in await made(house)) == [30, 1000]
    assert len(house.bank.payouts) == 2
    plan = await find_payouts.schedule(house.ports.pool, MERCHANT)
    assert plan is not None
    assert plan.due_at == next_due(Rhythm("daily"), after=clock.now())
    assert await check(house.ports.pool, now=clock.now()) == []


async def test_an_order_that_was_not_sent_is_made_again_the_same_day(house: House) -> None:
    await house.earn(1000)
    await scheduled(house, Plan("monthly", day=31, delay_days=0))
    await house.ports.pool.execute("update payout_schedule set due_at = 1")
    house.bank.faults = ["not_sent"]
    assert await due(house.ports, now=clock.now()) == 0
    assert await made(house) == []
    assert await house.balance() == 1000
    assert await due(house.ports, now=clock.now()) == 1
    assert [payout["amount"] for payout in await made(house)] == [1000]
    assert await check(house.ports.pool, now=clock.now()) == []


@pytest.mark.parametrize("reached", [True, False])
async def test_a_worker_that_dies_between_the_commits_loses_and_doubles_nothing(house: House, reached: bool) -> None:
    await house.earn(1000)
    await scheduled(house, Plan("daily", delay_days=0))
    await house.ports.pool.execute("update payout_schedule set due_at = 1")

    class Died(BaseException):
        """The worker is gone: nothing runs after this."""

    whole, forward = house.bank, house.bank.forward

    async def dies(*args: Any, **more: Any) -> Any:
        if reached:
            await forward(*args, **more)
        raise Died

    whole.forward = dies
    with pytest.raises(Died):
        await automatic.portion(house.ports, now=clock.now())
    whole.forward = forward
    assert await automatic.portion(house.ports, now=clock.now()) == 0  # the order's fate is not known yet
    with pytest.raises(Refusal):
        await house.pay(1)  # and its money is reserved
    await house.ports.pool.execute("update attempt set next_check_ms = 1, send_before_ms = 1")
    await recover.portion(house.desk.ports)
    await automatic.portion(house.ports, now=clock.now())
    await automatic.portion(house.ports, now=clock.now())
    assert [payout["amount"] for payout in await made(house)] == [1000]
    assert len(house.bank.payouts) == 1
    assert await check(house.ports.pool, now=clock.now()) == []


async def test_what_came_back_is_paid_out_again(house: House) -> None:
    await house.earn(1000)
    await scheduled(house, Plan("daily", delay_days=0))
    await house.wait(DAY_S)
    first = (await made(house))[0]
    house.said_by_bank(status="failed", failure_code="account_closed")
    await house.wait(3 * DAY_S)
    payouts = await made(house)
    assert [(payout["amount"], payout["status"]) for payout in payouts] == [(1000, "pending"), (1000, "failed")]
    failed = await house.get(first["id"])
    assert failed["failure_balance_transaction"] in await paid_by(house, payouts[0]["id"])
    assert await check(house.ports.pool, now=later(4)) == []


async def test_a_portion_of_movements_is_bounded_and_the_rest_follows(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(automatic, "MOST_LINES", 2)
    for amount in (1, 2, 4, 8, 16):
        await house.earn(amount)
    await scheduled(house, Plan("daily", delay_days=0))
    await house.wait(DAY_S)
    assert sorted(payout["amount"] for payout in await made(house)) == sorted([3, 12, 16])
    assert await house.balance() == 0


def test_days() -> None:
    monday, day = FRIDAY + 3 * DAY_S, FRIDAY + 3600
    assert arrival(day, days=1) == monday
    assert arrival(day, days=2) == monday + DAY_S
    assert arrival(FRIDAY + DAY_S, days=1) == monday
    assert next_due(Rhythm("manual"), after=day) is None
    assert next_due(Rhythm("daily"), after=day) == FRIDAY + DAY_S
    assert next_due(Rhythm("daily"), after=FRIDAY) == FRIDAY + DAY_S
    assert next_due(Rhythm("weekly", "monday"), after=day) == monday
    assert next_due(Rhythm("weekly", "friday"), after=day) == FRIDAY + 7 * DAY_S
    assert next_due(Rhythm("monthly", "31"), after=FRIDAY + 29 * DAY_S) == FRIDAY + 56 * DAY_S  # the 28th of February
    assert next_due(Rhythm("monthly", "3"), after=day) == FRIDAY + 31 * DAY_S


@pytest.mark.parametrize(
    "plan",
    [Plan("hourly"), Plan("weekly"), Plan("weekly", "noday"), Plan("daily", "monday"), Plan("monthly"),
     Plan("monthly", day=32), Plan("daily", day=3), Plan("daily", delay_days=-1), Plan("daily", delay_days=99)],
)
def test_a_plan_that_makes_no_sense_is_refused(plan: Plan) -> None:
    with pytest.raises(Refusal):
        plan.rhythm()


async def test_a_new_schedule_is_told_once_with_what_it_was(house: House) -> None:
    for _ in range(2):
        await scheduled(house, Plan("weekly", weekday="monday"))
    rows = await house.ports.pool.fetch("select data from event where type = 'account.updated'")
    (told,) = [unpack(row["data"]) for row in rows]
    assert told["object"]["settings"]["payouts"]["schedule"]["weekly_anchor"] == "monday"
    assert told["previous_attributes"]["settings"]["payouts"]["schedule"] == {"delay_days": 2, "interval": "manual"}
