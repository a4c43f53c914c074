"""Signing in: two factors always, the same answer to every wrong try, and locks that lock nobody out for good."""

import asyncio

import pytest

from lockgate.gateway.people import sign_in, unlock
from lockgate.gateway.people.core.lockout import LIMIT, LOCK_S
from lockgate.gateway.people.sign_in import BEGUN_S, MOST_FAILURES
from lockgate.kernel.errors import Kind, Refusal
from tests.gateway.people.desk import DAY, NOW, PASSWORD, at

WRONG = "not the password of anybody"
ELSEWHERE = "203.0.113.9"


async def refused(desk, address, password=WRONG, *, now, from_=None):
    with pytest.raises(Refusal) as caught:
        await desk.begin(address, password, now=now, from_=from_ or at(ELSEWHERE))
    return caught.value


async def locked_out(desk, address, *, now):
    """Ten wrong passwords from ten addresses that nobody knows."""
    for number in range(LIMIT):
        await refused(desk, address, now=now, from_=at(f"203.0.113.{number}"))


async def test_password_and_code_make_a_session_and_each_code_only_one(desk):
    owner = await desk.owner()
    begun = await desk.begin(owner.email, now=NOW + 60)
    code = owner.code(NOW + 60)
    done = await sign_in.prove(
        desk.ports, begun.id, begun.secret, method="totp", proof=code, from_=at(), now=NOW + 60
    )
    assert done.started.session.factors == ["password", "totp"]
    again = await desk.begin(owner.email, now=NOW + 61)
    with pytest.raises(Refusal):
        await sign_in.prove(
            desk.ports, again.id, again.secret, method="totp", proof=code, from_=at(), now=NOW + 61
        )
    with pytest.raises(Refusal) as caught:  # and the sign-in that is done is over
        await sign_in.prove(
            desk.ports, begun.id, begun.secret, method="totp", proof=owner.code(NOW + 61), from_=at(), now=NOW + 61
        )
    assert caught.value.code == "sign_in_over"


async def test_no_session_from_one_factor_alone(desk):
    owner = await desk.owner()
    before = len(await desk.rows("select * from session"))
    begun = await desk.begin(owner.email, now=NOW + 60)
    for method, proof in (("totp", "000000"), ("recovery_code", "0" * 32), ("passkey", "{}"), ("password", PASSWORD)):
        with pytest.raises(Refusal):
            await sign_in.prove(
                desk.ports, begun.id, begun.secret, method=method, proof=proof, from_=at(), now=NOW + 60
            )
    with pytest.raises(Refusal) as caught:
        await sign_in.enroll(desk.ports, begun.id, begun.secret, method="totp", now=NOW + 60)
    assert caught.value.code == "factor_exists"
    with pytest.raises(Refusal):
        await sign_in.confirm(
            desk.ports, begun.id, begun.secret, method="totp", proof=owner.code(NOW + 60), from_=at(), now=NOW + 60
        )
    assert len(await desk.rows("select * from session")) == before


async def test_a_sign_in_is_over_after_ten_minutes_five_failures_or_with_another_secret(desk):
    owner = await desk.owner()
    for spoil in ("late", "tries", "secret"):
        begun = await desk.begin(owner.email, now=NOW + 60)
        now, secret = NOW + 60, begun.secret
        if spoil == "late":
            now += BEGUN_S
        if spoil == "secret":
            secret = "A" * 43
        for _ in range(MOST_FAILURES if spoil == "tries" else 0):
            with pytest.raises(Refusal):
                await sign_in.prove(
                    desk.ports, begun.id, secret, method="recovery_code", proof="0" * 28, from_=at(), now=now
                )
        with pytest.raises(Refusal) as caught:
            await sign_in.prove(
                desk.ports, begun.id, secret, method="totp", proof=owner.app.generate_otp(now // 30 + 1),
                from_=at(), now=now,
            )  # fmt: skip
        assert caught.value.code in ("sign_in_over", "factor_tries_exceeded")


async def test_unknown_wrong_locked_and_disabled_get_the_same_answer_for_the_same_work(desk):
    await desk.owner()
    gone = await desk.member("gone@shop.example", "support")
    locked = await desk.member("locked@shop.example", "support")
    await desk.rows("update membership set status = 'disabled' where person = $1", gone.id)
    await locked_out(desk, locked.email, now=NOW + 60)
    answers, work = set(), []
    tries = [("nobody@shop.example", WRONG), ("nobody@shop.example", PASSWORD), ("owner@shop.example", WRONG),
             (gone.email, PASSWORD), (gone.email, WRONG), (locked.email, PASSWORD), (locked.email, WRONG)]  # fmt: skip
    for number, (address, password) in enumerate(tries):
        before = desk.ports.passwords.checked
        refusal = await refused(desk, address, password, now=NOW + 61, from_=at(f"192.0.2.{number}"))
        answers.add((refusal.kind, refusal.message, refusal.code, refusal.param, refusal.retry_after_s))
        work.append(desk.ports.passwords.checked - before)
    assert len(answers) == 1 and work == [1] * len(tries)


async def test_ten_failures_lock_for_half_an_hour_and_a_restart_changes_nothing(desk):
    owner = await desk.owner()
    await locked_out(desk, owner.email, now=NOW + 60)
    again = desk.restarted()
    assert (await refused(again, owner.email, PASSWORD, now=NOW + 60 + LOCK_S - 1, from_=at("192.0.2.1"))).code
    begun = await again.begin(owner.email, now=NOW + 60 + LOCK_S, from_=at("192.0.2.1"))
    assert begun.methods


async def test_fifty_guesses_at_once_are_ten(desk):
    await desk.owner()
    before = desk.ports.passwords.checked
    slow = desk.ports.passwords
    seen = []
    matches = slow.matches

    async def counted(stored, password):
        seen.append(stored)
        return await matches(stored, password)

    slow.matches = counted
    desk.ports.passwords._most_waiting = 100

    async def one(number):
        return await refused(desk, "owner@shop.example", now=NOW + 60, from_=at(f"203.0.113.{number}"))

    await asyncio.gather(*(one(number) for number in range(50)))
    assert len([stored for stored in seen if stored is not None]) == LIMIT
    assert desk.ports.passwords.checked - before == 50


async def test_whoever_guesses_elsewhere_locks_nobody_out_of_a_place_they_know(desk):
    owner = await desk.owner()
    await locked_out(desk, owner.email, now=NOW + 60)
    # from the address that the owner signed in from before
    assert (await desk.begin(owner.email, now=NOW + 61, from_=at("198.51.100.7"))).methods
    # and anywhere with the device's secret
    elsewhere = at("192.0.2.77", device=owner.done.device)
    assert (await desk.begin(owner.email, now=NOW + 61, from_=elsewhere)).methods
    # which is no use to anybody else, or for anybody else
    stranger = await desk.member("other@shop.example", "support")
    await locked_out(desk, stranger.email, now=NOW + 62)
    assert await refused(desk, stranger.email, PASSWORD, now=NOW + 63, from_=elsewhere)


async def test_a_known_place_has_a_lock_of_its_own(desk):
    owner = await desk.owner()
    stolen = at("192.0.2.77", device=owner.done.device)
    for _ in range(LIMIT):
        await refused(desk, owner.email, now=NOW + 60, from_=stolen)
    assert await refused(desk, owner.email, PASSWORD, now=NOW + 61, from_=stolen)
    assert (await desk.begin(owner.email, now=NOW + 61, from_=at("192.0.2.1"))).methods


async def test_an_address_that_guesses_at_many_is_locked_for_all_but_those_who_know_it(desk):
    owner = await desk.owner()
    for number in range(LIMIT):
        await refused(desk, f"nobody{number}@shop.example", now=NOW + 60, from_=at("198.51.100.7"))
    member = await desk.member("other@shop.example", "support", now=NOW - DAY)
    await desk.rows("delete from known_place where person = $1", member.id)
    assert await refused(desk, member.email, PASSWORD, now=NOW + 61, from_=at("198.51.100.7"))
    assert (await desk.begin(member.email, now=NOW + 61, from_=at("192.0.2.1"))).methods
    assert (await desk.begin(owner.email, now=NOW + 61, from_=at("198.51.100.7"))).methods


async def test_one_who_knows_a_password_cannot_clear_an_address_of_its_failures(desk):
    await desk.owner()
    attacker = await desk.member("attacker@shop.example", "support")
    allowed = 0
    for number in range(3 * LIMIT):
        await refused(desk, f"victim{number}@shop.example", now=NOW + 60, from_=at("192.0.2.50"))
        try:
            await desk.begin(attacker.email, now=NOW + 60, from_=at("192.0.2.50"))
            allowed += 1
        except Refusal:
            pass
    [failures] = [
        row["failures"] for row in await desk.rows("select * from sign_in_failures where locked_until is not null")
    ]
    assert failures == LIMIT and allowed <= LIMIT


async def test_one_address_cannot_lock_one_person_after_the_other(desk):
    await desk.owner()
    for number in range(5):
        for _ in range(LIMIT):
            await refused(desk, f"victim{number}@shop.example", now=NOW + 60, from_=at("192.0.2.50"))
    locked = await desk.rows("select * from sign_in_failures where locked_until is not null")
    assert len(locked) == 2, "the address, and the first person that it guessed at"


async def test_the_link_that_a_lock_mails_opens_it_and_keeps_this_browser_apart(desk):
    owner = await desk.owner()
    await locked_out(desk, owner.email, now=NOW + 60)
    secret = await desk.link(owner.email)
    device = await unlock.unlock(desk.ports, secret, from_=at("192.0.2.1"), now=NOW + 90)
    with pytest.raises(Refusal):
        await unlock.unlock(desk.ports, secret, from_=at("192.0.2.1"), now=NOW + 91)
    assert (await desk.begin(owner.email, now=NOW + 91, from_=at("192.0.2.2"))).methods
    await locked_out(desk, owner.email, now=NOW + 92)
    assert (await desk.begin(owner.email, now=NOW + 93, from_=at("192.0.2.1", device=device))).methods
    assert len(await desk.audits("person.lock")) == 2 and len(await desk.audits("person.unlock")) == 1


async def test_only_somebody_who_exists_gets_mail_and_one_for_each_lock(desk):
    owner = await desk.owner()
    before = len(await desk.mails(owner.email))
    for number in range(30):
        await refused(desk, owner.email, now=NOW + 60, from_=at(f"203.0.113.{number}"))
        await refused(desk, "nobody@shop.example", now=NOW + 60, from_=at(f"203.0.114.{number}"))
    assert len(await desk.mails(owner.email)) == before + 1
    assert await desk.mails("nobody@shop.example") == []


async def test_every_try_is_recorded_and_no_address_in_clear(desk):
    owner = await desk.owner()
    await refused(desk, owner.email, now=NOW + 60)
    await refused(desk, "nobody@shop.example", now=NOW + 60, from_=at("192.0.2.9"))
    await desk.sign_in(owner, now=NOW + 61)
    reasons = [(row["actor"], row["detail"]["reason"]) for row in await desk.audits("person.sign_in_refused")]
    assert reasons[0] == (f"person:{owner.id}", "password")
    assert reasons[1] == ("internal:unknown", "unknown")
    done = await desk.audits("person.sign_in")
    assert done[-1]["actor"] == f"person:{owner.id}" and done[-1]["detail"]["factors"] == ["password", "totp"]
    for row in await desk.rows("select * from audit"):
        assert "shop.example" not in str(dict(row)) and PASSWORD not in str(dict(row))


async def test_a_new_place_is_told_by_mail_and_a_known_one_is_not(desk):
    owner = await desk.owner()
    quiet = len(await desk.mails(owner.email))
    await desk.sign_in(owner, now=NOW + 60, from_=at(device=owner.done.device))
    assert len(await desk.mails(owner.email)) == quiet
    await desk.sign_in(owner, now=NOW + 120, from_=at("192.0.2.44", device=owner.done.device))
    [told] = (await desk.mails(owner.email))[quiet:]
    assert "new place" in told and "192.0.2.44" in told


async def test_a_passkey_is_asked_by_no_lock(desk, monkeypatch):
    owner = await desk.owner()
    await locked_out(desk, owner.email, now=NOW + 60)

    async def assertion(self, ceremony, proof, *, now):
        return owner.id

    monkeypatch.setattr(type(desk.ports.factors), "assertion", assertion)
    done = await sign_in.by_passkey(desk.ports, "ceremony", "proof", from_=at("192.0.2.1"), now=NOW + 61)
    assert done.started.session.factors == ["passkey"]
    await desk.rows("update membership set status = 'disabled' where person = $1", owner.id)
    with pytest.raises(Refusal) as caught:
        await sign_in.by_passkey(desk.ports, "ceremony", "proof", from_=at("192.0.2.1"), now=NOW + 62)
    assert caught.value.kind is Kind.UNAUTHENTICATED


async def test_older_hashes_are_made_anew_at_sign_in(desk):
    owner = await desk.owner()
    [before] = await desk.rows("select password from person")
    desk.ports.passwords._hasher.__init__(time_cost=2, memory_cost=16, parallelism=1)
    await desk.begin(owner.email, now=NOW + 60)
    [after] = await desk.rows("select password from person")
    assert "m=16,t=2,p=1" in after["password"] and "m=8,t=1" in before["password"]
    assert (await desk.begin(owner.email, now=NOW + 61)).methods


async def test_a_full_queue_counts_against_nobody(desk):
    await desk.owner()
    desk.ports.passwords._waiting = desk.ports.passwords._most_waiting
    for _ in range(20):
        assert (await refused(desk, "owner@shop.example", PASSWORD, now=NOW + 60)).kind is Kind.UNAVAILABLE
    desk.ports.passwords._waiting = 0
    assert (await desk.begin("owner@shop.example", now=NOW + 60, from_=at(ELSEWHERE))).methods
