"""Payouts: on their way by the account's own clock, paid or failed as the amount chooses, cancelled, reversed."""

import asyncio
import time
from typing import Any

import pytest

from tests.simulator.running import OTHER_KEY, RunningSimulator

DAY_S = 86_400


async def pay(simulator: RunningSimulator, amount: int = 5_000, reference: str = "pb_1", days: float = 3) -> Any:
    arrival = int(time.time() + days * DAY_S)
    body = {"reference": reference, "amount": amount, "currency": "usd", "arrival_date": arrival}
    return await simulator.ask("/payouts", **body, statement_descriptor="SHOP")


async def found(simulator: RunningSimulator, payout: str, *, days: float | None = None) -> dict[str, Any]:
    told = {} if days is None else {"now": int(time.time() + days * DAY_S)}
    return await simulator.ask("/payouts/inquiries", payout=payout, **told)


async def statuses(simulator: RunningSimulator, id_: str) -> list[str]:
    journal = await simulator.journal()
    return [entry["status"] for entry in journal if (entry["kind"], entry["id"]) == ("payout_status", id_)]


async def test_a_payout_leaves_a_day_before_and_is_paid_on_its_day(simulator: RunningSimulator):
    accepted = await pay(simulator)
    assert (accepted["status"], accepted["amount"], accepted["decline_code"]) == ("approved", 5_000, None)
    id_ = accepted["id"]
    said = await found(simulator, id_)
    assert said == {
        "found": True, "id": id_, "status": "pending", "failure_code": None, "arrival_date": said["arrival_date"],
    }  # fmt: skip
    assert abs(said["arrival_date"] - time.time() - 3 * DAY_S) < 10
    assert (await found(simulator, id_, days=1.9))["status"] == "pending"
    assert (await found(simulator, id_, days=2.1))["status"] == "in_transit"
    simulator.restart()
    assert (await found(simulator, id_))["status"] == "in_transit"
    assert (await found(simulator, id_, days=30))["status"] == "paid"
    assert await statuses(simulator, id_) == ["in_transit", "paid"]


async def test_a_day_that_has_come_pays_within_moments_and_by_itself(simulator: RunningSimulator):
    accepted = await pay(simulator, days=-1)
    async with asyncio.timeout(6):
        while await statuses(simulator, accepted["id"]) != ["in_transit", "paid"]:
            await asyncio.sleep(0.1)


async def test_a_jump_over_both_days_tells_each_step(simulator: RunningSimulator):
    accepted = await pay(simulator)
    assert (await found(simulator, accepted["id"], days=9))["status"] == "paid"
    notices = [
        notice["kind"] for entry in await simulator.journal() for notice in entry.get("notices", []) if notice
    ]
    assert notices == ["payout", "payout"]


async def test_amounts_choose_failure(simulator: RunningSimulator):
    declined = await pay(simulator, 24_111)
    assert (declined["status"], declined["decline_code"]) == ("declined", "account_closed")
    assert await found(simulator, declined["id"]) == {"found": False, "id": declined["id"]}
    arriving = await pay(simulator, 4_222, "pb_2")
    returning = await pay(simulator, 4_333, "pb_3")
    assert (await found(simulator, arriving["id"], days=2.5))["status"] == "in_transit"
    said = await found(simulator, arriving["id"], days=3.1)
    assert (said["status"], said["failure_code"]) == ("failed", "could_not_process")
    assert (await found(simulator, returning["id"]))["status"] == "paid"
    said = await found(simulator, returning["id"], days=5.1)
    assert (said["status"], said["failure_code"]) == ("failed", "could_not_process")
    assert await statuses(simulator, returning["id"]) == ["in_transit", "paid", "failed"]


async def test_only_a_pending_payout_is_cancelled(simulator: RunningSimulator):
    first, second = await pay(simulator), await pay(simulator, 100, "pb_2")
    stopped = await simulator.ask("/payouts/cancel", reference="pc_1", payout=first["id"])
    assert (stopped["status"], stopped["amount"]) == ("approved", 5_000)
    assert (await found(simulator, first["id"], days=2.5))["status"] == "canceled"
    late = await simulator.ask("/payouts/cancel", reference="pc_2", payout=second["id"])
    assert (late["status"], late["decline_code"]) == ("declined", "payout_in_transit")
    again = await simulator.ask("/payouts/cancel", reference="pc_3", payout=first["id"])
    assert again["decline_code"] == "payout_canceled"
    status, other = await simulator.post("/payouts/cancel", {"reference": "x", "payout": first["id"]}, key=OTHER_KEY)
    assert (status, other["decline_code"]) == (200, "payout_unknown")
    assert (await simulator.ask("/inquiries", reference="pc_1"))["status"] == "approved"


async def test_a_paid_payout_is_reversed_up_to_its_amount_as_a_payout_of_its_own(simulator: RunningSimulator):
    paid = await pay(simulator, 4_333)
    reverse: dict[str, Any] = {"payout": paid["id"], "amount": 4_000}
    early = await simulator.ask("/payouts/reverse", reference="pr_0", **reverse)
    assert early["decline_code"] == "payout_pending"
    await found(simulator, paid["id"], days=3.1)
    back = await simulator.ask("/payouts/reverse", reference="pr_1", **reverse)
    assert (back["status"], back["amount"], back["payout"]) == ("approved", 4_000, paid["id"])
    assert (await simulator.ask("/payouts/reverse", reference="pr_1", **reverse)) == back
    over = await simulator.ask("/payouts/reverse", reference="pr_2", **{**reverse, "amount": 334})
    assert over["decline_code"] == "amount_too_large"
    assert (await found(simulator, back["id"], days=9))["status"] == "paid"
    assert (await found(simulator, paid["id"]))["status"] == "paid"  # what came back cannot fail any more
    twice = await simulator.ask("/payouts/reverse", reference="pr_3", payout=back["id"], amount=1)
    assert twice["decline_code"] == "payout_unknown"


async def test_the_same_payout_twice_is_one_also_after_a_kill(simulator: RunningSimulator):
    body = {"reference": "pb_1", "amount": 700, "currency": "eur", "arrival_date": int(time.time()) + 3 * DAY_S}
    first = await simulator.ask("/payouts", **body)
    simulator.restart()
    assert await simulator.ask("/payouts", **body, now=int(time.time()) + 60) == first
    assert (await simulator.post("/payouts", {**body, "amount": 701}))[0] == 409
    assert len([entry for entry in await simulator.journal() if entry["kind"] == "payout"]) == 1


async def test_a_lost_answer_is_found_by_our_reference(simulator: RunningSimulator):
    await simulator.fault("http_500_after", match={"path": "/payouts"})
    body = {"reference": "pb_1", "amount": 700, "currency": "eur", "arrival_date": int(time.time()) + 3 * DAY_S}
    assert (await simulator.post("/payouts", body))[0] == 500
    said = await simulator.ask("/inquiries", reference="pb_1")
    assert (said["kind"], said["status"], said["amount"]) == ("payout", "approved", 700)


async def test_an_ordered_decline_declines(simulator: RunningSimulator):
    await simulator.fault("decline", decline_code="no_account")
    assert (await pay(simulator))["decline_code"] == "no_account"


@pytest.mark.parametrize(
    "wrong",
    [
        {"amount": 0}, {"amount": "5"}, {"currency": "USD"}, {"arrival_date": -1}, {"arrival_date": 10**12},
        {"statement_descriptor": "a\nb"}, {"now": True}, {"now": -1},
    ],
)  # fmt: skip
async def test_payouts_are_read_strictly(simulator: RunningSimulator, wrong: dict[str, Any]):
    body = {"reference": "pb_1", "amount": 700, "currency": "eur", "arrival_date": 1_900_000_000, **wrong}
    status, said = await simulator.post("/payouts", body)
    assert (status, said["error"]["field"]) == (400, next(iter(wrong)))
    assert await simulator.journal() == []
