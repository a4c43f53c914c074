"""A forgotten password: a link by mail, good once, for a new password and nothing else. It never replaces a factor."""

from lockgate.gateway.people import find, letters, marks, new_password, sessions, store, store_signins
from lockgate.gateway.people.core.email import normal
from lockgate.gateway.people.core.letters import PASSWORD_CHANGED, RESET
from lockgate.gateway.people.core.password_rules import REMEMBERED
from lockgate.gateway.people.ports import Ports
from lockgate.gateway.people.records import by_person
from lockgate.gateway.people.sign_in import From, personal_of
from lockgate.gateway.storage.audits import insert_audits
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.ids import new_id

LINK_S = 30 * 60
MOST_LINKS = 3
_PLATFORM = "platform"


async def ask(ports: Ports, email: str, *, from_: From, now: int) -> None:
    """Send a link, if there is such a person; whoever asks cannot tell."""
    index = await ports.box.blind_index(_PLATFORM, "email", normal(email))
    secret = marks.draw()
    async with ports.pool.acquire() as connection, connection.transaction():
        found = await find.person_by_email(connection, index)
        person = found.row.id if found is not None and found.row.status == "active" and found.accounts else None
        accounts = found.accounts if found is not None and person is not None else []
        sent = await store.links_since(connection, person or "", purpose="reset", since=now - LINK_S)
        if person is not None and sent < MOST_LINKS:
            await store.insert_link(
                connection, marks.hashed(secret), person=person, purpose="reset", now=now, ends=now + LINK_S
            )
            link = f"{ports.url}/reset-password#{secret}"
            await letters.send(connection, ports, person, RESET, now=now, facts={"link": link})
        who = person or f"unknown_{marks.mark(ports.key, 'email', index).hex()}"
        told = by_person(
            who, accounts, "password.forget", object_=who, request=from_.request, address=from_.address,
            user_agent=from_.user_agent,
        )  # fmt: skip
        await insert_audits(connection, told)


async def reset(ports: Ports, secret: str, password: str, *, from_: From, now: int) -> None:
    """Set a new password; all sessions end, and the second factor is asked for as ever."""
    hash_ = marks.hashed(secret)
    person = await store.link_of(ports.pool, hash_, purpose="reset", now=now)
    if person is None:
        raise _over()
    async with ports.pool.acquire() as connection:
        used = await find.used_passwords(connection, person)
    known = await personal_of(ports, person)
    about = [str(known.get(word) or "") for word in ("email", "name")]
    fresh = await new_password.checked(ports, password, about=about, used=used)
    async with ports.pool.acquire() as connection, connection.transaction():
        row = await store.lock_person(connection, person)
        if row is None or await store.take_link(connection, hash_, purpose="reset", now=now) is None:
            raise _over()
        await store.set_password(connection, person, fresh, id_=new_id("pwd"), now=now, kept=REMEMBERED)
        await store.end_links(connection, person)
        await store_signins.delete_sign_ins(connection, person)
        over = await sessions.end_all(connection, person, reason="password_reset", now=now)
        await letters.send(connection, ports, person, PASSWORD_CHANGED, now=now)
        accounts = await find.accounts_of(connection, person)
        told = by_person(
            person, accounts, "password.reset", object_=person, request=from_.request, address=from_.address,
            user_agent=from_.user_agent, detail={"sessions_ended": over},
        )  # fmt: skip
        await insert_audits(connection, told)


def _over() -> Refusal:
    return Refusal(
        Kind.NOT_FOUND, "This link is not valid: it was used, or is too old. Ask for a new one.", code="link_over"
    )
