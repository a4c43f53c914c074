"""Queues mail to a person in the transaction of what it tells about."""

from collections.abc import Mapping

from lockgate.gateway.mail import send as mail
from lockgate.gateway.people import find
from lockgate.gateway.people.core.letters import Letter
from lockgate.gateway.people.ports import Office
from lockgate.gateway.storage.database import Connection

_PLATFORM = "platform"


async def send(
    connection: Connection,
    office: Office,
    person: str,
    letter: Letter,
    *,
    now: int,
    facts: Mapping[str, str] | None = None,
) -> None:
    """Tell ``person``; nobody is told whose data was erased."""
    row = await find.person(connection, person)
    opened = await office.box.open(_PLATFORM, person, row.personal) if row is not None else {}
    if opened.get("email"):
        await send_to(connection, office, opened["email"], letter, now=now, facts=facts)


async def send_to(
    connection: Connection,
    office: Office,
    email: str,
    letter: Letter,
    *,
    now: int,
    facts: Mapping[str, str] | None = None,
) -> None:
    """The same to an address that is nobody's yet."""
    told = facts or {}
    await mail.queue(
        connection,
        office.box,
        to=email,
        subject=letter.subject.format_map(told),
        text=letter.told(told),
        kind=letter.kind,
        now=now,
    )
