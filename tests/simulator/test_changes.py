"""What the simulator has to tell can be asked for: all of it, in order, page by page, whether it was told or not."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from lockgate.kernel import clock
from tests.simulator.listening import Listening, listening
from tests.simulator.running import ACCOUNT, ADMIN, OTHER_KEY, RunningSimulator, authorization

DISPUTED = "4000000000000259"
NOTHING = {"since": "", "notices": [], "cursor": "", "more": False}


@pytest_asyncio.fixture
async def outside(tmp_path: Path) -> AsyncIterator[tuple[RunningSimulator, Listening]]:
    simulator = RunningSimulator(tmp_path / "home")
    async with listening(simulator) as gateway:
        simulator.start()
        yield simulator, gateway
        await simulator.close()


async def tell(simulator: RunningSimulator, *references: str) -> None:
    for reference in references:
        asked = {"account": ACCOUNT, "kind": "step", "reference": reference}
        status, said = await simulator.post("/admin/notifications", asked, key=ADMIN)
        assert status == 200, said


async def changes(simulator: RunningSimulator, cursor: str = "", *, limit: int = 100, **more: Any) -> dict[str, Any]:
    return await simulator.ask("/changes", cursor=cursor, limit=limit, **more)


def references(page: dict[str, Any]) -> list[str]:
    return [notice["reference"] for notice in page["notices"]]


async def test_nothing_has_changed_yet(simulator: RunningSimulator):
    assert await changes(simulator) == NOTHING


async def test_pages_are_bounded_and_follow_on_each_other(simulator: RunningSimulator):
    await tell(simulator, *(f"re_{n}" for n in range(5)))
    first = await changes(simulator, limit=2)
    assert (references(first), first["more"]) == (["re_0", "re_1"], True)
    second = await changes(simulator, first["cursor"], limit=2)
    assert (references(second), second["since"], second["more"]) == (["re_2", "re_3"], first["cursor"], True)
    last = await changes(simulator, second["cursor"], limit=2)
    assert (references(last), last["more"]) == (["re_4"], False)
    after = await changes(simulator, last["cursor"])
    assert after == {"since": last["cursor"], "notices": [], "cursor": last["cursor"], "more": False}
    assert references(await changes(simulator, first["cursor"], limit=2)) == ["re_2", "re_3"], "asked again, said again"
    await tell(simulator, "re_5")
    assert references(await changes(simulator, last["cursor"])) == ["re_5"]


async def test_what_was_told_and_what_was_dropped_stand_there_under_the_ids_that_notifications_bear(
    outside: tuple[RunningSimulator, Listening],
):
    simulator, gateway = outside
    await simulator.fault("drop_notification", match={"reference": "re_1"})
    await tell(simulator, "re_1", "re_2")
    [told] = await gateway.until(1)
    page = await changes(simulator)
    assert references(page) == ["re_1", "re_2"]
    created = told.body.pop("created")
    assert page["notices"][1] == told.body and created


async def test_it_is_the_same_after_a_kill(outside: tuple[RunningSimulator, Listening]):
    simulator, _ = outside
    await tell(simulator, "re_1", "re_2", "re_3")
    before = await changes(simulator, limit=2)
    simulator.restart()
    assert await changes(simulator, limit=2) == before
    assert references(await changes(simulator, before["cursor"])) == ["re_3"]


async def test_an_account_learns_of_its_own_alone(simulator: RunningSimulator):
    await tell(simulator, "re_1")
    status, said = await simulator.post("/changes", {"cursor": "", "limit": 5}, key=OTHER_KEY)
    assert (status, said) == (200, NOTHING)


async def test_the_time_that_is_told_lets_what_is_due_happen_first(simulator: RunningSimulator):
    now = clock.now()
    paid = await simulator.ask(
        "/payouts", reference="po_1", amount=700, currency="usd", arrival_date=now + 3 * 86_400, now=now
    )
    assert references(await changes(simulator, now=now)) == []
    page = await changes(simulator, now=now + 4 * 86_400)
    assert references(page) == [paid["id"], paid["id"]], "on its way, and there"


async def test_a_dispute_stands_there(simulator: RunningSimulator):
    await simulator.ask("/authorizations", **authorization("pa_1", DISPUTED, capture=True))
    async with asyncio.timeout(5):
        while not (page := await changes(simulator))["notices"]:
            await asyncio.sleep(0.1)
    [notice] = page["notices"]
    assert notice["kind"] == "dispute"
    assert (await simulator.ask("/disputes/inquiries", dispute=notice["reference"]))["step"] == "pa_1"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"limit": 1}, "cursor"),
        ({"cursor": ""}, "limit"),
        ({"cursor": "x", "limit": 1}, "cursor"),
        ({"cursor": "-1", "limit": 1}, "cursor"),
        ({"cursor": "01", "limit": 1}, "cursor"),
        ({"cursor": "0", "limit": 1}, "cursor"),
        ({"cursor": "1\n", "limit": 1}, "cursor"),
        ({"cursor": 1, "limit": 1}, "cursor"),
        ({"cursor": None, "limit": 1}, "cursor"),
        ({"cursor": "1", "limit": 1}, "cursor"),
        ({"cursor": "9" * 15, "limit": 1}, "cursor"),
        ({"cursor": "", "limit": 0}, "limit"),
        ({"cursor": "", "limit": 101}, "limit"),
        ({"cursor": "", "limit": "5"}, "limit"),
        ({"cursor": "", "limit": True}, "limit"),
        ({"cursor": "", "limit": 1, "since": ""}, "body"),
    ],
)
async def test_anything_else_is_refused_by_field(simulator: RunningSimulator, body: dict[str, Any], field: str):
    status, said = await simulator.post("/changes", body)
    assert (status, said["error"]["code"], said["error"]["field"]) == (400, "invalid", field)


async def test_it_meets_only_faults_that_name_it(simulator: RunningSimulator):
    await simulator.fault("http_500")
    await simulator.fault("http_500", match={"account": ACCOUNT})
    assert await changes(simulator) == NOTHING
    await simulator.fault("http_500", match={"path": "/changes"})
    status, _ = await simulator.post("/changes", {"cursor": "", "limit": 1})
    assert status == 500
    for reference in ("pa_1", "pa_2"):
        status, _ = await simulator.post("/authorizations", authorization(reference))
        assert status == 500, "the others were left for what they are for"
