"""Accounts made after the start get keys through the admin API, and keep them over a kill."""

import json

from tests.simulator.running import ADMIN, KEY, RunningSimulator, authorization

NEW = "sim_key_made_while_running_1"


async def test_a_key_added_works_at_once_and_after_a_kill(simulator: RunningSimulator) -> None:
    status, _ = await simulator.post("/authorizations", authorization("pa_1"), key=NEW)
    assert status == 401
    status, said = await simulator.post("/admin/keys", {"key": NEW, "label": "acct_new:live"}, key=ADMIN)
    assert (status, said) == (200, {"label": "acct_new:live"})
    status, _ = await simulator.post("/authorizations", authorization("pa_1"), key=NEW)
    assert status == 200
    simulator.restart()
    status, again = await simulator.post("/inquiries", {"reference": "pa_1"}, key=NEW)
    assert status == 200
    assert again["found"] is True
    assert [entry["account"] for entry in await simulator.journal()] == ["acct_new:live"]


async def test_the_file_holds_no_key_and_is_its_owners_alone(simulator: RunningSimulator) -> None:
    await simulator.post("/admin/keys", {"key": NEW, "label": "acct_new:test"}, key=ADMIN)
    file = simulator.home / "simulator" / "keys.json"
    assert NEW not in file.read_text()
    assert list(json.loads(file.read_text()).values()) == ["acct_new:test"]
    assert file.stat().st_mode & 0o777 == 0o600


async def test_only_the_admin_adds_and_only_what_is_in_order(simulator: RunningSimulator) -> None:
    wanted = {"key": NEW, "label": "acct_new:test"}
    assert (await simulator.post("/admin/keys", wanted))[0] == 401
    for wrong in (
        {"key": NEW}, {**wanted, "more": 1}, {**wanted, "key": "short"}, {**wanted, "label": "acct_new"},
        {**wanted, "label": 1}, {**wanted, "label": "acct_new:test\n"}, {"key": KEY, "label": "acct_other:test"}, [],
    ):  # fmt: skip
        status, said = await simulator.post("/admin/keys", wrong, key=ADMIN)
        assert status == 400, said
    async with simulator.session.get("/admin/keys", headers={"Authorization": f"Bearer {ADMIN}"}) as answer:
        assert await answer.json() == {"labels": ["acct_a:test", "acct_b:test"]}
