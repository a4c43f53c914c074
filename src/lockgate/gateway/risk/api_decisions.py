"""The operations on decisions, and on how strict the built-in rules are."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lockgate.gateway.risk import edit_settings, find_decisions, find_settings, render_decisions
from lockgate.gateway.risk.core import params_decisions as params
from lockgate.gateway.risk.core.shapes_decisions import DECISION, SETTINGS
from lockgate.gateway.risk.find_decisions import Wanted
from lockgate.gateway.risk.ports import Ports
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.kernel.operations import Answer, Call, Handler, Operation

_DECISIONS = "/v1/risk/decisions"
_SETTINGS = "/v1/risk/settings"


def operations(ports: Ports) -> list[Operation]:
    """Every operation of this file."""
    return [
        Operation(
            name="risk_decision.list", method="GET", path=_DECISIONS, resource="risk", access="read",
            handler=_handler(ports, _list), params=params.LIST_DECISIONS, returns=DECISION, form="list",
            summary="What was decided of payments, newest first.",
        ),
        Operation(
            name="risk_decision.get", method="GET", path=f"{_DECISIONS}/{{decision}}", resource="risk", access="read",
            handler=_handler(ports, _get), params=params.NOTHING, returns=DECISION,
            summary="One decision, with every attribute, the score and its reasons, and the rules that matched.",
        ),
        Operation(
            name="risk_settings.get", method="GET", path=_SETTINGS, resource="risk_settings", access="read",
            handler=_handler(ports, _settings), params=params.NOTHING, returns=SETTINGS,
            summary="How strict the built-in rules are.",
        ),
        Operation(
            name="risk_settings.update", method="POST", path=_SETTINGS, resource="risk_settings", access="write",
            handler=_handler(ports, edit_settings.tighten), params=params.CHANGE, returns=SETTINGS,
            audit="risk_settings.update", summary="Make the built-in rules stricter.",
        ),
        Operation(
            name="risk_settings.loosen", method="POST", path=f"{_SETTINGS}/loosen", resource="risk_settings",
            access="write", handler=_handler(ports, edit_settings.loosen), params=params.CHANGE, returns=SETTINGS,
            audit="risk_settings.loosen", privilege="risk", summary="Make the built-in rules less strict.",
        ),
    ]  # fmt: skip


def _handler(ports: Ports, flow: Callable[[Ports, Call], Awaitable[Answer | Mapping[str, Any]]]) -> Handler:
    async def handle(call: Call) -> Answer | Mapping[str, Any]:
        return await flow(ports, call)

    return handle


async def _list(ports: Ports, call: Call) -> Mapping[str, Any]:
    given = dict(call.params)
    page = page_of(given)
    wanted = Wanted(given.get("charge"), given.get("payment_intent"), given.get("verdict"), given.get("created", {}))
    rows = await find_decisions.decision_page(ports.pool, call.principal, page, wanted)
    shown, more = cut(rows, page)
    return listing(_DECISIONS, [render_decisions.decision(row) for row in shown], has_more=more)


async def _get(ports: Ports, call: Call) -> Mapping[str, Any]:
    return render_decisions.decision(
        await find_decisions.decision(ports.pool, call.principal, call.path["decision"])
    )


async def _settings(ports: Ports, call: Call) -> Mapping[str, Any]:
    who = call.principal
    kept = await find_settings.settings(ports.pool, who.account, who.livemode)
    return render_decisions.settings(kept, livemode=who.livemode)
