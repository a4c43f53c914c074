"""Erases a radar session before its time."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.signals import render, store
from lockgate.gateway.signals.ports import Ports
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call


async def erase(ports: Ports, call: Call) -> Answer:
    """The answer to DELETE /v1/radar/sessions/{session}."""
    who, id_ = call.principal, call.path["session"]

    async def work(connection: Connection) -> None:
        if not await store.delete_session(connection, who.account, who.livemode, id_=id_):
            raise missing("radar.session", id_, param="session")
        row = record(who, "radar_session.delete", object_=id_, request=call.request_id)
        await insert_audits(connection, [row])

    return await transact(ports.pool, call, rendered=render.gone(id_), work=work)
