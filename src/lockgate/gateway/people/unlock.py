"""Opens a lock by the link that was mailed when it closed: who has the mailbox says that it was them."""

from lockgate.gateway.people import find, guesses, marks, store, store_signins
from lockgate.gateway.people.ports import Ports
from lockgate.gateway.people.records import by_person
from lockgate.gateway.people.sign_in import From
from lockgate.gateway.storage.audits import insert_audits
from lockgate.kernel.errors import Kind, Refusal


async def unlock(ports: Ports, secret: str, *, from_: From, now: int) -> str:
    """A device secret with which guesses made elsewhere cannot lock this browser out again."""
    device = marks.draw()
    async with ports.pool.acquire() as connection, connection.transaction():
        person = await store.take_link(connection, marks.hashed(secret), purpose="unlock", now=now)
        row = await find.person(connection, person) if person is not None else None
        if row is None:
            raise Refusal(Kind.NOT_FOUND, "This link is not valid: it was used, or is too old.", code="link_over")
        await guesses.unlock(connection, ports, email_index=row.email_index)
        await store_signins.keep_place(connection, row.id, marks.hashed(device)[:16], kind="device", now=now)
        told = by_person(
            row.id, await find.accounts_of(connection, row.id), "person.unlock", object_=row.id,
            request=from_.request, address=from_.address, user_agent=from_.user_agent,
        )  # fmt: skip
        await insert_audits(connection, told)
    return device
