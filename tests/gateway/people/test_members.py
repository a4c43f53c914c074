"""Who may change whom, what ends with it, that an owner always remains, and that the idle lose their access."""

import asyncio

import pytest

from lockgate.gateway.people import accept_invitation, edit_person, end_sessions, find, jobs, sessions
from lockgate.gateway.storage.database import connect_pool
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.principal import Principal
from tests.gateway.people.desk import ACCOUNT, DAY, NOW, OPERATOR, OTHER, PASSWORD, at, open_desk


async def change(desk, verb, who, member, **extra):
    async with desk.ports.pool.acquire() as connection, connection.transaction():
        return await verb(connection, desk.ports, who, member.id, request="req_1", now=NOW + 60, **extra)


async def living(desk, member):
    return [
        row["id"]
        for row in await desk.rows("select id from session where person = $1 and ended_at is null", member.id)
    ]


async def roles_of(desk, member):
    statement = "select roles, status from membership where account = $1 and person = $2"
    rows = await desk.rows(statement, ACCOUNT, member.id)
    return (list(rows[0]["roles"]), rows[0]["status"]) if rows else None


async def test_other_roles_end_the_sessions_are_told_and_recorded(desk):
    owner = await desk.owner()
    member = await desk.member("m@shop.example", "support")
    who = await desk.principal(owner, now=NOW)
    await change(desk, edit_person.change_roles, who, member, roles=["developer", "analyst"])
    assert await roles_of(desk, member) == (["developer", "analyst"], "active")
    assert await living(desk, member) == [] and await living(desk, owner) != []
    assert "developer, analyst" in (await desk.mails(member.email))[-1]
    [told] = await desk.audits("person.update")
    assert told["detail"]["before"] == {"roles": ["support"]}
    assert told["detail"]["after"] == {"roles": ["developer", "analyst"]}
    assert (await desk.audits("role.granted"))[-1]["detail"]["roles"] == ["developer", "analyst"]
    assert told["actor"] == f"person:{owner.id}" and told["object"] == member.id


@pytest.mark.parametrize("verb", ["disable", "remove"])
async def test_whoever_is_shut_out_is_out_at_once_and_their_invitations_too(desk, verb):
    owner = await desk.owner()
    admin = await desk.member("admin@shop.example", "admin")
    made = await desk.invited(await desk.principal(admin, now=NOW), "friend@shop.example", "support")
    begun = await desk.begin(admin.email, now=NOW + 30)
    await change(desk, getattr(edit_person, verb), await desk.principal(owner, now=NOW), admin)
    assert await living(desk, admin) == []
    with pytest.raises(Refusal):
        await desk.begin(admin.email, now=NOW + 90)
    assert begun.methods
    async with desk.ports.pool.acquire() as connection:
        row = await find.invitation(connection, OPERATOR, made.row.id)
    assert row is not None and row.status == "revoked"
    assert "has ended" in (await desk.mails(admin.email))[-1]


async def test_who_was_disabled_can_be_let_in_again_with_the_same_roles(desk):
    owner = await desk.owner()
    member = await desk.member("m@shop.example", "support")
    who = await desk.principal(owner, now=NOW)
    await change(desk, edit_person.disable, who, member)
    await change(desk, edit_person.enable, who, member)
    assert await roles_of(desk, member) == (["support"], "active")
    assert (await desk.begin(member.email, now=NOW + 120)).methods


async def test_nobody_changes_their_own_roles_or_those_of_somebody_stronger(desk):
    owner = await desk.owner()
    admin = await desk.member("admin@shop.example", "admin")
    who = await desk.principal(admin, now=NOW)
    for verb, extra in ((edit_person.change_roles, {"roles": ["support"]}), (edit_person.disable, {}),
                        (edit_person.remove, {})):
        with pytest.raises(Refusal) as caught:
            await change(desk, verb, who, owner, **extra)
        assert caught.value.code == "permission_exceeded"
    with pytest.raises(Refusal) as caught:
        await change(desk, edit_person.change_roles, who, admin, roles=["owner"])
    assert caught.value.code == "own_roles"
    member = await desk.member("m@shop.example", "support")
    with pytest.raises(Refusal):
        await change(desk, edit_person.change_roles, who, member, roles=["owner"])
    assert await roles_of(desk, member) == (["support"], "active")
    assert await roles_of(desk, owner) == (["owner"], "active") and await living(desk, owner)


async def test_a_person_of_another_account_does_not_exist(desk):
    await desk.owner()
    member = await desk.member("m@shop.example", "support")
    stranger = Principal(OTHER, False, "internal", "cli")
    for verb, extra in ((edit_person.change_roles, {"roles": ["support"]}), (edit_person.disable, {}),
                        (edit_person.enable, {}), (edit_person.remove, {})):
        with pytest.raises(Refusal) as caught:
            await change(desk, verb, stranger, member, **extra)
        assert caught.value.kind is Kind.NOT_FOUND
    async with desk.ports.pool.acquire() as connection, connection.transaction():
        with pytest.raises(Refusal):
            await end_sessions.of_person(connection, stranger, member.id, request=None, now=NOW)
        await end_sessions.of_everybody(connection, stranger, request=None, now=NOW)
    assert await living(desk, member)


async def test_the_last_owner_stays_also_when_two_remove_each_other_at_once(desk):
    first = await desk.owner()
    for verb, extra in ((edit_person.disable, {}), (edit_person.remove, {}),
                        (edit_person.change_roles, {"roles": ["admin"]})):
        with pytest.raises(Refusal) as caught:
            await change(desk, verb, OPERATOR, first, **extra)
        assert caught.value.code == "last_owner"
    second = await desk.member("second@shop.example", "owner")
    mine, theirs = await desk.principal(first, now=NOW), await desk.principal(second, now=NOW)

    async def one(who, whom):
        try:
            await change(desk, edit_person.remove, who, whom)
        except Refusal as refusal:
            return refusal.code

    for _ in range(5):
        done = await asyncio.gather(one(mine, second), one(theirs, first))
        assert "last_owner" in done or "resource_missing" in done
        owners = await desk.rows("select person from membership where 'owner' = any(roles) and status = 'active'")
        assert len(owners) == 1


async def test_one_ends_their_own_sessions_and_nobody_elses(desk):
    owner, member = await desk.owner(), await desk.member("m@shop.example", "support")
    more = await desk.sign_in(owner, now=NOW + 60)
    who = await desk.principal(owner, now=NOW)
    async with desk.ports.pool.acquire() as connection, connection.transaction():
        with pytest.raises(Refusal) as caught:
            await end_sessions.one_of_mine(connection, who, (await living(desk, member))[0], request=None, now=NOW)
        assert caught.value.kind is Kind.NOT_FOUND
        await end_sessions.one_of_mine(connection, who, more.started.session.id, request=None, now=NOW)
    assert await living(desk, owner) == [owner.done.started.session.id]
    await desk.sign_in(owner, now=NOW + 120)
    async with desk.ports.pool.acquire() as connection, connection.transaction():
        await end_sessions.mine(connection, who, but_this=True, request=None, now=NOW)
    assert await living(desk, owner) == [owner.done.started.session.id]
    async with desk.ports.pool.acquire() as connection, connection.transaction():
        await end_sessions.of_everybody(connection, who, request=None, now=NOW)
    assert await living(desk, owner) == [] and await living(desk, member) == []


async def test_after_ninety_idle_days_access_is_disabled(database):
    async with open_desk(database) as desk:
        owner, member = await desk.owner(), await desk.member("m@shop.example", "support")
        login = database["worker"]
        pool = await connect_pool(
            database=database.settings, user=login["user"], password=login["password"], size=2
        )
        try:
            later = await desk.sign_in(owner, now=NOW + 30 * DAY)
            assert later and await jobs.disable_idle(pool, now=NOW + 90 * DAY) == 0
            assert await jobs.disable_idle(pool, now=NOW + 91 * DAY) == 1
            with pytest.raises(Refusal):
                await desk.begin(member.email, now=NOW + 91 * DAY)
            assert (await desk.audits("person.disable"))[-1]["detail"] == {"reason": "idle"}
            async with desk.ports.pool.acquire() as connection, connection.transaction():
                await edit_person.enable(
                    connection, desk.ports, OPERATOR, member.id, request=None, now=NOW + 91 * DAY
                )
            assert (await desk.begin(member.email, now=NOW + 91 * DAY + 1)).methods
            assert await jobs.disable_idle(pool, now=NOW + 100 * DAY) == 0
            assert await jobs.forget(pool, now=NOW + 400 * DAY) > 0
            assert await desk.rows("select * from sign_in") == [] and await desk.rows("select * from session") == []
        finally:
            await pool.close()


async def test_of_idle_owners_the_last_one_to_be_seen_stays(database):
    async with open_desk(database) as desk:
        first = await desk.owner()
        second = await desk.member("second@shop.example", "owner")
        await desk.sign_in(first, now=NOW + DAY)
        login = database["worker"]
        pool = await connect_pool(
            database=database.settings, user=login["user"], password=login["password"], size=2
        )
        try:
            assert await jobs.disable_idle(pool, now=NOW + 200 * DAY) == 1
            assert await jobs.disable_idle(pool, now=NOW + 300 * DAY) == 0
            with pytest.raises(Refusal):
                await desk.begin(second.email, now=NOW + 300 * DAY)
            assert (await desk.begin(first.email, now=NOW + 300 * DAY)).methods
        finally:
            await pool.close()


@pytest.mark.parametrize("verb", [edit_person.change_roles, edit_person.remove])
async def test_an_invitation_kept_back_restores_nothing_that_was_taken(desk, verb):
    await desk.owner()
    kept_back = await desk.invited(OPERATOR, "m@shop.example", "admin")
    member = await desk.member("m@shop.example", "admin")
    await change(desk, verb, OPERATOR, member, **({"roles": ["support"]} if verb is edit_person.change_roles else {}))
    with pytest.raises(Refusal) as caught:
        await accept_invitation.accept(
            desk.ports, kept_back.link.partition("#")[2], email=None, name=None, password=PASSWORD, from_=at(),
            now=NOW + 60,
        )  # fmt: skip
    assert caught.value.code == "invitation_over"


async def test_what_ends_a_session_is_said_in_its_row(desk):
    owner = await desk.owner()
    async with desk.ports.pool.acquire() as connection, connection.transaction():
        assert await sessions.end_all(connection, owner.id, reason="factor_change", now=NOW + 5) == 1
        assert await sessions.end_all(connection, owner.id, reason="factor_change", now=NOW + 6) == 0
    [row] = await desk.rows("select ended_at, ended_reason from session")
    assert tuple(row) == (NOW + 5, "factor_change")
