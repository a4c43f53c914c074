"""Acknowledges and resolves alerts: an acknowledged one still gathers what belongs to it, a resolved one does not."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.alerts import find_alerts, render, store_edit
from lockgate.gateway.alerts.find_alerts import AlertView
from lockgate.gateway.alerts.ports import Ports
from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal


async def acknowledge(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/alerts/{alert}/acknowledge; an alert that is not open stays as it is."""
    row = await _found(ports, call)
    changed = row._replace(state="acknowledged", acknowledged_at=call.now, acknowledged_by=_name(call.principal))
    shown = render.alert(changed if row.state == "open" else row)

    async def work(connection: Connection) -> None:
        await acknowledge_within(connection, call.principal, row.id, now=call.now, request=call.request_id)

    return await transact(ports.pool, call, rendered=shown, work=work)


async def resolve(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/alerts/{alert}/resolve; a resolved alert stays as it is."""
    row = await _found(ports, call)
    changed = row._replace(state="resolved", resolved_at=call.now, resolved_by=_name(call.principal))
    shown: Mapping[str, Any] = render.alert(changed if row.state != "resolved" else row)

    async def work(connection: Connection) -> None:
        await resolve_within(connection, call.principal, row.id, now=call.now, request=call.request_id)

    return await transact(ports.pool, call, rendered=shown, work=work)


async def acknowledge_within(
    connection: Connection, who: Principal, id_: str, *, now: int, request: str | None
) -> bool:
    """Whether it was open until now; the record is written with the change."""
    if not await store_edit.acknowledge(connection, who.account, id_, by=_name(who), now=now):
        return False
    await insert_audits(connection, [record(who, "alert.acknowledge", object_=id_, request=request)])
    return True


async def resolve_within(connection: Connection, who: Principal, id_: str, *, now: int, request: str | None) -> bool:
    """Whether it was not resolved until now."""
    if not await store_edit.resolve(connection, who.account, id_, by=_name(who), now=now):
        return False
    await insert_audits(connection, [record(who, "alert.resolve", object_=id_, request=request)])
    return True


async def _found(ports: Ports, call: Call) -> AlertView:
    id_ = call.path["alert"]
    row = await find_alerts.alert(ports.pool, call.principal.account, id_)
    if row is None:
        raise missing("alert", id_, param="alert")
    return row


def _name(who: Principal) -> str:
    return f"{who.kind}:{who.id}"
