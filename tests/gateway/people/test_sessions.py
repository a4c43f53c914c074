"""Sessions: renewed once by each token, never for longer than they may be, and over when they are."""

import asyncio

import pytest

from lockgate.gateway.identity.tokens import SESSION
from lockgate.gateway.people import sessions
from lockgate.gateway.people.ports import access_seconds
from lockgate.gateway.people.sessions import GRACE_S, IDLE_S, LONGEST_S, SIGNED_OUT
from lockgate.gateway.people.standing import standing
from lockgate.kernel import clock
from lockgate.kernel.config import ConfigError
from lockgate.kernel.errors import Refusal
from lockgate.kernel.operations import Visit
from tests.gateway.people.desk import ACCOUNT, NOW


async def refresh(desk, token, *, now):
    return await sessions.refresh(desk.ports, token, address="198.51.100.7", user_agent="Browser/1", now=now)


async def over(desk, token, *, now):
    with pytest.raises(Refusal) as caught:
        await refresh(desk, token, now=now)
    assert caught.value.code == "session_ended"


def visit(started, *, now, access=True, refresh=True):
    cookies = []
    if access:
        cookies.append(f"{sessions.ACCESS_COOKIE}={started.access}")
    if refresh:
        cookies.append(f"{sessions.REFRESH_COOKIE}={started.refresh}")
    headers = {"cookie": "; ".join(cookies), "user-agent": "Browser/1"}
    return Visit({}, [], headers, "198.51.100.7", "req_1", now)


async def test_the_access_token_says_who_for_fifteen_minutes(desk):
    owner = await desk.owner()
    claims = await desk.ports.tokens.verify(owner.done.started.access, typ=SESSION, now=NOW)
    assert (claims["sub"], claims["sid"]) == (owner.id, owner.done.started.session.id)
    assert claims["exp"] - claims["iat"] == owner.done.started.access_s == 900


@pytest.mark.parametrize(
    ("minutes", "seconds"), [(None, 900), (15, 900), (30, 1800), (14, 0), (31, 0), ("20", 0), (True, 0)]
)
def test_a_token_lives_fifteen_to_thirty_minutes_and_nothing_else_can_be_set(minutes, seconds):
    settings = {} if minutes is None else {"session_minutes": minutes}
    if seconds:
        assert access_seconds(settings) == seconds
    else:
        with pytest.raises(ConfigError):
            access_seconds(settings)


async def test_a_refresh_token_is_good_once_and_its_successor_too(desk):
    token = (await desk.owner()).done.started.refresh
    seen = {token}
    for step in range(1, 6):
        started = await refresh(desk, token, now=NOW + 300 * step)
        token = started.refresh
        assert token not in seen and len(token) == 43
        seen.add(token)
    stored = await desk.rows("select hash from session_refresh")
    assert len(stored) == 6 and not any(old.encode() in bytes(row["hash"]) for row in stored for old in seen)


async def test_one_that_comes_back_later_ends_the_session(desk):
    first = (await desk.owner()).done.started.refresh
    second = (await refresh(desk, first, now=NOW + 300)).refresh
    await over(desk, first, now=NOW + 300 + GRACE_S + 1)
    await over(desk, second, now=NOW + 300 + GRACE_S + 2)
    [told] = await desk.audits("session.reused")
    assert told["outcome"] == "refused" and told["detail"]["reason"] == "refresh_reused"


async def test_a_retry_after_a_lost_answer_gets_the_one_same_successor(desk):
    first = (await desk.owner()).done.started.refresh
    lost = await refresh(desk, first, now=NOW + 300)
    again = await refresh(desk, first, now=NOW + 300 + GRACE_S)
    assert again.refresh == lost.refresh
    third = await refresh(desk, again.refresh, now=NOW + 320)
    assert third.refresh != again.refresh


async def test_a_retry_is_no_excuse_once_the_successor_was_used(desk):
    first = (await desk.owner()).done.started.refresh
    second = (await refresh(desk, first, now=NOW + 300)).refresh
    third = (await refresh(desk, second, now=NOW + 301)).refresh
    await over(desk, first, now=NOW + 302)
    await over(desk, third, now=NOW + 303)


async def test_fifty_refreshes_at_once_make_one_successor(desk):
    first = (await desk.owner()).done.started.refresh
    done = await asyncio.gather(*(refresh(desk, first, now=NOW + 300) for _ in range(50)))
    assert len({started.refresh for started in done}) == 1
    assert len(await desk.rows("select * from session_refresh")) == 2
    assert len(await desk.rows("select * from session where ended_at is null")) == 1


async def test_what_is_no_token_is_over_too(desk):
    await desk.owner()
    for token in ("", "A" * 43, "not a token"):
        await over(desk, token, now=NOW)


async def test_fifteen_idle_minutes_end_it(desk):
    started = (await desk.owner()).done.started
    alive = await refresh(desk, started.refresh, now=NOW + IDLE_S)
    await over(desk, alive.refresh, now=NOW + 2 * IDLE_S + 1)


async def test_looking_is_what_keeps_it_alive(desk, monkeypatch):
    started = (await desk.owner()).done.started
    claims = {"sub": started.session.person, "sid": started.session.id}
    for minute in range(1, 40):
        monkeypatch.setattr(clock, "now", lambda minute=minute: NOW + 60 * minute)
        assert await standing(desk.ports, claims) is not None
    monkeypatch.setattr(clock, "now", lambda: NOW + 39 * 60 + IDLE_S + 1)
    assert await standing(desk.ports, claims) is None, "an unexpired token would be no use either"


async def test_twelve_hours_are_the_end_however_busy(desk):
    started = (await desk.owner()).done.started
    now = NOW
    while now + 600 < NOW + LONGEST_S:
        now += 600
        started = await refresh(desk, started.refresh, now=now)
        claims = await desk.ports.tokens.verify(started.access, typ=SESSION, now=now)
        assert claims["exp"] <= NOW + LONGEST_S
    await over(desk, started.refresh, now=NOW + LONGEST_S)


async def test_step_up_gives_a_new_id_and_ends_the_old_one(desk):
    started = (await desk.owner()).done.started
    fresh = await sessions.step_up(desk.ports, started.session.id, factor="passkey", now=NOW + 100)
    assert fresh.session.id != started.session.id and fresh.session.proved_at == NOW + 100
    assert fresh.session.expires_at == started.session.expires_at and fresh.session.began_at == NOW
    assert fresh.session.factors == ["password", "totp", "passkey"]
    await over(desk, started.refresh, now=NOW + 101)
    with pytest.raises(Refusal):
        await sessions.step_up(desk.ports, started.session.id, factor="totp", now=NOW + 101)
    assert await refresh(desk, fresh.refresh, now=NOW + 102)


async def test_each_sign_in_has_an_id_of_its_own(desk):
    owner = await desk.owner()
    again = await desk.sign_in(owner, now=NOW + 60)
    assert again.started.session.id != owner.done.started.session.id


async def test_standing_is_what_roles_allow_in_each_account(desk, monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    support = await desk.member("s@shop.example", "support")
    session = support.done.started.session
    found = await standing(desk.ports, {"sub": support.id, "sid": session.id})
    assert found is not None and (found.kind, found.id, found.session) == ("person", support.id, session.id)
    assert found.roles == {ACCOUNT: ("support",)} and found.livemode is None and found.proved_at == NOW
    assert found.accounts[ACCOUNT]["customers"] == "write" and "payouts" not in found.accounts[ACCOUNT]
    assert await standing(desk.ports, {"sub": "per_else", "sid": session.id}) is None
    assert await standing(desk.ports, {"sub": support.id, "sid": "ses_none"}) is None
    await desk.rows("update membership set status = 'disabled' where person = $1", support.id)
    assert await standing(desk.ports, {"sub": support.id, "sid": session.id}) is None


async def test_a_browser_is_known_by_its_cookies_and_carried_on(desk):
    owner = await desk.owner()
    started = owner.done.started
    known = await sessions.of_visit(desk.ports, visit(started, now=NOW + 10))
    assert known is not None and known.person == owner.id and known.headers == ()
    assert known.roles == {ACCOUNT: ("owner",)}
    assert await sessions.of_visit(desk.ports, visit(started, now=NOW + 10, access=False, refresh=False)) is None
    carried = await sessions.of_visit(desk.ports, visit(started, now=NOW + 890, access=False))
    assert carried is not None and len(carried.headers) == 2
    later = await sessions.of_visit(desk.ports, visit(started, now=NOW + 950))
    assert later is None, "the old cookies are a stolen pair by now"


async def test_cookies_are_bound_to_the_host_and_out_of_scripts_reach(desk):
    started = (await desk.owner()).done.started
    for _, value in (*started.cookies, *SIGNED_OUT):
        assert value.startswith("__Host-") and len(value) < 4096
        attributes = {part.strip() for part in value.split(";")[1:]}
        assert {"Path=/", "Secure", "HttpOnly"} <= attributes and "SameSite=Lax" in attributes
        assert not any(part.startswith("Domain") for part in attributes)


async def test_where_a_session_is_from_is_sealed(desk):
    await desk.owner()
    for row in await desk.rows("select * from session"):
        assert b"198.51.100.7" not in bytes(row["personal"]) and "198.51" not in str(dict(row))


async def test_nothing_shows_its_secrets(desk):
    owner = await desk.owner()
    begun = await desk.begin(owner.email, now=NOW + 60)
    started = owner.done.started
    for value in (owner.done, started, begun, started.session, desk.ports):
        for secret in (started.access, started.refresh, owner.done.device, begun.secret, desk.ports.key.hex()):
            assert secret not in repr(value)
