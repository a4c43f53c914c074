"""Accounts made after the start get keys through the admin API, and keep them over a kill."""

import hashlib
import json

from tests.simulator.running import (
    ADMIN,
    KEY,
    NEW_KEY,
    NOTIFICATION_KEYS,
    SIGNING_KEYS,
    RunningSimulator,
    authorization,
)

ENTRY = {
    "key": NEW_KEY, "signing_key": SIGNING_KEYS[NEW_KEY], "notification_key": NOTIFICATION_KEYS[NEW_KEY],
}  # fmt: skip


async def test_a_key_added_works_at_once_and_after_a_kill(simulator: RunningSimulator) -> None:
    status, _ = await simulator.post("/authorizations", authorization("pa_1"), key=NEW_KEY)
    assert status == 401
    status, said = await simulator.post("/admin/keys", ENTRY | {"label": "acct_new:live"}, key=ADMIN)
    assert (status, said) == (200, {"label": "acct_new:live"})
    status, _ = await simulator.post("/authorizations", authorization("pa_1"), key=NEW_KEY)
    assert status == 200
    simulator.restart()
    status, again = await simulator.post("/inquiries", {"reference": "pa_1"}, key=NEW_KEY)
    assert status == 200
    assert again["found"] is True
    assert [entry["account"] for entry in await simulator.journal()] == ["acct_new:live"]


async def test_the_file_holds_no_api_key_and_is_its_owners_alone(simulator: RunningSimulator) -> None:
    await simulator.post("/admin/keys", ENTRY | {"label": "acct_new:test"}, key=ADMIN)
    file = simulator.home / "simulator" / "keys.json"
    assert NEW_KEY not in file.read_text()
    [kept] = json.loads(file.read_text()).values()
    assert kept == {"label": "acct_new:test", **{name: ENTRY[name] for name in ("signing_key", "notification_key")}}
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_home_from_before_notifications_still_works_and_counts_as_lacking_keys(
    simulator: RunningSimulator,
) -> None:
    simulator.stop()
    file = simulator.home / "secrets" / "simulator.json"
    secrets = json.loads(file.read_text())
    for entry in secrets["api_keys"].values():
        del entry["notification_key"]
    file.write_text(json.dumps(secrets))
    added = {"label": "acct_old:test", "signing_key": SIGNING_KEYS[NEW_KEY]}
    kept = {hashlib.sha256(NEW_KEY.encode()).hexdigest(): added}
    (simulator.home / "simulator" / "keys.json").write_text(json.dumps(kept))
    simulator.start()
    assert (await simulator.post("/authorizations", authorization("pa_1")))[0] == 200
    assert (await simulator.post("/authorizations", authorization("pa_1"), key=NEW_KEY))[0] == 200
    async with simulator.session.get("/admin/keys", headers={"Authorization": f"Bearer {ADMIN}"}) as answer:
        assert await answer.json() == {"labels": []}
    assert (await simulator.post("/admin/keys", ENTRY | {"label": "acct_old:test"}, key=ADMIN))[0] == 200
    async with simulator.session.get("/admin/keys", headers={"Authorization": f"Bearer {ADMIN}"}) as answer:
        assert await answer.json() == {"labels": ["acct_old:test"]}


async def test_only_the_admin_adds_and_only_what_is_in_order(simulator: RunningSimulator) -> None:
    wanted = ENTRY | {"label": "acct_new:test"}
    assert (await simulator.post("/admin/keys", wanted))[0] == 401
    for wrong in (
        ENTRY, {**wanted, "more": 1}, {**wanted, "key": "short"}, {**wanted, "signing_key": "short"},
        {**wanted, "notification_key": "short"}, {**wanted, "notification_key": SIGNING_KEYS[NEW_KEY]},
        {"key": NEW_KEY, "label": "acct_new:test"}, {**wanted, "signing_key": NEW_KEY}, {**wanted, "label": "acct_new"},
        {**wanted, "label": 1}, {**wanted, "label": "acct_new:test\n"}, 
        {**wanted, "key": KEY, "label": "acct_other:test"}, [],
    ):  # fmt: skip
        status, said = await simulator.post("/admin/keys", wrong, key=ADMIN)
        assert status == 400, said
    async with simulator.session.get("/admin/keys", headers={"Authorization": f"Bearer {ADMIN}"}) as answer:
        assert await answer.json() == {"labels": ["acct_a:test", "acct_b:test"]}
