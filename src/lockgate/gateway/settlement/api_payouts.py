"""The operations on payouts."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.settlement import (
    cancel_payout,
    create_payout,
    find_payouts,
    render,
    reverse_payout,
    update_payout,
)
from lockgate.gateway.settlement.core import params
from lockgate.gateway.settlement.core.shapes import PAYOUT
from lockgate.gateway.settlement.ports import Ports
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.kernel.operations import Answer, Call, Loader, Operation
from lockgate.kernel.params import Object
from lockgate.kernel.principal import Principal


def operations(ports: Ports) -> list[Operation]:
    """Payouts: create, list, get, update, cancel, reverse."""

    async def create(call: Call) -> Answer:
        return await create_payout.create(ports, call)

    async def get(call: Call) -> Mapping[str, Any]:
        return render.payout(await find_payouts.payout(ports.pool, call.principal, call.path["payout"]))

    async def update(call: Call) -> Answer:
        return await update_payout.update(ports, call)

    async def list_(call: Call) -> Mapping[str, Any]:
        asked = dict(call.params)
        page = page_of(asked)
        rows = await find_payouts.payouts(
            ports.pool,
            call.principal,
            page=page,
            created=asked.get("created", {}),
            arrival_date=asked.get("arrival_date", {}),
            status=asked.get("status"),
        )
        kept, has_more = cut(rows, page)
        return listing("/v1/payouts", [render.payout(row) for row in kept], has_more=has_more)

    async def cancel(call: Call) -> Answer:
        return await cancel_payout.cancel(ports, call)

    async def reverse(call: Call) -> Answer:
        return await reverse_payout.reverse(ports, call)

    return [
        Operation(
            name="payout.create",
            method="POST",
            path="/v1/payouts",
            resource="payouts",
            access="write",
            handler=create,
            params=params.CREATE,
            returns=PAYOUT,
            audit="payout.create",
            limit="payout",
            privilege="payout",
            summary="Send available money to the merchant's bank.",
        ),
        Operation(
            name="payout.list",
            method="GET",
            path="/v1/payouts",
            resource="payouts",
            access="read",
            handler=list_,
            params=params.LIST,
            returns=PAYOUT,
            form="list",
            summary="The payouts, newest first.",
        ),
        Operation(
            name="payout.get",
            method="GET",
            path="/v1/payouts/{payout}",
            resource="payouts",
            access="read",
            handler=get,
            params=Object({}),
            returns=PAYOUT,
            summary="One payout.",
        ),
        Operation(
            name="payout.update",
            method="POST",
            path="/v1/payouts/{payout}",
            resource="payouts",
            access="write",
            handler=update,
            params=params.UPDATE,
            returns=PAYOUT,
            audit="payout.update",
            summary="Change a payout's metadata.",
        ),
        Operation(
            name="payout.cancel",
            method="POST",
            path="/v1/payouts/{payout}/cancel",
            resource="payouts",
            access="write",
            handler=cancel,
            params=params.CANCEL,
            returns=PAYOUT,
            audit="payout.cancel",
            privilege="payout",
            summary="Stop a payout that is still pending; its money is available again.",
        ),
        Operation(
            name="payout.reverse",
            method="POST",
            path="/v1/payouts/{payout}/reverse",
            resource="payouts",
            access="write",
            handler=reverse,
            params=params.REVERSE,
            returns=PAYOUT,
            audit="payout.reverse",
            privilege="payout",
            summary="Fetch a payout back from the bank, as a payout of its own.",
        ),
    ]


def loaders(ports: Ports) -> dict[str, Loader]:
    """How an id of a payout is expanded."""

    async def load(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        rows = await find_payouts.payouts_by_id(ports.pool, principal, ids)
        return {row.id: render.payout(row) for row in rows}

    async def no_account(_principal: Principal, _ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """The bank account is the processor's to know, so that a payout's destination is null, expanded or not."""
        return {}

    return {"payout": load, "external_account": no_account}
