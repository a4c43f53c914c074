"""The operations that search payment intents and charges."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.payments import find, render, shim
from lockgate.gateway.payments.core.search import CHARGES, PAYMENT_INTENTS
from lockgate.gateway.payments.core.shapes import CHARGE, PAYMENT_INTENT
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.search import result, search
from lockgate.kernel.operations import Call, Operation
from lockgate.kernel.search import PARAMS

_INTENTS = "/v1/payment_intents/search"
_CHARGES = "/v1/charges/search"


def operations(ports: Ports) -> list[Operation]:
    """The searches of this room."""

    async def search_intents(call: Call) -> Mapping[str, Any]:
        found = await search(ports.pool, ports.box, call, PAYMENT_INTENTS)
        rows = {row.id: row for row in await find.payment_intents(ports.pool, call.principal, found.ids)}
        shown = [await render.payment_intent(rows[id_], ports.box, ports.client_secrets) for id_ in found.ids]
        return result(_INTENTS, [await shim.for_version(ports, call, one) for one in shown], found)

    async def search_charges(call: Call) -> Mapping[str, Any]:
        found = await search(ports.pool, ports.box, call, CHARGES)
        rows = {row.id: row for row in await find.charges(ports.pool, call.principal, found.ids)}
        shown = [await render.charge(rows[id_], ports.box) for id_ in found.ids]
        return result(_CHARGES, await shim.charges_for_version(ports, call, shown), found)

    return [
        Operation(
            name="payment_intent.search", method="GET", path=_INTENTS, resource="payment_intents", access="read",
            handler=search_intents, params=PARAMS, returns=PAYMENT_INTENT, form="search", limit="search",
            summary="Search payment intents, newest first.",
        ),
        Operation(
            name="charge.search", method="GET", path=_CHARGES, resource="charges", access="read",
            handler=search_charges, params=PARAMS, returns=CHARGE, form="search", limit="search",
            summary="Search charges, newest first.",
        ),
    ]  # fmt: skip
