"""What an authorisation lives through: increments, captures, the account's clock, refunds that end later."""

import asyncio
import time
from typing import Any

import pytest

from tests.simulator.running import OTHER_KEY, RunningSimulator, authorization

DAY_S = 86_400


async def held(simulator: RunningSimulator, amount: int = 1000, **more: Any) -> str:
    return (await simulator.ask("/authorizations", **authorization("pa_1", amount=amount), **more))["id"]


async def test_an_increment_raises_what_may_be_captured(simulator: RunningSimulator):
    id_ = await held(simulator)
    said = await simulator.ask("/increments", reference="in_1", authorization=id_, amount=1500)
    assert (said["status"], said["amount"], said["decline_code"]) == ("approved", 1500, None)
    simulator.restart()
    assert (await simulator.ask("/inquiries", reference="in_1"))["kind"] == "increment"
    over = await simulator.ask("/captures", reference="ca_1", authorization=id_, amount=1501)
    assert over["decline_code"] == "amount_too_large"
    assert (await simulator.ask("/captures", reference="ca_2", authorization=id_, amount=1500))["status"] == "approved"


async def test_an_increment_is_declined_where_it_cannot_be(simulator: RunningSimulator):
    id_ = await held(simulator)

    async def refused(reference: str, amount: int, authorization_: str = id_, **told: int) -> str:
        body = {"reference": reference, "authorization": authorization_, "amount": amount, **told}
        return (await simulator.ask("/increments", **body))["decline_code"]

    assert await refused("in_1", 1000) == "amount_too_small"
    assert await refused("in_2", 999) == "amount_too_small"
    assert await refused("in_3", 2000, "sau_none") == "authorization_unknown"
    await simulator.fault("decline", decline_code="insufficient_funds")
    assert await refused("in_4", 2000) == "insufficient_funds"
    await simulator.ask("/captures", reference="ca_1", authorization=id_, amount=10, final=False)
    assert await refused("in_5", 2000) == "already_captured"
    other = await simulator.ask("/authorizations", **authorization("pa_2"))
    assert await refused("in_6", 2000, other["id"], now=int(time.time()) + 8 * DAY_S) == "authorization_expired"


async def test_captures_follow_one_another_until_the_last(simulator: RunningSimulator):
    id_ = await held(simulator)
    for number, (amount, final) in enumerate([(300, False), (200, False), (100, True)]):
        body = {"reference": f"ca_{number}", "authorization": id_, "amount": amount, "final": final}
        assert (await simulator.ask("/captures", **body))["status"] == "approved"
    more = await simulator.ask("/captures", reference="ca_9", authorization=id_, amount=1)
    assert more["decline_code"] == "already_captured"
    assert (await simulator.ask("/refunds", reference="re_1", authorization=id_, amount=600))["status"] == "approved"
    assert (await simulator.ask("/refunds", reference="re_2", authorization=id_, amount=1))["status"] == "declined"


async def test_the_clock_is_each_accounts_own_stays_told_and_never_goes_back(simulator: RunningSimulator):
    ahead = int(time.time()) + 100 * DAY_S
    id_ = await held(simulator, now=ahead)
    body = authorization("pa_2")
    expires = (await simulator.ask("/authorizations", **body, now=int(time.time())))["expires_at"]
    assert abs(expires - ahead - 7 * DAY_S) < 10
    status, other = await simulator.post("/authorizations", body, key=OTHER_KEY)
    assert status == 200 and abs(other["expires_at"] - time.time() - 7 * DAY_S) < 10
    simulator.restart()
    late = {"reference": "ca_1", "authorization": id_, "amount": 1}
    assert (await simulator.ask("/captures", **late, now=ahead + 8 * DAY_S))["decline_code"] == "authorization_expired"
    assert [entry["kind"] for entry in await simulator.journal()].count("clock") == 2


async def test_the_time_that_is_told_says_nothing_about_the_message(simulator: RunningSimulator):
    now = int(time.time())
    first = await simulator.ask("/authorizations", **authorization("pa_1"), now=now)
    assert await simulator.ask("/authorizations", **authorization("pa_1"), now=now + 100) == first
    assert await simulator.ask("/authorizations", **authorization("pa_1")) == first


async def refunded(simulator: RunningSimulator, number: str) -> dict[str, Any]:
    paid = await simulator.ask("/authorizations", **authorization("pa_1", number, capture=True))
    return await simulator.ask("/refunds", reference="re_1", authorization=paid["id"], amount=500)


async def fate(simulator: RunningSimulator, *statuses: str) -> dict[str, Any]:
    """Inquire until the last of ``statuses``; those seen on the way are of these, in this order."""
    seen: list[str] = []
    said: dict[str, Any] = {}
    async with asyncio.timeout(5):
        while not seen or seen[-1] != statuses[-1]:
            said = await simulator.ask("/inquiries", reference="re_1")
            seen += [said["status"]] if said["status"] not in seen[-1:] else []
            await asyncio.sleep(0.05)
    assert seen in (list(statuses), list(statuses[-1:]))
    return said


@pytest.mark.parametrize("killed", [False, True])
async def test_a_slow_refund_is_pending_and_then_succeeds(simulator: RunningSimulator, killed: bool):
    first = await refunded(simulator, "4000000000007726")
    assert (first["status"], first["decline_code"]) == ("pending", None)
    if killed:
        simulator.restart()
    await fate(simulator, "pending", "approved")
    said = [entry for entry in await simulator.journal() if entry["kind"] == "refund"]
    assert [entry["status"] for entry in said] == ["pending", "approved"]
    assert {entry["id"] for entry in said} == {first["id"]}
    assert [notice["reference"] for notice in said[1]["notices"]] == ["re_1"]
    assert await simulator.ask("/refunds", reference="re_1", authorization=first["authorization"], amount=500) == first


async def test_what_is_pending_cannot_be_refunded_again(simulator: RunningSimulator):
    first = await refunded(simulator, "4000000000007726")
    over = {"reference": "re_2", "authorization": first["authorization"], "amount": 600}
    assert (await simulator.ask("/refunds", **over))["decline_code"] == "amount_too_large"


async def test_a_refund_that_comes_back_can_be_made_again(simulator: RunningSimulator):
    first = await refunded(simulator, "4000000000005126")
    assert first["status"] == "approved"
    said = await fate(simulator, "approved", "failed")
    assert said["failure_reason"] == "expired_or_canceled_card"
    [entry] = [entry for entry in await simulator.journal() if entry["kind"] == "refund_failure"]
    assert (entry["reference"], entry["amount"], entry["id"]) == ("re_1", 500, first["id"])
    simulator.restart()
    assert (await simulator.ask("/inquiries", reference="re_1"))["status"] == "failed"
    again = {"reference": "re_2", "authorization": first["authorization"], "amount": 1099}
    assert (await simulator.ask("/refunds", **again))["status"] == "approved"


@pytest.mark.parametrize(
    ("number", "level"),
    [("4242424242424242", "normal"), ("4000000000009235", "elevated"), ("4100000000000019", "highest")],
)
async def test_the_acquirer_has_its_own_view_of_risk(simulator: RunningSimulator, number: str, level: str):
    said = await simulator.ask("/authorizations", **authorization("pa_1", number))
    assert said["risk_level"] == level
    assert (await simulator.ask("/inquiries", reference="pa_1"))["risk_level"] == level
