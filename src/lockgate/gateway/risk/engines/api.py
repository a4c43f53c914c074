"""The operations on outside engines."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lockgate.gateway.risk.engines import edit, find, render
from lockgate.gateway.risk.engines.core.shapes import CREATE, LIST, NOTHING, RISK_ENGINE, UPDATE
from lockgate.gateway.risk.engines.ports import Ports
from lockgate.gateway.storage.paging import listing, page_of, part
from lockgate.kernel.operations import Answer, Call, Handler, Operation

_URL = "/v1/risk/engines"
_ONE = f"{_URL}/{{engine}}"


def operations(ports: Ports) -> list[Operation]:
    """Every operation of this file."""
    return [
        Operation(
            name="risk_engine.create", method="POST", path=_URL, resource="risk_settings", access="write",
            handler=_handler(ports, edit.create), params=CREATE, returns=RISK_ENGINE, audit="risk_engine.create",
            privilege="risk", summary="Have an outside engine asked about payments. Its secret is shown this once.",
        ),
        Operation(
            name="risk_engine.list", method="GET", path=_URL, resource="risk_settings", access="read",
            handler=_handler(ports, _list), params=LIST, returns=RISK_ENGINE, form="list",
            summary="The outside engines, newest first.",
        ),
        Operation(
            name="risk_engine.get", method="GET", path=_ONE, resource="risk_settings", access="read",
            handler=_handler(ports, _get), params=NOTHING, returns=RISK_ENGINE, summary="One outside engine.",
        ),
        Operation(
            name="risk_engine.update", method="POST", path=_ONE, resource="risk_settings", access="write",
            handler=_handler(ports, edit.update), params=UPDATE, returns=RISK_ENGINE, audit="risk_engine.update",
            privilege="risk", summary="Change an outside engine, or what it signs with.",
        ),
        Operation(
            name="risk_engine.delete", method="DELETE", path=_ONE, resource="risk_settings", access="write",
            handler=_handler(ports, edit.delete), params=NOTHING, returns=RISK_ENGINE, form="deleted",
            audit="risk_engine.delete", privilege="risk", summary="Ask an outside engine no more.",
        ),
    ]  # fmt: skip


def _handler(ports: Ports, flow: Callable[[Ports, Call], Awaitable[Answer | Mapping[str, Any]]]) -> Handler:
    async def handle(call: Call) -> Answer | Mapping[str, Any]:
        return await flow(ports, call)

    return handle


async def _get(ports: Ports, call: Call) -> Mapping[str, Any]:
    return render.engine(await edit.found(ports, call))


async def _list(ports: Ports, call: Call) -> Mapping[str, Any]:
    page = page_of(dict(call.params))
    rows = await find.engines(ports.pool, call.principal.account, call.principal.livemode)
    shown, more = part(rows, page, "risk_engine", id_of=lambda row: row.id)
    return listing(_URL, [render.engine(row) for row in shown], has_more=more)
