"""An installation that nobody set alerts up for tells its owners, soon, once, and never in a flood."""

import asyncio

import pytest

from lockgate.gateway.alerts import edit_route, store_edit
from lockgate.gateway.alerts.core.rule import PLATFORM
from lockgate.gateway.alerts.owners import APART_MS, tell_owners
from lockgate.kernel.principal import Principal
from tests.gateway.alerts.desk import ACCOUNT, open_room
from tests.support.mailbox import letters


@pytest.fixture
async def room(database):
    async with open_room(database) as opened:
        yield opened


async def person(room, id_, *, roles=("owner",), account=ACCOUNT):
    sealed = await room.box.seal("platform", id_, {"email": f"{id_}@shop.example"})
    await room.gateway.execute(
        "insert into person (id, created, email_index, personal, status, active_since)"
        " values ($1, 1, $2, $3, 'active', 1)",
        *(id_, id_.encode(), sealed),
    )
    await room.gateway.execute(
        "insert into membership (account, person, created, roles, status, granted_by, changed_at)"
        " values ($1, $2, 1, $3, 'active', 'operator', 1)",
        *(account, id_, list(roles)),
    )


async def route(room, *, min_severity="low"):
    who = Principal(ACCOUNT, False, "person", "per_1")
    target = {"email": "ops@shop.example"}
    row = await edit_route.made(room.ports(room.gateway), who, kind="email", target=target,
                                min_severity=min_severity, now=1)  # fmt: skip
    async with room.gateway.acquire() as connection:
        await store_edit.insert_route(connection, row)


async def told(room):
    while await tell_owners(room.telling()):
        pass
    return [(one.to, one.subject) for one in await letters(room.gateway, room.box, kind="alert")]


async def leak(room, key):
    await room.happen("key.leaked", outcome="done", object_=key)
    await room.judge()



async def test_owners_and_nobody_else_are_told_of_what_matters(room):
    await person(room, "per_owner")
    await person(room, "per_dev", roles=("developer",))
    await room.happen("role.granted", outcome="done", object_="per_9")  # low
    await leak(room, "mk_1")
    await leak(room, "mk_1")
    assert await told(room) == [("per_owner@shop.example", "[critical] Key leaked")]
    [letter] = await letters(room.gateway, room.box)
    assert "mk_1" in letter.text and "What to do" in letter.text and "no alert route is set up" in letter.text


async def test_two_workers_write_one_letter(room):
    await person(room, "per_owner")
    await leak(room, "mk_1")
    await asyncio.gather(*(tell_owners(room.telling()) for _ in range(4)))
    assert len(await told(room)) == 1


async def test_what_follows_soon_is_told_together_and_what_is_critical_at_once(room):
    await person(room, "per_owner")
    await room.happen("recovery_code.use", outcome="done", actor="person:per_1")
    await room.judge()
    assert len(await told(room)) == 1
    for number in range(2, 30):
        room.now_ms += 1000
        await room.happen("recovery_code.use", outcome="done", actor=f"person:per_{number}")
        await room.judge()
        await told(room)
    assert len(await told(room)) == 1
    room.now_ms += APART_MS
    assert len(await told(room)) == 2
    *_, digest = await letters(room.gateway, room.box)
    assert digest.subject == "[medium] Recovery code used and 24 more" and digest.text.count("What to do") == 25
    await room.happen("recovery_code.use", outcome="done", actor="person:per_99")
    await leak(room, "mk_2")
    assert len(await told(room)) == 3
    *_, urgent = await letters(room.gateway, room.box)
    assert urgent.subject.startswith("[critical] Key leaked")


async def test_a_route_takes_over_but_never_for_who_weakens_the_watch(room):
    await person(room, "per_owner")
    await route(room)
    await leak(room, "mk_1")
    assert await told(room) == []
    await room.happen("alert_route.create", outcome="done", actor="person:per_thief", object_="alrr_1")
    await room.judge()
    assert await told(room) == [("per_owner@shop.example", "[medium] Alerting changed")]


async def test_a_route_that_is_switched_off_is_none(room):
    await person(room, "per_owner")
    await route(room)
    await room.gateway.execute("update alert_route set enabled = false where account = $1", ACCOUNT)
    await leak(room, "mk_1")
    assert len(await told(room)) == 1


async def test_what_is_nobodys_is_told_to_the_owners_of_the_first_account(room):
    await room.gateway.execute(
        "insert into account (id, created, name, country, default_currency, api_version)"
        " values ('acct_second', 2, 'Other', 'US', 'usd', '2026-08-26.dahlia')"
    )
    await person(room, "per_owner")
    await person(room, "per_other", account="acct_second")
    await room.happen("audit.broken", account=PLATFORM, outcome="failed")
    await room.judge()
    assert [to for to, _ in await told(room)] == ["per_owner@shop.example"]


async def test_who_is_no_owner_any_more_is_told_nothing(room):
    await person(room, "per_owner")
    await leak(room, "mk_1")
    await room.gateway.execute("update membership set roles = '{developer}' where account = $1", ACCOUNT)
    assert await told(room) == []
    assert await room.gateway.fetchval("select outcome from alert_delivery where account = $1", ACCOUNT) == "gone"
