"""The operations on early fraud warnings."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.disputes import find_warnings, render
from lockgate.gateway.disputes.core import params
from lockgate.gateway.disputes.core.shapes import EARLY_FRAUD_WARNING
from lockgate.gateway.disputes.ports import Ports
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.kernel.operations import Call, Operation
from lockgate.kernel.params import Object

PATH = "/v1/radar/early_fraud_warnings"


def operations(ports: Ports) -> list[Operation]:
    """Early fraud warnings: get, list."""

    async def get(call: Call) -> Mapping[str, Any]:
        return render.warning(await find_warnings.warning(ports.pool, call.principal, call.path["warning"]))

    async def list_(call: Call) -> Mapping[str, Any]:
        given = dict(call.params)
        page = page_of(given)
        rows = await find_warnings.warning_page(
            ports.pool,
            call.principal,
            page,
            charge=given.get("charge"),
            intent=given.get("payment_intent"),
            created=given.get("created", {}),
        )
        kept, has_more = cut(rows, page)
        return listing(PATH, [render.warning(row) for row in kept], has_more=has_more)

    return [
        Operation(
            name="early_fraud_warning.list",
            method="GET",
            path=PATH,
            resource="early_fraud_warnings",
            access="read",
            handler=list_,
            params=params.LIST,
            returns=EARLY_FRAUD_WARNING,
            form="list",
            summary="Early fraud warnings, newest first; about one charge or PaymentIntent if asked.",
        ),
        Operation(
            name="early_fraud_warning.get",
            method="GET",
            path=PATH + "/{warning}",
            resource="early_fraud_warnings",
            access="read",
            handler=get,
            params=Object({}),
            returns=EARLY_FRAUD_WARNING,
            summary="One early fraud warning.",
        ),
    ]
