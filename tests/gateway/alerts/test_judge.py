"""The engine on a real database: once, whoever runs it, whatever dies; five in a minute, told within one look."""

import asyncio

import pytest

from lockgate.gateway.alerts import judge as judging
from lockgate.gateway.alerts import store
from lockgate.gateway.alerts.judge import MOST_OPEN, Judge
from tests.gateway.alerts.desk import ACCOUNT, START, open_room, pairs

FAILED = "authentication.refused"


@pytest.fixture
async def room(database):
    async with open_room(database) as opened:
        yield opened


async def fail(room, times, **changes):
    for at in times:
        await room.happen(FAILED, at_ms=START + at, **changes)


async def test_four_are_quiet_and_the_fifth_fires_for_account_and_address_once(room):
    await fail(room, [0, 10_000, 20_000, 59_998])
    await room.judge()
    assert await room.alerts() == []
    await fail(room, [59_999])
    room.now_ms = START + 60_000
    await room.judge()
    assert sorted(pairs(await room.alerts())) == [
        ("failed_authentications.account", ACCOUNT),
        ("failed_authentications.address", "203.0.113.7"),
    ]
    await fail(room, [60_000, 61_000])
    await room.judge()
    [alert] = await room.alerts("failed_authentications.account")
    assert (alert["count"], alert["first_ms"], alert["last_ms"]) == (7, START, START + 61_000)
    assert (alert["state"], alert["account"], alert["severity"]) == ("open", ACCOUNT, "high")
    [alert] = await room.alerts("failed_authentications.address")
    assert alert["account"] == "-"


async def test_the_window_slides_over_pages_that_are_judged_apart(room):
    for at in (0, 30_000, 60_000, 90_000, 119_000, 119_500):
        await fail(room, [at])
        room.now_ms = START + at
        await room.judge()
    assert await room.alerts("failed_authentications.account") == []
    await fail(room, [119_600])
    await room.judge()
    assert len(await room.alerts("failed_authentications.account")) == 1


async def test_quiet_ends_an_alert_and_the_next_burst_opens_another(room):
    await fail(room, range(0, 5000, 1000))
    await room.judge()
    room.now_ms = START + 4000 + 59_999
    await room.judge()
    assert [row["state"] for row in await room.alerts("failed_authentications.account")] == ["open"]
    room.now_ms = START + 4000 + 60_000
    await room.judge()
    assert [row["state"] for row in await room.alerts("failed_authentications.account")] == ["resolved"]
    await fail(room, range(65_000, 70_000, 1000))
    await room.judge()
    assert [row["state"] for row in await room.alerts("failed_authentications.account")] == ["resolved", "open"]
    ended = await room.gateway.fetchval("select count(*) from audit where action = 'alert.ended'")
    assert ended == 2


async def test_one_page_with_two_bursts_and_quiet_between_opens_two(room):
    await fail(room, [*range(0, 5000, 1000), *range(200_000, 205_000, 1000)])
    await room.judge()
    assert [row["count"] for row in await room.alerts("failed_authentications.account")] == [5, 5]


async def test_engines_side_by_side_fire_once(room):
    engines = [Judge(room.telling()) for _ in range(3)]

    async def feed():
        for at in range(0, 30_000, 500):
            await fail(room, [at])

    async def work(engine):
        for _ in range(60):
            await engine.run()
            await asyncio.sleep(0.005)

    await asyncio.gather(feed(), *(work(engine) for engine in engines))
    await room.judge()
    [alert] = await room.alerts("failed_authentications.account")
    assert alert["count"] == 60


async def test_a_death_in_the_middle_loses_and_doubles_nothing(room, monkeypatch):
    await fail(room, [0, 1000, 2000, 3000, 4000, 5000])
    real = store.insert_alert

    async def dies(connection, row):
        await real(connection, row)
        raise RuntimeError("pulled the plug")

    monkeypatch.setattr(judging.store, "insert_alert", dies)
    with pytest.raises(RuntimeError):
        for _ in range(200):  # a transaction that is open anywhere else in the server holds the log back for a moment
            await Judge(room.telling()).run()
            await asyncio.sleep(0.05)
    monkeypatch.undo()
    assert await room.alerts() == []
    await room.judge()
    [alert] = await room.alerts("failed_authentications.account")
    assert alert["count"] == 6
    await Judge(room.telling()).run()
    [again] = await room.alerts("failed_authentications.account")
    assert again["count"] == 6


async def test_what_commits_late_is_not_left_out(room):
    await fail(room, [0, 1000, 2000, 3000])
    async with room.gateway.acquire() as connection:
        late = connection.transaction()
        await late.start()
        await connection.execute(
            "insert into audit (account, livemode, id, created_ms, action, outcome, actor, detail)"
            " values ($1, false, 'aud_late', $2, $3, 'refused', 'internal:unknown', '{}')",
            *(ACCOUNT, START + 3500, FAILED),
        )
        await fail(room, [4000], account="-")
        await room.judge()
        assert await room.alerts("failed_authentications.account") == []
        await late.commit()
    await room.judge()
    assert len(await room.alerts("failed_authentications.account")) == 1


async def test_a_flood_of_addresses_is_told_of_together(room):
    for n in range(MOST_OPEN + 10):
        await fail(room, range(5), account="-", address=f"198.51.100.{n}")
    await room.judge()
    rows = await room.alerts("failed_authentications.address")
    assert len(rows) == MOST_OPEN + 1
    [rest] = [row for row in rows if row["subject"] == "*"]
    assert rest["count"] == 10


async def test_one_request_that_left_records_in_two_accounts_counts_once_for_its_address(room):
    for n in range(3):
        for account in (ACCOUNT, "-"):
            await room.happen(FAILED, account=account, request=f"req_{n}", actor="person:per_1")
    await room.judge()
    assert await room.alerts("failed_authentications.address") == []


async def test_an_account_may_have_its_own_threshold_or_none(room):
    await room.gateway.execute(
        "insert into alert_rule values ($1, 'failed_authentications.account', 2, true, 1, 'person:per_1'),"
        " ('-', 'failed_authentications.address', null, false, 1, 'internal:operator')",
        ACCOUNT,
    )
    await fail(room, range(0, 7000, 1000))
    await room.judge()
    assert await room.rules() == ["failed_authentications.account"]


async def test_an_alert_that_was_resolved_needs_a_full_window_again(room):
    await fail(room, range(5))
    await room.judge()
    await room.gateway.execute("update alert set state = 'resolved', resolved_at = 1 where account = $1", ACCOUNT)
    await fail(room, range(10, 14))
    await room.judge()
    assert len(await room.alerts("failed_authentications.account")) == 1
    await fail(room, [15])
    await room.judge()
    assert len(await room.alerts("failed_authentications.account")) == 2


async def test_a_record_that_a_rule_cannot_read_stops_nothing(room):
    await room.happen("certificate.expiring", detail={"within_days": ["soon"]}, outcome="done")
    await room.happen("api_key.create", detail={"permissions": 7}, outcome="done")
    await fail(room, range(5))
    await room.judge()
    assert "failed_authentications.account" in await room.rules()
