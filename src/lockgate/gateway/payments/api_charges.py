"""The operations on charges: those of payment intents, and those that the older API makes by themselves."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.payments import capture_charge, charge, find, refund, render, shim, update_charge
from lockgate.gateway.payments.core import charge_params as params
from lockgate.gateway.payments.core.refunds import REFUND
from lockgate.gateway.payments.core.shapes import CHARGE
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.kernel.operations import Answer, Call, Loader, Operation
from lockgate.kernel.principal import Principal

_CHARGES = "/v1/charges"
_CHARGE = "/v1/charges/{charge}"


def operations(ports: Ports) -> list[Operation]:
    """Charges: create, get, update, list, capture, refund."""

    async def create(call: Call) -> Answer:
        return await charge.create(ports, call)

    async def get(call: Call) -> Mapping[str, Any]:
        row = await find.charge(ports.pool, call.principal, call.path["charge"])
        return await shim.charge_for_version(ports, call, await render.charge(row, ports.box))

    async def update(call: Call) -> Answer:
        return await update_charge.update(ports, call)

    async def list_(call: Call) -> Mapping[str, Any]:
        page = page_of(call.params)
        rows = await find.charge_page(
            ports.pool,
            call.principal,
            page,
            customer=call.params.get("customer"),
            intent_id=call.params.get("payment_intent"),
            created=call.params.get("created", {}),
        )
        kept, has_more = cut(rows, page)
        shown = [await render.charge(row, ports.box) for row in kept]
        return listing(_CHARGES, await shim.charges_for_version(ports, call, shown), has_more=has_more)

    async def capture(call: Call) -> Answer:
        return await capture_charge.create(ports, call)

    async def refund_it(call: Call) -> Answer:
        return await refund.create(ports, call)

    return [
        Operation(
            name="charge.create", method="POST", path=_CHARGES, resource="charges", access="write", handler=create,
            params=params.CREATE, returns=CHARGE, declines=True, audit="charge.create", limit="payment",
            summary="Charge a token or a customer's card, by the older API.",
        ),
        Operation(
            name="charge.get", method="GET", path=_CHARGE, resource="charges", access="read", handler=get,
            params=params.GET, returns=CHARGE, summary="One charge.",
        ),
        Operation(
            name="charge.update", method="POST", path=_CHARGE, resource="charges", access="write", handler=update,
            params=params.UPDATE, returns=CHARGE, audit="charge.update", summary="Change what a charge says.",
        ),
        Operation(
            name="charge.list", method="GET", path=_CHARGES, resource="charges", access="read", handler=list_,
            params=params.LIST, returns=CHARGE, form="list", summary="Charges, newest first.",
        ),
        Operation(
            name="charge.capture", method="POST", path=f"{_CHARGE}/capture", resource="charges", access="write",
            handler=capture, params=params.CAPTURE, returns=CHARGE, declines=True, audit="charge.capture",
            summary="Take all or part of a charge of the older API that was only authorised.",
        ),
        Operation(
            name="charge.refund", method="POST", path=f"{_CHARGE}/refunds", resource="refunds", access="write",
            handler=refund_it, params=params.REFUND, returns=REFUND, audit="refund.create", privilege="refund",
            limit="refund",
            summary="Give back what was captured on this charge, or a part of it.",
        ),
    ]  # fmt: skip


def loaders(ports: Ports) -> dict[str, Loader]:
    """What ids of charges expand to, and the refunds of a charge."""

    async def load(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        rows = await find.charges(ports.pool, principal, ids)
        return {row.id: await render.charge(row, ports.box) for row in rows}

    async def load_refunds(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        return dict(await shim.refunds_of(ports, principal, ids))

    return {"charge": load, "charge.refunds": load_refunds}
