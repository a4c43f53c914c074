"""The operations on refunds."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.payments import find_refunds, refund
from lockgate.gateway.payments.core import refunds
from lockgate.gateway.payments.core.refunds import REFUND
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.kernel.operations import Answer, Call, Loader, Operation
from lockgate.kernel.params import Object
from lockgate.kernel.principal import Principal


def operations(ports: Ports) -> list[Operation]:
    """Refunds: create, get, update, list, cancel."""

    async def create(call: Call) -> Answer:
        return await refund.create(ports, call)

    async def get(call: Call) -> Mapping[str, Any]:
        return refunds.render(await find_refunds.refund(ports.pool, call.principal, call.path["id"]))

    async def update(call: Call) -> Answer:
        return await refund.update(ports, call)

    async def cancel(call: Call) -> Answer:
        return await refund.cancel(ports, call)

    async def list_(call: Call) -> Mapping[str, Any]:
        params = dict(call.params)
        page = page_of(params)
        rows = await find_refunds.refund_page(
            ports.pool,
            call.principal,
            page,
            charge=params.get("charge"),
            intent=params.get("payment_intent"),
            created=params.get("created", {}),
        )
        kept, has_more = cut(rows, page)
        return listing("/v1/refunds", [refunds.render(row) for row in kept], has_more=has_more)

    return [
        Operation(
            name="refund.create",
            method="POST",
            path="/v1/refunds",
            resource="refunds",
            access="write",
            handler=create,
            params=refunds.CREATE,
            returns=REFUND,
            summary="Give back what was captured on a charge, or a part of it.",
            audit="refund.create",
            limit="refund",
            privilege="refund",
        ),
        Operation(
            name="refund.list",
            method="GET",
            path="/v1/refunds",
            resource="refunds",
            access="read",
            handler=list_,
            params=refunds.LIST,
            returns=REFUND,
            form="list",
            summary="Refunds, newest first; of one charge or PaymentIntent if asked.",
        ),
        Operation(
            name="refund.get",
            method="GET",
            path="/v1/refunds/{id}",
            resource="refunds",
            access="read",
            handler=get,
            params=Object({}),
            returns=REFUND,
            summary="One refund.",
        ),
        Operation(
            name="refund.update",
            method="POST",
            path="/v1/refunds/{id}",
            resource="refunds",
            access="write",
            handler=update,
            params=refunds.UPDATE,
            returns=REFUND,
            summary="Change a refund's metadata.",
            audit="refund.update",
        ),
        Operation(
            name="refund.cancel",
            method="POST",
            path="/v1/refunds/{id}/cancel",
            resource="refunds",
            access="write",
            handler=cancel,
            params=Object({}),
            returns=REFUND,
            summary="Cancel a refund that waits for the customer; refunds to cards never do.",
            audit="refund.cancel",
        ),
    ]


def loaders(ports: Ports) -> dict[str, Loader]:
    """How an id of a refund is expanded."""

    async def load(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        return {row.id: refunds.render(row) for row in await find_refunds.refunds(ports.pool, principal, ids)}

    return {"refund": load}
