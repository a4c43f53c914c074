"""What changes by itself is told, signed, until it is taken: over restarts, and under every fault there is."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from lockgate.simulator.notify import FORGERIES
from tests.simulator.listening import Listening, listening
from tests.simulator.running import ACCOUNT, ADMIN, RunningSimulator, authorization

DISPUTED = "4000000000000259"


@pytest_asyncio.fixture
async def outside(tmp_path: Path) -> AsyncIterator[tuple[RunningSimulator, Listening]]:
    simulator = RunningSimulator(tmp_path / "home")
    async with listening(simulator) as gateway:
        simulator.start()
        yield simulator, gateway
        await simulator.close()


async def tell(simulator: RunningSimulator, reference: str, **more: str) -> dict[str, object]:
    asked = {"account": ACCOUNT, "kind": "step", "reference": reference, **more}
    status, said = await simulator.post("/admin/notifications", asked, key=ADMIN)
    assert status == 200, said
    return said


async def test_a_dispute_is_told_signed_where_the_account_listens(outside: tuple[RunningSimulator, Listening]):
    simulator, gateway = outside
    await simulator.ask("/authorizations", **authorization("pa_1", DISPUTED, capture=True))
    [told] = await gateway.until(1)
    assert (told.path, told.signed) == ("/processors/simulator/acct_a/test/notify", True)
    assert told.body["kind"] == "dispute"
    found = await simulator.ask("/disputes/inquiries", dispute=told.body["reference"])
    assert (found["step"], found["status"]) == ("pa_1", "needs_response")
    await asyncio.sleep(0.5)
    assert len(gateway.taken) == 1
    [entry] = [entry for entry in await simulator.journal() if entry["kind"] == "notified"]
    assert (entry["id"], entry["status"]) == (told.body["id"], "delivered")


async def test_an_ordinary_payment_tells_nothing(outside: tuple[RunningSimulator, Listening]):
    simulator, gateway = outside
    approved = await simulator.ask("/authorizations", **authorization("pa_1", capture=True))
    await simulator.ask("/refunds", reference="re_1", authorization=approved["id"], amount=1099)
    await asyncio.sleep(1.5)
    assert gateway.tries == 0


async def test_it_is_told_again_until_it_is_taken_and_no_answer_waits_for_it(
    outside: tuple[RunningSimulator, Listening]
):
    simulator, gateway = outside
    gateway.status = 503
    await tell(simulator, "re_1")
    while gateway.tries < 3:
        await asyncio.sleep(0.05)
    await simulator.ask("/authorizations", **authorization("pa_1"))
    gateway.status = 200
    [told] = await gateway.until(1)
    assert told.body["reference"] == "re_1"


async def test_what_was_not_taken_is_told_after_a_kill_and_what_was_taken_is_not(
    outside: tuple[RunningSimulator, Listening]
):
    simulator, gateway = outside
    await tell(simulator, "re_1")
    await gateway.until(1)
    gateway.status = 500
    await tell(simulator, "re_2")
    while not any(entry["kind"] == "notified" for entry in await simulator.journal()):
        await asyncio.sleep(0.05)
    simulator.restart()
    gateway.status = 200
    await gateway.until(2)
    await asyncio.sleep(0.5)
    assert gateway.of("step") == ["re_1", "re_2"]


async def test_a_dispute_that_was_due_while_the_simulator_was_down_comes_after_the_start(
    outside: tuple[RunningSimulator, Listening]
):
    simulator, gateway = outside
    await simulator.ask("/authorizations", **authorization("pa_1", DISPUTED, capture=True))
    simulator.restart()
    await gateway.until(1)
    assert len(gateway.of("dispute")) == 1


async def test_dropped_is_never_told_and_stays_dropped(outside: tuple[RunningSimulator, Listening]):
    simulator, gateway = outside
    await simulator.fault("drop_notification", match={"reference": "re_1"})
    await tell(simulator, "re_1")
    await tell(simulator, "re_2")
    await gateway.until(1)
    await asyncio.sleep(0.3)
    simulator.restart()
    await asyncio.sleep(0.5)
    assert gateway.of("step") == ["re_2"]


async def test_duplicated_is_told_twice_under_one_id(outside: tuple[RunningSimulator, Listening]):
    simulator, gateway = outside
    await simulator.fault("duplicate_notification", match={"kind": "step"})
    await tell(simulator, "re_1")
    first, second = await gateway.until(2)
    assert first.body == second.body


async def test_reordered_is_told_after_the_next_and_alone_after_its_time(outside: tuple[RunningSimulator, Listening]):
    simulator, gateway = outside
    await simulator.fault("reorder_notifications", match={"reference": "re_1"}, delay_ms=30_000)
    await simulator.fault("reorder_notifications", match={"reference": "re_3"}, delay_ms=300)
    await tell(simulator, "re_1")
    await asyncio.sleep(0.3)
    assert gateway.tries == 0
    await tell(simulator, "re_2")
    await gateway.until(2)
    await tell(simulator, "re_3")
    await gateway.until(3)
    assert gateway.of("step") == ["re_2", "re_1", "re_3"]


async def test_late_is_told_late(outside: tuple[RunningSimulator, Listening]):
    simulator, gateway = outside
    await simulator.fault("late_notification", delay_ms=700)
    began = asyncio.get_running_loop().time()
    await tell(simulator, "re_1")
    await gateway.until(1)
    assert asyncio.get_running_loop().time() - began >= 0.7


async def test_faults_of_requests_leave_notifications_alone_and_the_other_way_round(
    outside: tuple[RunningSimulator, Listening]
):
    simulator, gateway = outside
    await simulator.fault("drop_notification")
    await simulator.fault("http_500_before")
    status, _ = await simulator.post("/authorizations", authorization("pa_1"))
    assert status == 500
    await tell(simulator, "re_1")
    await tell(simulator, "re_2")
    await gateway.until(1)
    assert gateway.of("step") == ["re_2"]


@pytest.mark.parametrize("how", FORGERIES)
async def test_a_forgery_is_sent_once_and_its_fate_comes_back(outside: tuple[RunningSimulator, Listening], how: str):
    simulator, gateway = outside
    assert await tell(simulator, "re_1", forged=how) == {"status": 200}
    assert gateway.tries == 1
    assert not any(taken.signed for taken in gateway.taken) or how in ("stale", "early")
    assert await simulator.journal() == []


async def test_nobody_listening_is_waited_for(tmp_path: Path):
    simulator = RunningSimulator(tmp_path / "home")
    async with listening(simulator) as absent:
        port = absent.port
    simulator.start()
    await tell(simulator, "re_1")
    await asyncio.sleep(0.5)
    simulator.stop()
    async with listening(simulator, port=port) as gateway:
        simulator.start()
        await gateway.until(1)
        assert gateway.of("step") == ["re_1"]
        await simulator.close()
