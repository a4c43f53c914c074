"""New passwords: with the old one, or by a link that replaces nothing else; none of the last four; sessions end."""

import asyncio

import pytest

from lockgate.gateway.people import reset_password, sign_in
from lockgate.gateway.people.change_password import change_password
from lockgate.gateway.people.core.lockout import LIMIT
from lockgate.gateway.people.reset_password import LINK_S, MOST_LINKS
from lockgate.kernel.errors import Kind, Refusal
from tests.gateway.people.desk import ANOTHER, NOW, PASSWORD, at, open_desk

MORE = ["nine copper lanterns drift east", "two brave tailors mend the moon", "old violet rivers run uphill",
        "a tin whistle hums in the attic"]  # fmt: skip


async def change(desk, member, current, fresh, *, now=NOW + 60):
    who = await desk.principal(member, now=now)
    return await change_password(desk.ports, who, current=current, password=fresh, request="req_1", now=now)


async def test_a_change_ends_all_sessions_and_goes_on_under_a_new_one(desk):
    owner = await desk.owner()
    other = await desk.sign_in(owner, now=NOW + 30)
    started = await change(desk, owner, PASSWORD, ANOTHER)
    alive = [row["id"] for row in await desk.rows("select id from session where ended_at is null")]
    assert alive == [started.session.id]
    assert started.session.id not in (other.started.session.id, owner.done.started.session.id)
    assert (await desk.begin(owner.email, ANOTHER, now=NOW + 90)).methods
    with pytest.raises(Refusal):
        await desk.begin(owner.email, PASSWORD, now=NOW + 90)
    assert "password was changed" in (await desk.mails(owner.email))[-1]
    assert (await desk.audits("password.change"))[-1]["detail"]["sessions_ended"] == 2


async def test_the_current_password_is_asked_for_and_guessing_at_it_locks(desk):
    owner = await desk.owner()
    for _ in range(LIMIT):
        with pytest.raises(Refusal) as caught:
            await change(desk, owner, "not the current one at all", ANOTHER)
        assert (caught.value.kind, caught.value.param) == (Kind.FORBIDDEN, "current_password")
    with pytest.raises(Refusal):
        await change(desk, owner, PASSWORD, ANOTHER)


async def test_none_of_the_last_four_is_taken_again(desk):
    owner = await desk.owner()
    now, current = NOW + 60, PASSWORD
    for fresh in MORE:
        for used in (PASSWORD, *MORE)[: MORE.index(fresh) + 1][-4:]:
            with pytest.raises(Refusal) as caught:
                await change(desk, owner, current, used, now=now)
            assert caught.value.code == "password_used"
        started = await change(desk, owner, current, fresh, now=now)
        owner.done = owner.done._replace(started=started)
        current, now = fresh, now + 60
    await change(desk, owner, current, PASSWORD, now=now)
    assert len(await desk.rows("select * from person_password")) == 4


async def test_weak_and_stolen_ones_are_refused(database, tmp_path):
    (tmp_path / "list.txt").write_text("")
    async with open_desk(database, breached=str(tmp_path / "list.txt")) as desk:
        owner = await desk.owner()

        async def known(password):
            return password == ANOTHER

        desk.ports.breached.knows = known
        for fresh, code in ((ANOTHER, "password_breached"), ("owner-owner-12", "password_too_weak"),
                            ("Password12345", "password_too_weak")):
            with pytest.raises(Refusal) as caught:
                await change(desk, owner, PASSWORD, fresh)
            assert caught.value.code == code and fresh not in caught.value.message
        assert (await desk.begin(owner.email, PASSWORD, now=NOW + 90)).methods


async def test_a_forgotten_password_is_replaced_by_a_link_and_the_factor_is_not(desk):
    owner = await desk.owner()
    await reset_password.ask(desk.ports, "Owner@Shop.example", from_=at(), now=NOW + 100)
    secret = await desk.link(owner.email)
    begun = await desk.begin(owner.email, now=NOW + 110)
    await reset_password.reset(desk.ports, secret, ANOTHER, from_=at(), now=NOW + 120)
    assert await desk.rows("select * from session where ended_at is null") == []
    with pytest.raises(Refusal):  # a sign-in that was begun with the old password
        await sign_in.prove(
            desk.ports, begun.id, begun.secret, method="totp", proof=owner.code(NOW + 130), from_=at(), now=NOW + 130
        )
    with pytest.raises(Refusal):
        await reset_password.reset(desk.ports, secret, MORE[0], from_=at(), now=NOW + 121)
    begun = await desk.begin(owner.email, ANOTHER, now=NOW + 180)
    assert begun.methods == ("totp", "recovery_code"), "nobody enrols a factor with a mailbox alone"
    assert "password was changed" in (await desk.mails(owner.email))[-1]


async def test_a_link_is_good_for_half_an_hour_and_once_of_fifty(desk):
    owner = await desk.owner()
    await reset_password.ask(desk.ports, owner.email, from_=at(), now=NOW + 100)
    secret = await desk.link(owner.email)
    with pytest.raises(Refusal) as caught:
        await reset_password.reset(desk.ports, secret, ANOTHER, from_=at(), now=NOW + 100 + LINK_S)
    assert caught.value.code == "link_over"
    desk.ports.passwords._most_waiting = 100

    async def one(number):
        try:
            await reset_password.reset(
                desk.ports, secret, f"{number} tin whistles hum in the attic", from_=at(), now=NOW + 200
            )
        except Refusal as refusal:
            return refusal.code

    done = await asyncio.gather(*(one(number) for number in range(50)))
    assert done.count(None) == 1 and set(done) == {None, "link_over"}


async def test_asking_tells_nothing_and_fills_no_mailbox(desk):
    owner = await desk.owner()
    before = len(await desk.mails(owner.email))
    answers = [
        await reset_password.ask(desk.ports, address, from_=at(), now=NOW + 100 + second)
        for second in range(50)
        for address in (owner.email, "nobody@shop.example")
    ]
    assert set(answers) == {None}
    assert len(await desk.mails(owner.email)) == before + MOST_LINKS and await desk.mails("nobody@shop.example") == []
    assert len(await desk.audits("password.forget")) == len(answers)


async def test_a_reset_link_keeps_the_weak_ones_out_too_and_stays_good(desk):
    owner = await desk.owner()
    await reset_password.ask(desk.ports, owner.email, from_=at(), now=NOW + 100)
    secret = await desk.link(owner.email)
    for fresh, code in (("password12345", "password_too_weak"), (PASSWORD, "password_used")):
        with pytest.raises(Refusal) as caught:
            await reset_password.reset(desk.ports, secret, fresh, from_=at(), now=NOW + 120)
        assert caught.value.code == code
    await reset_password.reset(desk.ports, secret, ANOTHER, from_=at(), now=NOW + 130)


async def test_a_sign_in_begun_with_the_old_password_ends_with_it_whatever_comes_first(desk):
    owner = await desk.owner()
    begun = await desk.begin(owner.email, now=NOW + 50)
    [kept] = await desk.rows("select * from sign_in where id = $1", begun.id)
    await change(desk, owner, PASSWORD, ANOTHER)
    await desk.rows("insert into sign_in select ($1::gateway.sign_in).*", kept)  # as if it committed only now
    with pytest.raises(Refusal) as caught:
        await sign_in.prove(
            desk.ports, begun.id, begun.secret, method="totp", proof=owner.code(NOW + 90), from_=at(), now=NOW + 90
        )
    assert caught.value.code == "sign_in_over"
