"""Ends sessions on request: one's own, somebody's, or everybody's in the account."""

from collections.abc import Sequence

from lockgate.gateway.audit.record import record
from lockgate.gateway.people import find, sessions, store, store_sessions
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.kernel.errors import missing
from lockgate.kernel.principal import Principal


async def one_of_mine(connection: Connection, who: Principal, session: str, *, request: str | None, now: int) -> None:
    """Sign out, here or elsewhere."""
    row = await store_sessions.lock_session(connection, session)
    if row is None or row.person != who.id:
        raise missing("session", session, param="session")
    await sessions.end_within(
        connection,
        row,
        reason="signed_out" if session == who.session else "revoked",
        address=who.address,
        user_agent=who.user_agent,
        now=now,
        request=request,
    )


async def mine(connection: Connection, who: Principal, *, but_this: bool, request: str | None, now: int) -> None:
    """Sign out everywhere; with ``but_this`` everywhere else."""
    await _all(connection, who, [who.id], but=who.session if but_this else None, request=request, now=now)


async def of_person(connection: Connection, who: Principal, person: str, *, request: str | None, now: int) -> None:
    """Sign a member of the account out everywhere."""
    if await find.member(connection, who, person) is None:
        raise missing("person", person, param="person")
    await _all(connection, who, [person], but=None, request=request, now=now)


async def of_everybody(connection: Connection, who: Principal, *, request: str | None, now: int) -> None:
    """Sign everybody of the account out, whoever asks among them."""
    await _all(connection, who, await store.members_of(connection, who.account), but=None, request=request, now=now)


async def _all(
    connection: Connection, who: Principal, persons: Sequence[str], *, but: str | None, request: str | None, now: int
) -> None:
    ended = await store_sessions.end_sessions(connection, persons, reason="revoked", now=now, but=but)
    told = [
        record(who, "session.revoke", object_=person, request=request, detail={"sessions": ended.count(person)})
        for person in persons
    ]
    await insert_audits(connection, told)
