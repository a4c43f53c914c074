"""Sessions: begun after two factors, carried on by refresh tokens that are good once, and ended at once."""

from collections.abc import Sequence
from typing import NamedTuple

from lockgate.gateway.identity.tokens import SESSION, Invalid
from lockgate.gateway.pages import cookies
from lockgate.gateway.pages.cookies import SetCookie
from lockgate.gateway.people import find, find_sessions, marks, store_sessions
from lockgate.gateway.people.core.rows import SessionRow
from lockgate.gateway.people.find_sessions import Live
from lockgate.gateway.people.ports import Ports
from lockgate.gateway.people.records import NOWHERE, by_person
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Visit
from lockgate.kernel.principal import Principal

IDLE_S = 15 * 60
LONGEST_S = 12 * 3600
GRACE_S = 10
TOUCH_EVERY_S = 15
ACCESS_COOKIE = "__Host-session"
REFRESH_COOKIE = "__Host-refresh"
_PLATFORM = "platform"


class Begun(NamedTuple):
    """A session and its refresh token, before there is an access token."""

    session: SessionRow
    refresh: str

    def __repr__(self) -> str:
        return f"Begun({self.session.id})"


class Started(NamedTuple):
    """What the person's browser or tool gets: nothing of it is shown again."""

    session: SessionRow
    access: str
    refresh: str
    access_s: int

    def __repr__(self) -> str:
        return f"Started({self.session.id})"

    @property
    def cookies(self) -> tuple[SetCookie, ...]:
        """The same for a browser. They end with the session at the latest."""
        left = self.session.expires_at - self.session.last_seen_at
        return (
            cookies.set(ACCESS_COOKIE, self.access, max_age_s=min(self.access_s, left)),
            cookies.set(REFRESH_COOKIE, self.refresh, max_age_s=left),
        )


class Visitor(NamedTuple):
    """Who is signed in at a browser, what they are in which account, and cookies that the answer must set."""

    person: str
    session: SessionRow
    roles: dict[str, tuple[str, ...]]
    headers: tuple[SetCookie, ...] = ()


SIGNED_OUT: tuple[SetCookie, ...] = (cookies.clear(ACCESS_COOKIE), cookies.clear(REFRESH_COOKIE))


async def start_within(
    connection: Connection,
    ports: Ports,
    person: str,
    *,
    factors: Sequence[str],
    address: str,
    user_agent: str,
    now: int,
    device: bytes | None = None,
) -> Begun:
    """A new session in the transaction that proved who it is for; once that is committed ``signed`` gives tokens."""
    row = SessionRow(
        id=new_id("ses"),
        person=person,
        created=now,
        began_at=now,
        last_seen_at=now,
        expires_at=now + LONGEST_S,
        proved_at=now,
        factors=list(factors),
        device=device,
        personal=await ports.box.seal(_PLATFORM, person, {"address": address, "user_agent": user_agent[:200]}),
        ended_at=None,
        ended_reason=None,
    )
    return await _begin(connection, row, now=now)


async def start(
    ports: Ports,
    person: str,
    *,
    factors: Sequence[str],
    address: str,
    user_agent: str,
    now: int,
    device: bytes | None = None,
) -> Started:
    """A new session in a transaction of its own."""
    async with ports.pool.acquire() as connection, connection.transaction():
        begun = await start_within(
            connection,
            ports,
            person,
            factors=factors,
            address=address,
            user_agent=user_agent,
            now=now,
            device=device,
        )
    return await signed(ports, begun, now=now)


async def signed(ports: Ports, begun: Begun, *, now: int) -> Started:
    """The tokens of a session that was begun or carried on. Outside of its transaction: signing may read keys."""
    life_s = min(ports.access_s, begun.session.expires_at - now)
    claims = {"sub": begun.session.person, "sid": begun.session.id}
    access = await ports.tokens.issue(SESSION, claims, life_s=life_s, now=now)
    return Started(begun.session, access, begun.refresh, life_s)


async def refresh(
    ports: Ports, token: str, *, address: str, user_agent: str, now: int, request: str | None = None
) -> Started:
    """The next tokens. A refresh token that was spent longer ago than a lost answer explains ends the session."""
    async with ports.pool.acquire() as connection, connection.transaction():
        begun = await _carried_on(
            connection, ports, token, address=address, user_agent=user_agent, now=now, request=request
        )
    if begun is None:
        who = Principal(NOWHERE, False, "internal", "unknown", address=address, user_agent=user_agent)
        known = await find_sessions.refresh(ports.pool, marks.hashed(token))
        why = "unknown_token" if known is None else "session_over"
        await ports.witness.refused(who, "session.refused", reason=why, request=request)
        raise ended()
    return await signed(ports, begun, now=now)


async def step_up(
    ports: Ports, session: str, *, factor: str, now: int, told: Sequence[AuditRow] = ()
) -> Started:
    """After a fresh proof the session goes on under a new id with new tokens; what knew the old one is signed out.

    ``told`` is put on record with it.
    """
    async with ports.pool.acquire() as connection, connection.transaction():
        row = await store_sessions.lock_session(connection, session)
        if row is None or not await _may_go_on(connection, row, now=now):
            raise ended()
        await store_sessions.end_session(connection, row.id, reason="step_up", now=now)
        begun = await _renewed(connection, row, factor=factor, now=now)
        await insert_audits(connection, told)
    return await signed(ports, begun, now=now)


async def instead(ports: Ports, row: SessionRow, *, now: int) -> Started:
    """A session in place of ``row``, which the person's own change has just ended along with all others.

    Only within the request that was let in by ``row`` and made that change.
    """
    async with ports.pool.acquire() as connection, connection.transaction():
        person = await find.person(connection, row.person)
        if person is None or person.status != "active" or not await find.accounts_of(connection, row.person):
            raise ended()
        begun = await _renewed(connection, row, factor=None, now=now)
    return await signed(ports, begun, now=now)


async def of_visit(ports: Ports, visit: Visit) -> Visitor | None:
    """Who is signed in at this browser; a session whose access token is over is carried on by its refresh token."""
    access, renewing = visit.cookies.get(ACCESS_COOKIE), visit.cookies.get(REFRESH_COOKIE)
    found = await _of_access(ports, access, now=visit.now) if access else None
    if found is not None:
        return Visitor(found.session.person, found.session, found.roles)
    if not renewing:
        return None
    try:
        started = await refresh(
            ports,
            renewing,
            address=visit.address,
            user_agent=visit.user_agent,
            now=visit.now,
            request=visit.request_id,
        )
    except Refusal:
        return None
    again = await find_sessions.live(ports.pool, started.session.id)
    if again is None or again.person_status != "active":
        return None
    return Visitor(again.session.person, again.session, again.roles, started.cookies)


async def end_within(
    connection: Connection,
    row: SessionRow,
    *,
    reason: str,
    action: str = "session.revoke",
    address: str = "",
    user_agent: str = "",
    now: int,
    request: str | None = None,
) -> bool:
    """End one session; whether it was still going on."""
    over = await store_sessions.end_session(connection, row.id, reason=reason, now=now)
    if over:
        accounts = await find.accounts_of(connection, row.person)
        outcome = "refused" if action == "session.reused" else "done"
        rows = by_person(
            row.person,
            accounts,
            action,
            object_=row.id,
            request=request,
            address=address,
            user_agent=user_agent,
            outcome=outcome,
            detail={"reason": reason},
        )
        await insert_audits(connection, rows)
    return over


async def end(
    ports: Ports, session: str, *, reason: str, address: str, user_agent: str, now: int, request: str | None = None
) -> bool:
    """End one session in a transaction of its own; whether it was still going on."""
    async with ports.pool.acquire() as connection, connection.transaction():
        row = await store_sessions.lock_session(connection, session)
        return row is not None and await end_within(
            connection, row, reason=reason, address=address, user_agent=user_agent, now=now, request=request
        )


async def end_all(connection: Connection, person: str, *, reason: str, now: int, but: str | None = None) -> int:
    """End all sessions of ``person`` except ``but``, in the transaction of what makes them wrong; returns how many.

    Every process feels it within a second. Whoever calls this records why.
    """
    return len(await store_sessions.end_sessions(connection, [person], reason=reason, now=now, but=but))


async def of_principal(connection: Connection, who: Principal, *, now: int) -> SessionRow:
    """The session behind a signed-in person's request, held until this transaction ends."""
    row = await store_sessions.lock_session(connection, who.session or "")
    if row is None or row.person != who.id or not row.lives(now, idle_s=IDLE_S):
        raise ended()
    return row


def ended() -> Refusal:
    """The session is over, for whatever reason."""
    return Refusal(Kind.UNAUTHENTICATED, "This session has ended. Sign in again.", code="session_ended")


async def _begin(connection: Connection, row: SessionRow, *, now: int) -> Begun:
    token = marks.draw()
    await store_sessions.insert_session(connection, row, refresh_hash=marks.hashed(token))
    await store_sessions.touch_session(connection, row.id, person=row.person, now=now)
    return Begun(row, token)


async def _renewed(connection: Connection, row: SessionRow, *, factor: str | None, now: int) -> Begun:
    """The same session under a new id; with a ``factor`` its proof is of this moment. It ends when it would have."""
    fresh = row._replace(id=new_id("ses"), created=now, last_seen_at=now, ended_at=None, ended_reason=None)
    if factor is not None:
        factors = [*row.factors, *([] if factor in row.factors else [factor])]
        fresh = fresh._replace(factors=factors, proved_at=now)
    return await _begin(connection, fresh, now=now)


async def _carried_on(
    connection: Connection,
    ports: Ports,
    token: str,
    *,
    address: str,
    user_agent: str,
    now: int,
    request: str | None,
) -> Begun | None:
    """The successor of a refresh token; None, and for one that was stolen an ended session, where there is none."""
    hash_ = marks.hashed(token)
    known = await find_sessions.refresh(connection, hash_)
    row = await store_sessions.lock_session(connection, known.session) if known else None
    known = await find_sessions.refresh(connection, hash_) if row else None  # as it is now that nobody else changes it
    if known is None or row is None or not await _may_go_on(connection, row, now=now):
        return None
    follower = marks.successor(ports.key, token)
    if known.used_at is None:
        await store_sessions.spend_refresh(connection, hash_, now=now)
        await store_sessions.insert_refresh(connection, marks.hashed(follower), session=row.id, now=now)
    else:
        following = await find_sessions.refresh(connection, marks.hashed(follower))
        if now - known.used_at > GRACE_S or following is None or following.used_at is not None:
            await end_within(
                connection,
                row,
                reason="refresh_reused",
                action="session.reused",
                address=address,
                user_agent=user_agent,
                now=now,
                request=request,
            )
            return None
    await store_sessions.touch_session(connection, row.id, person=row.person, now=now)
    told = by_person(
        row.person, await find.accounts_of(connection, row.person), "session.refresh", object_=row.id, request=request,
        address=address, user_agent=user_agent, detail={"session": row.id, "again": known.used_at is not None},
    )  # fmt: skip
    await insert_audits(connection, told)
    return Begun(row._replace(last_seen_at=now), follower)


async def _may_go_on(connection: Connection, row: SessionRow, *, now: int) -> bool:
    found = await find_sessions.live(connection, row.id) if row.lives(now, idle_s=IDLE_S) else None
    return found is not None and found.person_status == "active" and bool(found.roles)


async def _of_access(ports: Ports, access: str, *, now: int) -> Live | None:
    try:
        claims = await ports.tokens.verify(access, typ=SESSION, now=now)
    except Invalid:
        return None
    return await look(ports, claims["sid"], person=claims["sub"], now=now)


async def look(ports: Ports, session: str, *, person: str, now: int) -> Live | None:
    """The session if it goes on; being looked for is what keeps it from being idle."""
    found = await find_sessions.live(ports.pool, session)
    if found is None or found.session.person != person or found.person_status != "active" or not found.roles:
        return None
    if not found.session.lives(now, idle_s=IDLE_S):
        return None
    if now - found.session.last_seen_at >= TOUCH_EVERY_S:
        await store_sessions.touch_session(ports.pool, session, person=person, now=now)
    return found
