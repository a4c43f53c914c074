"""What an account's people do with alerts: see their own only, acknowledge, resolve, silence, route; all on record."""

import json
from dataclasses import replace

import pytest

from lockgate.gateway.alerts import api
from lockgate.gateway.alerts.tell import tell
from lockgate.gateway.storage.commit import Committer, KeyInUse
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.principal import Principal
from tests.gateway.alerts.desk import ACCOUNT, START, open_room
from tests.gateway.customers.desk import Desk, ScriptedVault
from tests.gateway.webhooks.desk import receiving

OTHER = "acct_bbbbbbbbbbbbbbbbbbbb"


@pytest.fixture
async def room(database):
    async with open_room(database) as opened:
        yield opened


@pytest.fixture
def desk(room):
    return desk_of(room, ACCOUNT)


def desk_of(room, account):
    ports = room.ports(room.gateway)
    who = Principal(account, False, "person", "per_1", permissions={"alerts": "write"})
    operations = {one.name: one for one in api.operations(ports)}
    return Desk(
        room.gateway, Committer(room.gateway), operations, room.box, ScriptedVault(), who, now=room.now_ms // 1000
    )


async def leak(room, key="mk_1"):
    await room.happen("key.leaked", outcome="done", object_=key)
    await room.judge()


async def audits(room, action):
    rows = await room.gateway.fetch("select actor, object, detail::text from audit where action = $1", action)
    return [(row["actor"], row["object"], json.loads(row["detail"])) for row in rows]


async def test_an_alert_is_listed_acknowledged_and_resolved_each_on_record(room, desk):
    for key in ("mk_1", "mk_2", "mk_3"):
        await leak(room, key)
    page = await desk.do("alert.list", limit=2)
    assert [one["subject"] for one in page["data"]] == ["mk_3", "mk_2"] and page["has_more"]
    rest = await desk.do("alert.list", starting_after=page["data"][-1]["id"])
    assert [one["subject"] for one in rest["data"]] == ["mk_1"] and not rest["has_more"]
    back = await desk.do("alert.list", ending_before=rest["data"][0]["id"])
    assert back["data"] == page["data"]
    id_ = page["data"][0]["id"]
    assert (await desk.do("alert.get", alert=id_))["runbook"]
    acknowledged = await desk.do("alert.acknowledge", alert=id_)
    assert acknowledged["state"] == "acknowledged" and acknowledged["acknowledged_by"] == "person:per_1"
    assert await desk.do("alert.acknowledge", alert=id_) == acknowledged
    await leak(room, "mk_3")
    assert (await desk.do("alert.get", alert=id_))["count"] == 2
    resolved = await desk.do("alert.resolve", alert=id_)
    assert resolved["state"] == "resolved" and await desk.do("alert.resolve", alert=id_) == resolved
    await leak(room, "mk_3")
    opened = await desk.do("alert.list", state="open")
    assert len(opened["data"]) == 3 and opened["data"][0]["id"] != id_
    assert len(await audits(room, "alert.acknowledge")) == len(await audits(room, "alert.resolve")) == 1


async def test_another_account_sees_and_changes_nothing(room, desk):
    await leak(room)
    id_ = (await desk.do("alert.list"))["data"][0]["id"]
    made = await desk.do("alert_route.create", email="ops@shop.example")
    silence = await desk.do("alert_silence.create", rule="key_leaked", until=desk.now + 60, reason="drill")
    stranger = desk_of(room, OTHER)
    assert (await stranger.do("alert.list"))["data"] == (await stranger.do("alert_route.list"))["data"] == []
    for name, path in (
        ("alert.get", {"alert": id_}), ("alert.acknowledge", {"alert": id_}), ("alert.resolve", {"alert": id_}),
        ("alert_route.get", {"route": made["id"]}), ("alert_route.delete", {"route": made["id"]}),
        ("alert_route.test", {"route": made["id"]}), ("alert_route.list_deliveries", {"route": made["id"]}),
        ("alert_route.update", {"route": made["id"]}), ("alert_silence.delete", {"silence": silence["id"]}),
        ("alert_rule.get", {"rule": "failed_authentications.address"}),
        ("alert_rule.update", {"rule": "failed_authentications.overall"}),
    ):  # fmt: skip
        with pytest.raises(Refusal) as refused:
            await stranger.do(name, **path)
        assert refused.value.kind is Kind.NOT_FOUND
    with pytest.raises(Refusal):
        await stranger.do("alert.list", starting_after=id_)
    assert (await desk.do("alert.get", alert=id_))["state"] == "open"


async def test_a_webhook_route_shows_its_secret_once_is_tested_and_removed(room, desk):
    async with receiving() as receiver:
        made = await desk.do("alert_route.create", url=receiver.url, min_severity="high")
        assert made["secret"].startswith("whsec_")
        [shown] = (await desk.do("alert_route.list"))["data"]
        assert shown["secret"] is None and shown["url"] == receiver.url
        queued = await desk.do("alert_route.test", route=made["id"])
        assert queued["status"] == "waiting"
        room.now_ms += 60_000
        await tell(room.telling())
        [(_, body)] = receiver.got
        assert json.loads(body)["type"] == "alert.test"
        [delivered] = (await desk.do("alert_route.list_deliveries", route=made["id"]))["data"]
        assert (delivered["id"], delivered["status"]) == (queued["id"], "delivered")
    changed = await desk.do("alert_route.update", route=made["id"], enabled=False)
    assert not changed["enabled"]
    await leak(room)
    assert len((await desk.do("alert_route.list_deliveries", route=made["id"]))["data"]) == 1
    assert (await desk.do("alert_route.delete", route=made["id"]))["deleted"]
    assert (await desk.do("alert_route.list"))["data"] == []
    actions = [
        row["action"]
        for row in await room.gateway.fetch("select action from audit where action like 'alert_route.%' order by id")
    ]
    assert actions == ["alert_route.create", "alert_route.test", "alert_route.update", "alert_route.delete"]
    assert "whsec_" not in str(await room.gateway.fetch("select detail::text from audit"))


async def test_a_route_to_inside_is_refused_where_private_addresses_are(room, desk):
    ports = replace(room.ports(room.gateway), allow_private=False)
    desk.operations = {one.name: one for one in api.operations(ports)}
    for url in ("http://shop.example/h", "https://127.0.0.1/h", "https://169.254.169.254/", "https://localhost/h"):
        with pytest.raises(Refusal) as refused:
            await desk.do("alert_route.create", url=url)
        assert refused.value.param == "url"
    for form in ({}, {"url": "https://a.example/", "email": "a@b.example"}, {"email": "a@b\r\nBcc: c@d"}):
        with pytest.raises(Refusal):
            await desk.do("alert_route.create", form=form)
    assert (await desk.do("alert_route.list"))["data"] == []


async def test_a_rule_gets_a_threshold_of_the_accounts_own_and_loses_it_again(room, desk):
    rule = "failed_authentications.account"
    listed = {one["id"]: one for one in (await desk.do("alert_rule.list", limit=100))["data"]}
    assert listed[rule]["threshold"] == 5 and "limiter_failing" not in listed
    changed = await desk.do("alert_rule.update", rule=rule, threshold=2)
    assert (await desk.do("alert_rule.get", rule=rule)) == changed and changed["threshold"] == 2
    for at in (0, 1):
        await room.happen("authentication.refused", at_ms=START + at)
    await room.judge()
    assert rule in await room.rules() and "watch_weakened" in await room.rules()
    assert (await desk.do("alert_rule.update", rule=rule, threshold=""))["threshold"] == 5
    assert not (await desk.do("alert_rule.update", rule=rule, enabled=False))["enabled"]
    [_, _, (_, object_, detail)] = await audits(room, "alert_rule.update")
    assert object_ == rule and detail["after"] == {"threshold": None, "enabled": False}
    for wrong in ({"rule": "watch_weakened", "enabled": False}, {"rule": "key_leaked", "threshold": 3}):
        with pytest.raises(Refusal):
            await desk.do("alert_rule.update", **wrong)


async def test_a_silence_has_a_rule_a_reason_and_an_end(room, desk):
    for wrong in (
        {"rule": "key_leaked", "until": desk.now, "reason": "x"},
        {"rule": "key_leaked", "until": desk.now + 31 * 86_400, "reason": "x"},
        {"rule": "watch_weakened", "until": desk.now + 60, "reason": "x"},
        {"rule": "limiter_failing", "until": desk.now + 60, "reason": "x"},
        {"rule": "key_leaked", "until": desk.now + 60},
    ):
        with pytest.raises(Refusal):
            await desk.do("alert_silence.create", form=wrong)
    made = await desk.do("alert_silence.create", rule="key_leaked", subject="mk_1", until=desk.now + 60, reason="drill")
    await leak(room)
    await leak(room, "mk_2")
    silenced = {row["subject"]: row["silence"] for row in await room.alerts("key_leaked")}
    assert silenced == {"mk_1": made["id"], "mk_2": None}
    assert (await desk.do("alert_silence.delete", silence=made["id"]))["deleted"]
    [shown] = (await desk.do("alert_silence.list"))["data"]
    assert shown["ended_at"] == desk.now and shown["reason"] == "drill"
    [(actor, _, detail)] = await audits(room, "alert_silence.create")
    assert actor == "person:per_1" and detail["reason"] == "drill"


async def test_every_write_repeated_under_its_key_happens_once(room, desk):
    await desk.do("alert_route.create", "key-1", email="ops@shop.example")
    with pytest.raises(KeyInUse):
        await desk.do("alert_route.create", "key-1", email="ops@shop.example")
    assert len((await desk.do("alert_route.list"))["data"]) == 1


def test_who_may_what(room):
    for operation in api.operations(room.ports(room.gateway)):
        assert operation.resource == "alerts" and not operation.publishable
        assert operation.access == ("read" if operation.method == "GET" else "write")
        weakens = operation.name.partition(".")[0] != "alert" and operation.access == "write"
        assert (operation.privilege == "alerts") == (weakens and operation.name != "alert_route.test")
