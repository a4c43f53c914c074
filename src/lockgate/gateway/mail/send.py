"""Puts a mail into the queue, in the transaction of what it tells about: the worker sends it if that commits."""

from lockgate.gateway.mail import store
from lockgate.gateway.mail.core.message import letter
from lockgate.gateway.mail.ports import Box
from lockgate.gateway.mail.sealed import seal
from lockgate.gateway.storage.database import Connection
from lockgate.kernel.ids import new_id


async def queue(connection: Connection, box: Box, *, to: str, subject: str, text: str, kind: str, now: int) -> str:
    """Queue one plain-text mail to one address; returns its id. ``kind`` names what it is about, for the operator.

    ``subject`` and ``text`` may hold names that people chose: nothing in them can become a header. ValueError for a
    ``to`` that is no address (mail.core.address.is_address says it before).
    """
    id_ = new_id("mail")
    sealed = await seal(box, id_, letter(to, subject, text))
    await store.insert(connection, id_=id_, kind=kind, created=now, sealed=sealed)
    return id_
