"""The operation on mandates."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.customers import find_mandates, mandates
from lockgate.gateway.customers.core.mandates import MANDATE
from lockgate.gateway.customers.core.params import NOTHING
from lockgate.gateway.customers.ports import Ports
from lockgate.kernel.operations import Call, Loader, Operation
from lockgate.kernel.principal import Principal


def operations(ports: Ports) -> list[Operation]:
    """Mandates: get."""

    async def get(call: Call) -> Mapping[str, Any]:
        row = await find_mandates.mandate(ports.pool, call.principal, call.path["mandate"])
        return await mandates.shown(row, ports.box)

    return [
        Operation(
            name="mandate.get", method="GET", path="/v1/mandates/{mandate}", resource="mandates", access="read",
            handler=get, params=NOTHING, returns=MANDATE, summary="Look at a cardholder's leave to be charged later",
        ),
    ]


def loaders(ports: Ports) -> dict[str, Loader]:
    """How an id of a mandate is expanded."""

    async def load(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        rows = await find_mandates.mandates(ports.pool, principal, ids)
        return {row.id: await mandates.shown(row, ports.box) for row in rows}

    return {"mandate": load}
