"""The operations on radar sessions and on the collector's setting."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.signals import edit_setting, erase, find, record, render
from lockgate.gateway.signals.core import params
from lockgate.gateway.signals.core.shapes import COLLECTOR, SESSION
from lockgate.gateway.signals.ports import Ports
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call, Operation

_SESSIONS = "/v1/radar/sessions"
_SESSION = f"{_SESSIONS}/{{session}}"
_COLLECTOR = "/v1/radar/collector"


def operations(ports: Ports) -> list[Operation]:
    """Every operation of this room."""

    async def create(call: Call) -> Answer:
        return await record.create(ports, call)

    async def get(call: Call) -> Mapping[str, Any]:
        kept = await find.row(ports.pool, call.principal, call.path["session"])
        if kept is None:
            raise missing("radar.session", call.path["session"], param="session")
        return render.session(kept, livemode=call.principal.livemode)

    async def delete(call: Call) -> Answer:
        return await erase.erase(ports, call)

    async def get_collector(call: Call) -> Mapping[str, Any]:
        setting = await find.setting(ports.pool, call.principal)
        return render.collector(setting, livemode=call.principal.livemode, public_url=ports.public_url)

    async def edit_collector(call: Call) -> Answer:
        return await edit_setting.edit(ports, call)

    return [
        Operation(
            name="radar_session.create", method="POST", path=_SESSIONS, resource="risk_sessions", access="write",
            handler=create, params=params.CREATE, returns=SESSION, publishable=True, audit="radar_session.create",
            summary="Keep what the collector saw of a visit, for the payment that names it.",
        ),
        Operation(
            name="radar_session.get", method="GET", path=_SESSION, resource="risk_sessions", access="read", handler=get,
            params=params.NOTHING, returns=SESSION, summary="One visit: what was judged of its signals.",
        ),
        Operation(
            name="radar_session.delete", method="DELETE", path=_SESSION, resource="risk_sessions", access="write",
            handler=delete, params=params.NOTHING, returns=SESSION, form="deleted", audit="radar_session.delete",
            summary="Erase a visit before its thirty days are over.",
        ),
        Operation(
            name="collector.get", method="GET", path=_COLLECTOR, resource="risk_sessions", access="read",
            handler=get_collector, params=params.NOTHING, returns=COLLECTOR, publishable=True,
            summary="Whether the collector may run, and what the page says about it.",
        ),
        Operation(
            name="collector.update", method="POST", path=_COLLECTOR, resource="risk_settings", access="write",
            handler=edit_collector, params=params.SETTING, returns=COLLECTOR, audit="collector.update",
            summary="Switch the collector on or off, or have it ask first.",
        ),
    ]  # fmt: skip
