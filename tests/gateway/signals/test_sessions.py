"""Radar sessions: made by a browser, of one merchant's, sealed, told to the merchant as a judgement, and forgotten."""

import json
from dataclasses import replace

import pytest

from lockgate.gateway.signals import find, jobs, record
from lockgate.gateway.signals.core.session import KEPT_S, VALID_S
from lockgate.gateway.signals.core.shapes import SESSION
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind
from tests.gateway.customers.desk import pool_as
from tests.gateway.signals.desk import ACCOUNT, MERCHANT, OTHER, Desk, shopper
from tests.gateway.signals.reports import person

pytestmark = pytest.mark.asyncio
DAY_S = 86_400


async def devices(desk: Desk, *ids: str) -> list[bytes]:
    rows = [await find.row(desk.ports.pool, who, id_) for id_ in ids for who in (shopper(), shopper(OTHER))]
    return [row.device for row in rows if row is not None and row.device is not None]


async def test_a_browser_gets_an_id_and_a_name_for_its_device_and_the_merchant_what_was_judged(desk):
    made = await desk.report()
    assert set(made) == set(SESSION.fields) and made["id"].startswith("rse_")
    assert made["object"] == "radar.session" and made["signals"] is None and made["device"].startswith("ldvt_")
    shown = await desk.do("radar_session.get", session=made["id"])
    assert set(shown) == set(SESSION.fields) and shown["device"] is None
    assert (shown["signals"]["bot_score"], shown["signals"]["is_device_new"]) == (0, True)
    assert "Berlin" not in json.dumps(shown)


async def test_a_device_is_known_by_its_token_and_by_no_other(desk):
    first = await desk.report()
    again = await desk.report(device=first["device"], device_cores=2)
    token = first["device"]
    forged = await desk.report(device=token[:-1] + ("0" if token[-1] != "0" else "1"), device_cores=3)
    one, two, three = await devices(desk, first["id"], again["id"], forged["id"])
    assert again["device"] == token and one == two != three
    known = await find.session(desk.ports.pool, desk.ports.box, MERCHANT, again["id"], now=desk.now)
    new = await find.session(desk.ports.pool, desk.ports.box, MERCHANT, forged["id"], now=desk.now)
    assert known and new and (known.is_device_new, new.is_device_new) == (False, True)


async def test_who_clears_the_browser_is_the_same_device_for_a_day(desk):
    first, cleared = await desk.report(), await desk.report()
    elsewhere = await desk.report(shopper(address="198.51.100.9"))
    one, two, three = await devices(desk, first["id"], cleared["id"], elsewhere["id"])
    assert one == two != three and first["device"] != cleared["device"]
    desk.now += DAY_S + 1
    [later] = await devices(desk, (await desk.report())["id"])
    assert later != one


async def test_a_report_that_a_server_passes_on_does_not_make_its_address_the_shoppers(desk):
    """Else all of a shop's payments would come from one address, and from one device of each model."""
    server = replace(MERCHANT, address="198.51.100.80")
    one, other = await desk.report(server), await desk.report(server)
    found = await find.session(desk.ports.pool, desk.ports.box, MERCHANT, one["id"], now=desk.now)
    assert found is not None and found.address is None
    assert len(set(await devices(desk, one["id"], other["id"]))) == 2


async def test_two_merchants_cannot_find_out_that_they_saw_one_device(desk):
    ours, theirs = await desk.report(), await desk.report(shopper(OTHER))
    rows = await desk.ports.pool.fetch("select device, fingerprint from risk_session")
    assert len({row["device"] for row in rows}) == len({row["fingerprint"] for row in rows}) == 2
    carried = await desk.report(shopper(OTHER), device=ours["device"])
    assert carried["device"] not in (ours["device"], theirs["device"])


async def test_a_token_of_test_mode_is_none_of_live_mode(desk):
    token = (await desk.report())["device"]
    assert (await desk.report(shopper(livemode=True), device=token))["device"] != token


async def test_what_was_reported_is_sealed_and_what_stands_open_says_nothing_of_a_person(desk):
    await desk.report()
    [row] = await desk.ports.pool.fetch("select * from risk_session")
    assert set(json.loads(row["facts"])) == {
        "bot_score", "signs", "conflicts", "webdriver", "timezone", "form_ms", "pasted", "autofilled", "straightness",
    }  # fmt: skip
    text = repr(dict(row))
    assert not any(word in text for word in ("203.0.113.7", "Linux x86_64", "1920x1080", "13_14", "[13, 14"))
    desk.ports.box.shred(ACCOUNT, find.subject(row["day"]))
    found = await find.session(desk.ports.pool, desk.ports.box, MERCHANT, row["id"], now=desk.now)
    assert found is not None and found.address is None and not found.samples


async def test_a_payment_may_name_a_session_for_two_hours_and_only_its_own_accounts(desk):
    id_ = (await desk.report())["id"]

    async def seen(who, now):
        return await find.session(desk.ports.pool, desk.ports.box, who, id_, now=now)

    found = await seen(MERCHANT, desk.now + VALID_S - 1)
    assert found is not None and found.address == "203.0.113.7" and found.samples
    assert await seen(MERCHANT, desk.now + VALID_S) is None
    assert await seen(shopper(OTHER), desk.now) is None
    assert await seen(shopper(livemode=True), desk.now) is None


async def test_it_is_gone_after_thirty_days_or_when_the_merchant_says_so(desk, database):
    old, erased, young = [(await desk.report())["id"] for _ in range(3)]
    today = clock.now() // DAY_S
    await desk.do("radar_session.delete", session=erased)
    assert (await desk.refused("radar_session.delete", session=erased)).kind is Kind.NOT_FOUND
    assert (await desk.refused("radar_session.get", session=erased)).code == "resource_missing"
    owner = database.settings
    assert owner  # the gateway's role may not change a session once it is made
    with pytest.raises(Exception, match="permission denied"):
        await desk.ports.pool.execute("update risk_session set day = 0 where account = $1", ACCOUNT)
    async with pool_as(database, "worker") as pool:
        ports = desk.ports.__class__(pool, desk.ports.box, "")
        assert await jobs.forgotten(ports, now=(today + 30) * DAY_S - 1) == 0
        assert await jobs.forgotten(ports, now=(today * DAY_S) + KEPT_S + DAY_S) == 2
    for id_ in (old, young):
        assert (await desk.refused("radar_session.get", session=id_)).code == "resource_missing"


async def test_an_account_that_switches_the_collector_off_gets_nothing(desk):
    before = await desk.do("collector.get", who=shopper())
    assert (before["collector"], before["script"]) == ("notice", "https://pay.example/collector/v1.js")
    await desk.do("collector.update", form={"collector": "off"})
    assert (await desk.do("collector.get"))["collector"] == "off"
    refusal = await desk.refused("radar_session.create", who=shopper(), form=person())
    assert refusal.code == "collector_off"
    assert await desk.ports.pool.fetchval("select count(*) from risk_session") == 0
    await desk.do("collector.update", form={"collector": "ask", "notice": "We look for robots."})
    shown = await desk.do("collector.get")
    assert (shown["collector"], shown["notice"]) == ("ask", "We look for robots.")
    assert (await desk.do("collector.update", form={"notice": ""}))["notice"] is None
    assert (await desk.do("collector.get", who=shopper(OTHER)))["collector"] == "notice"


async def test_without_profiles_nothing_is_kept_of_how_somebody_types(desk):
    await desk.do("collector.update", form={"profiles": "false"})
    id_ = (await desk.report())["id"]
    found = await find.session(desk.ports.pool, desk.ports.box, MERCHANT, id_, now=desk.now)
    assert found is not None and found.samples == {}


async def test_making_changing_and_erasing_are_on_record(desk):
    id_ = (await desk.report())["id"]
    await desk.do("collector.update", form={"collector": "ask"})
    await desk.do("radar_session.delete", session=id_)
    rows = await desk.ports.pool.fetch("select action, object, detail from audit order by id")
    assert [row["action"] for row in rows] == ["radar_session.create", "collector.update", "radar_session.delete"]
    assert json.loads(rows[1]["detail"])["before"]["collector"] == "notice"


async def test_a_summer_time_is_no_contradiction():
    assert record.zone_offset("Europe/Berlin", 1_752_000_000) == 120
    assert record.zone_offset("Europe/Berlin", 1_737_000_000) == 60
    for wrong in (None, "", "Nowhere/City", "../../etc/passwd", "/etc/passwd", "Europe"):
        assert record.zone_offset(wrong, 1_752_000_000) is None
