"""Takes up an invitation: a new person chooses a password, somebody who is here already shows theirs."""

from typing import NamedTuple

from lockgate.gateway.mail.core.address import is_address
from lockgate.gateway.people import find, guesses, marks, new_password, sign_in, store
from lockgate.gateway.people.core.email import normal
from lockgate.gateway.people.core.password_rules import REMEMBERED
from lockgate.gateway.people.core.rows import InvitationRow, PersonRow
from lockgate.gateway.people.find import Found
from lockgate.gateway.people.join import join, over
from lockgate.gateway.people.ports import Ports
from lockgate.gateway.people.records import by_person
from lockgate.gateway.people.sign_in import Begun, From
from lockgate.gateway.storage.audits import insert_audits
from lockgate.kernel.errors import invalid
from lockgate.kernel.ids import new_id

_PLATFORM = "platform"


class Shown(NamedTuple):
    """What a link is about, for the form that asks for name and password. ``email`` is None where it is asked too."""

    row: InvitationRow
    account_name: str
    email: str | None
    known: bool


async def look(ports: Ports, secret: str, *, now: int) -> Shown:
    """The invitation of a link. ``known``: its person has a password here already, and is asked for that."""
    row = await find.invitation_by_secret(ports.pool, marks.hashed(secret))
    if row is None or row.state(now) != "pending":
        raise over()
    opened = await ports.box.open(_PLATFORM, row.id, row.personal)
    known = row.email_index is not None and await find.person_by_email(ports.pool, row.email_index) is not None
    return Shown(row, await find.account_name(ports.pool, row.account), opened.get("email"), known)


async def accept(
    ports: Ports, secret: str, *, email: str | None, name: str | None, password: str, from_: From, now: int
) -> Begun:
    """A sign-in that the person finishes with a second factor; a new one enrols it there.

    ``email`` is asked for where the link names nobody: the first owner's.
    """
    shown = await look(ports, secret, now=now)
    address = shown.email or email
    if shown.email is not None and email is not None and normal(email) != normal(shown.email):
        raise invalid("This invitation is for another address.", param="email")
    if address is None:
        raise invalid("Missing required param: email.", param="email", code="parameter_missing")
    if not is_address(address):
        raise invalid("This is not an e-mail address that mail can be sent to.", param="email")
    index = await ports.box.blind_index(_PLATFORM, "email", normal(address))
    found = await find.person_by_email(ports.pool, index)
    if found is not None:
        return await _known(ports, shown.row, found, password, from_=from_, now=now)
    return await _new(ports, shown.row, index, address, name=name, password=password, from_=from_, now=now)


async def _known(ports: Ports, row: InvitationRow, found: Found, password: str, *, from_: From, now: int) -> Begun:
    """Somebody of another account: the membership comes with the second factor, for a link alone is not the person."""
    checked = await sign_in.check(ports, found.row.email_index, found, password, from_=from_, now=now, joining=True)
    if checked.why is not None:
        raise sign_in.refused()
    async with ports.pool.acquire() as connection, connection.transaction():
        await guesses.was_right(connection, checked.counted)
        opened = await sign_in.begin_within(connection, found.row.id, from_=from_, now=now, invitation=row)
    return await sign_in.described(ports, opened, now=now)


async def _new(
    ports: Ports,
    row: InvitationRow,
    index: bytes,
    email: str,
    *,
    name: str | None,
    password: str,
    from_: From,
    now: int,
) -> Begun:
    hash_ = await new_password.checked(ports, password, about=[email, name or ""])
    id_ = new_id("per")
    personal = await ports.box.seal(_PLATFORM, id_, {"email": email, "name": name})
    person = PersonRow(id_, now, index, personal, hash_, now, "active", None, now, None)
    async with ports.pool.acquire() as connection, connection.transaction():
        if row.kind == "owner":
            await store.lock_first_owner(connection)
        if not await store.insert_person(connection, person):
            raise over()
        await store.set_password(connection, id_, hash_, id_=new_id("pwd"), now=now, kept=REMEMBERED)
        await join(connection, id_, account=row.account, invitation=row.id, now=now)
        told = by_person(
            id_, [row.account], "person.create", object_=id_, request=from_.request, address=from_.address,
            user_agent=from_.user_agent, detail={"invitation": row.id, "roles": row.roles},
        )  # fmt: skip
        await insert_audits(connection, told)
        opened = await sign_in.begin_within(connection, id_, from_=from_, now=now)
    return await sign_in.described(ports, opened, now=now)
