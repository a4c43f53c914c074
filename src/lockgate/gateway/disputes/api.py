"""The operations on disputes."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.disputes import close, find, render, update
from lockgate.gateway.disputes.core import params
from lockgate.gateway.disputes.core.shapes import DISPUTE
from lockgate.gateway.disputes.ports import Ports
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.kernel.operations import Answer, Call, Loader, Operation
from lockgate.kernel.params import Object
from lockgate.kernel.principal import Principal


def operations(ports: Ports) -> list[Operation]:
    """Disputes: get, list, update, close."""

    async def get(call: Call) -> Mapping[str, Any]:
        row = await find.dispute(ports.pool, call.principal, call.path["dispute"])
        return (await render.disputes(ports, call.principal, [row]))[0]

    async def list_(call: Call) -> Mapping[str, Any]:
        given = dict(call.params)
        page = page_of(given)
        rows = await find.dispute_page(
            ports.pool,
            call.principal,
            page,
            charge=given.get("charge"),
            intent=given.get("payment_intent"),
            created=given.get("created", {}),
        )
        kept, has_more = cut(rows, page)
        return listing("/v1/disputes", await render.disputes(ports, call.principal, kept), has_more=has_more)

    async def change(call: Call) -> Answer:
        return await update.update(ports, call)

    async def give_up(call: Call) -> Answer:
        return await close.close(ports, call)

    return [
        Operation(
            name="dispute.list",
            method="GET",
            path="/v1/disputes",
            resource="disputes",
            access="read",
            handler=list_,
            params=params.LIST,
            returns=DISPUTE,
            form="list",
            summary="Disputes, newest first; of one charge or PaymentIntent if asked.",
        ),
        Operation(
            name="dispute.get",
            method="GET",
            path="/v1/disputes/{dispute}",
            resource="disputes",
            access="read",
            handler=get,
            params=Object({}),
            returns=DISPUTE,
            summary="One dispute.",
        ),
        Operation(
            name="dispute.update",
            method="POST",
            path="/v1/disputes/{dispute}",
            resource="disputes",
            access="write",
            handler=change,
            params=params.UPDATE,
            returns=DISPUTE,
            summary="Stage evidence or hand it in to the issuer, and change a dispute's metadata.",
            audit="dispute.update",
        ),
        Operation(
            name="dispute.close",
            method="POST",
            path="/v1/disputes/{dispute}/close",
            resource="disputes",
            access="write",
            handler=give_up,
            params=params.CLOSE,
            returns=DISPUTE,
            summary="Give a dispute up. It is lost, and this cannot be undone.",
            audit="dispute.close",
        ),
    ]


def loaders(ports: Ports) -> dict[str, Loader]:
    """How an id of a dispute is expanded."""

    async def load(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        rows = await find.disputes(ports.pool, principal, ids)
        return {shown["id"]: shown for shown in await render.disputes(ports, principal, rows)}

    return {"dispute": load}
