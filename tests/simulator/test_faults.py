"""Each orderable fault does on the wire what its name says, and the journal shows whether the effect happened."""

import asyncio
import json
import time

import aiohttp
import pytest

from lockgate.simulator.faults import AFTER, BEFORE, FAULTS
from tests.simulator.running import ADMIN, RunningSimulator, authorization

NOT_AN_ANSWER = (aiohttp.ClientError, TimeoutError, json.JSONDecodeError, UnicodeDecodeError)


async def try_once(simulator: RunningSimulator, reference: str) -> tuple[int, dict] | None:
    try:
        return await simulator.post("/authorizations", authorization(reference), timeout=5)
    except NOT_AN_ANSWER:
        return None


@pytest.mark.parametrize("name", sorted(BEFORE | AFTER))
async def test_the_answer_suffers_once_and_the_effect_is_as_the_name_says(simulator: RunningSimulator, name: str):
    await simulator.fault(name, match={"path": "/authorizations"}, delay_ms=100)
    said = await try_once(simulator, "a1")
    if name.startswith("http_500"):
        assert said is not None and said[0] == 500
    elif name == "wrong_types":
        assert said is not None and isinstance(said[1]["status"], list)
    else:
        assert said is None
    happened = name in AFTER
    assert (await simulator.ask("/inquiries", reference="a1"))["found"] is happened
    assert len(await simulator.journal()) == happened
    assert (await try_once(simulator, "a1") or (0, {}))[0] == 200
    assert len(await simulator.journal()) == 1


async def test_slow_answers_late_but_truly(simulator: RunningSimulator):
    await simulator.fault("slow", delay_ms=400)
    began = time.monotonic()
    assert (await simulator.ask("/authorizations", **authorization("a1")))["status"] == "approved"
    assert time.monotonic() - began >= 0.4


async def test_a_duplicated_request_has_one_effect(simulator: RunningSimulator):
    await simulator.fault("duplicate")
    assert (await simulator.ask("/authorizations", **authorization("a1")))["status"] == "approved"
    assert len(await simulator.journal()) == 1


async def test_declines_can_be_ordered(simulator: RunningSimulator):
    held = await simulator.ask("/authorizations", **authorization("a1"))
    await simulator.fault("decline", decline_code="lost_card", match={"amount": 1099, "path": "/captures"})
    capture = await simulator.ask("/captures", reference="c1", authorization=held["id"], amount=1099)
    assert capture["decline_code"] == "lost_card"
    free = await simulator.ask("/captures", reference="c2", authorization=held["id"], amount=1099)
    assert free["status"] == "approved"


async def test_refuse_closes_the_door_for_a_while(simulator: RunningSimulator):
    await simulator.ask("/authorizations", **authorization("a1"))
    await simulator.fault("refuse", delay_ms=700)
    await asyncio.sleep(0.3)
    with pytest.raises(aiohttp.ClientConnectorError):
        await simulator.ask("/inquiries", reference="a1")
    await asyncio.sleep(0.8)
    assert (await simulator.ask("/inquiries", reference="a1"))["found"] is True


async def test_a_fault_waits_for_its_match_and_for_its_times(simulator: RunningSimulator):
    await simulator.fault("http_500_before", match={"reference": "a2", "account": "acct_a:test"}, times=2)
    statuses = [(await try_once(simulator, reference) or (0,))[0] for reference in ("a1", "a2", "a2", "a2")]
    assert statuses == [200, 500, 500, 200]


async def test_a_fault_can_wait_for_what_a_message_is_about(simulator: RunningSimulator):
    held = [(await simulator.ask("/authorizations", **authorization(f"a{n}", capture=False)))["id"] for n in range(2)]
    await simulator.fault("decline", match={"path": "/captures", "about": held[1]})
    taken = [
        await simulator.ask("/captures", reference=f"c-{one}", authorization=one, amount=1) for one in held
    ]
    assert [one["status"] for one in taken] == ["approved", "declined"]


async def test_faults_can_be_listed_and_cleared(simulator: RunningSimulator):
    await simulator.fault("garbage", times=9)
    headers = {"Authorization": f"Bearer {ADMIN}"}
    async with simulator.session.get("/admin/status", headers=headers) as answer:
        assert (await answer.json())["faults"] == [{"fault": "garbage", "match": {}, "times": 9}]
    async with simulator.session.delete("/admin/faults", headers=headers) as answer:
        assert answer.status == 200
    assert (await simulator.ask("/authorizations", **authorization("a1")))["status"] == "approved"


@pytest.mark.parametrize(
    "order",
    [
        [],
        {"fault": "unknown"},
        {"fault": "slow", "delay_ms": -1},
        {"fault": "slow", "times": 0},
        {"fault": "slow", "match": {"colour": "red"}},
        {"fault": "slow", "match": {"amount": "1"}},
        {"fault": "slow", "decline_code": "x"},
        {"fault": "refuse", "match": {"amount": 1}},
        "slow",
    ],
)
async def test_orders_with_anything_wrong_are_refused(simulator: RunningSimulator, order):
    status, said = await simulator.post("/admin/faults", order, key=ADMIN)
    assert (status, said["error"]["code"]) == (400, "invalid")


def test_every_fault_is_in_the_documentation():
    from pathlib import Path

    page = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()
    assert {name for name in FAULTS if f"`{name}`" not in page} == set()
