"""How people come in: by one link each, once, in time, and with no more than their inviter has."""

import asyncio

import pytest

from lockgate.gateway.people import accept_invitation, find, invite, sign_in
from lockgate.gateway.people import desk as operators_desk
from lockgate.gateway.people.invite import INVITATION_S, OWNER_LINK_S
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.principal import Principal
from tests.gateway.people.desk import ACCOUNT, ANOTHER, NOW, OPERATOR, OTHER, PASSWORD, URL, at


def secret_of(made):
    return made.link.partition("#")[2]


async def accept(desk, secret, address, *, now=NOW, password=PASSWORD, from_=None):
    return await accept_invitation.accept(
        desk.ports, secret, email=address, name=None, password=password, from_=from_ or at(), now=now
    )


async def test_nobody_is_there_after_the_first_start_and_the_link_is_not_kept(desk):
    made = await operators_desk.first_owner_link(desk.ports, OPERATOR, url=URL)
    assert made is not None and len(secret_of(made)) == 43 and made.link.startswith(f"{URL}/sign-up#")
    assert await desk.rows("select * from person") == [] and await desk.rows("select * from membership") == []
    [row] = await desk.rows("select * from invitation")
    assert secret_of(made).encode() not in bytes(row["secret_hash"]) and secret_of(made) not in str(dict(row))
    assert row["expires_at"] - row["created"] == OWNER_LINK_S


async def test_a_new_owner_link_ends_the_older_one_and_there_is_none_once_there_is_an_owner(desk):
    first = await operators_desk.owner_link(desk.ports, OPERATOR, url=URL, recover=False)
    second = await operators_desk.owner_link(desk.ports, OPERATOR, url=URL, recover=False)
    now = second.row.created
    with pytest.raises(Refusal):
        await accept(desk, secret_of(first), "a@shop.example", now=now)
    await desk.join(second, "a@shop.example", now=now)
    assert await operators_desk.owner_link(desk.ports, OPERATOR, url=URL, recover=False) is None
    assert await operators_desk.first_owner_link(desk.ports, OPERATOR, url=URL) is None
    again = await operators_desk.owner_link(desk.ports, OPERATOR, url=URL, recover=True)
    assert again is not None
    assert [audit["detail"]["recover"] for audit in await desk.audits("person.owner_link")] == [False, False, True]


async def test_the_first_owner_has_no_session_before_the_second_factor(desk):
    async with desk.ports.pool.acquire() as connection, connection.transaction():
        made = await invite.owner_link(connection, OPERATOR, url=URL, recover=False, now=NOW)
    begun = await accept(desk, secret_of(made), "owner@shop.example")
    assert begun.methods == ("totp_enrollment", "passkey_enrollment")
    assert await desk.rows("select * from session") == []


async def test_fifty_at_once_redeem_one_link_once(desk):
    await desk.owner()
    made = await desk.invited(OPERATOR, "new@shop.example", "developer")

    async def one(number):
        try:
            return await accept(desk, secret_of(made), "new@shop.example", from_=at(f"203.0.113.{number}"))
        except Refusal as refusal:
            return refusal

    done = await asyncio.gather(*(one(number) for number in range(50)))
    good = [answer for answer in done if not isinstance(answer, Refusal)]
    # The person is made once; whoever comes with the same right password after that may only try to sign in.
    assert len(await desk.rows("select * from person where id <> (select min(id) from person)")) == 1
    assert len(await desk.rows("select * from membership where 'developer' = any(roles)")) == 1
    assert len(await desk.audits("invitation.accept")) == 2
    assert len(good) >= 1
    # So many tries for one person at once may lock her out of passwords, as any crowd of tries does.
    refused = {answer.code for answer in done if isinstance(answer, Refusal)}
    assert refused <= {"invitation_over", "sign_in_refused"}


async def test_a_link_is_good_for_72_hours_and_an_owners_for_24(desk):
    owner = await desk.owner()
    made = await desk.invited(OPERATOR, "new@shop.example", "support")
    assert made.row.expires_at == NOW + INVITATION_S == NOW + 72 * 3600
    with pytest.raises(Refusal) as caught:
        await accept(desk, secret_of(made), "new@shop.example", now=NOW + INVITATION_S)
    assert caught.value.code == "invitation_over"
    await desk.join(made, "new@shop.example", now=NOW + INVITATION_S - 1)
    link = await operators_desk.owner_link(desk.ports, OPERATOR, url=URL, recover=True)
    with pytest.raises(Refusal):
        await accept(desk, secret_of(link), "x@shop.example", now=link.row.created + OWNER_LINK_S)
    assert owner.id


async def test_a_revoked_link_is_over(desk):
    await desk.owner()
    made = await desk.invited(OPERATOR, "new@shop.example", "support")
    async with desk.ports.pool.acquire() as connection, connection.transaction():
        await invite.revoke(connection, OPERATOR, made.row.id, request=None, now=NOW)
    with pytest.raises(Refusal) as caught:
        await accept(desk, secret_of(made), "new@shop.example")
    assert caught.value.code == "invitation_over"
    async with desk.ports.pool.acquire() as connection, connection.transaction():
        with pytest.raises(Refusal):
            await invite.revoke(connection, OPERATOR, made.row.id, request=None, now=NOW)


async def test_another_account_neither_sees_nor_revokes_it(desk):
    await desk.owner()
    made = await desk.invited(OPERATOR, "new@shop.example", "support")
    stranger = Principal(OTHER, False, "internal", "cli")
    async with desk.ports.pool.acquire() as connection, connection.transaction():
        assert await find.invitation(connection, stranger, made.row.id) is None
        with pytest.raises(Refusal) as caught:
            await invite.revoke(connection, stranger, made.row.id, request=None, now=NOW)
    assert caught.value.kind is Kind.NOT_FOUND


async def test_nobody_invites_to_more_than_they_may_do(desk):
    owner = await desk.owner()
    who = await desk.principal(await desk.member("admin@shop.example", "admin"), now=NOW)
    assert (await invite.prepare(desk.ports, who, "x@shop.example", ["auditor"], now=NOW)).row.roles == ["auditor"]
    lesser = await desk.principal(await desk.member("helper@shop.example", "support"), now=NOW)
    for inviter, wanted in ((who, ["owner"]), (who, ["no_such_role"]), (who, []), (lesser, ["finance"]),
                            (lesser, ["support", "admin"])):
        with pytest.raises(Refusal):
            await invite.prepare(desk.ports, inviter, "x@shop.example", wanted, now=NOW)
    who = await desk.principal(owner, now=NOW)
    assert await invite.prepare(desk.ports, who, "y@shop.example", ["owner"], now=NOW)


async def test_the_mail_goes_to_the_invited_and_to_nobody_else(desk):
    await desk.owner()
    made = await desk.invited(OPERATOR, "new@shop.example", "support")
    assert await desk.link("new@shop.example") == secret_of(made)
    assert await desk.mails("owner@shop.example") == [
        mail for mail in await desk.mails("owner@shop.example") if secret_of(made) not in mail
    ]
    stored = await desk.rows("select sealed from mail")
    assert all(secret_of(made).encode() not in bytes(row["sealed"]) for row in stored)


async def test_an_invitation_is_for_its_address_alone(desk):
    await desk.owner()
    made = await desk.invited(OPERATOR, "new@shop.example", "support")
    with pytest.raises(Refusal) as caught:
        await accept(desk, secret_of(made), "thief@evil.example")
    assert caught.value.param == "email"
    assert (await accept(desk, secret_of(made), "New@Shop.example")).methods


async def test_somebody_who_is_here_already_shows_password_and_factor_before_they_join(desk):
    owner = await desk.owner()
    elsewhere = Principal(OTHER, False, "internal", "cli")
    made = await desk.invited(elsewhere, "owner@shop.example", "analyst")
    with pytest.raises(Refusal) as caught:
        await accept(desk, secret_of(made), None, password=ANOTHER)
    assert caught.value.kind is Kind.UNAUTHENTICATED
    begun = await accept(desk, secret_of(made), None, now=NOW + 60)
    assert begun.methods == ("totp", "recovery_code")
    assert await desk.rows("select * from membership where account = $1", OTHER) == []
    await sign_in.prove(
        desk.ports, begun.id, begun.secret, method="totp", proof=owner.code(NOW + 60), from_=at(), now=NOW + 60
    )
    [joined] = await desk.rows("select * from membership where account = $1", OTHER)
    assert (joined["person"], joined["roles"]) == (owner.id, ["analyst"])
    with pytest.raises(Refusal):
        await accept(desk, secret_of(made), None, now=NOW + 120)


async def test_who_belongs_to_the_account_is_not_invited_again(desk):
    await desk.owner()
    with pytest.raises(Refusal) as caught:
        await desk.invited(OPERATOR, "OWNER@shop.example", "support")
    assert caught.value.param == "email"


@pytest.mark.parametrize(
    "address", ["nobody", "a@b@c.example", "a b@c.example", "a@b.example\nBcc: x@y.example", "a@", ""]
)
async def test_what_is_no_address_is_not_invited(desk, address):
    with pytest.raises(Refusal) as caught:
        await invite.prepare(desk.ports, OPERATOR, address, ["support"], now=NOW)
    assert caught.value.param == "email" and (not address or address not in caught.value.message)


async def test_a_weak_password_leaves_the_link_good(desk):
    await desk.owner()
    made = await desk.invited(OPERATOR, "tina.turner@shop.example", "support")
    for weak in ("password1234", "tina.turner12", "lockgate2026!"):
        with pytest.raises(Refusal) as caught:
            await accept(desk, secret_of(made), None, password=weak)
        assert caught.value.code == "password_too_weak"
    assert (await accept(desk, secret_of(made), None)).methods
    assert ACCOUNT
