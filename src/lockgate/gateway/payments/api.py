"""The operations of payment intents, and of the room's other objects, for the web edge."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.payments import (
    api_charges,
    api_refunds,
    api_reviews,
    api_search,
    api_setups,
    cancel,
    capture,
    confirm,
    create,
    find,
    increment,
    render,
    shim,
    update,
)
from lockgate.gateway.payments.core import params
from lockgate.gateway.payments.core.shapes import PAYMENT_INTENT
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.kernel.operations import Answer, Call, Loader, Operation
from lockgate.kernel.principal import Principal

_INTENTS = "/v1/payment_intents"
_INTENT = "/v1/payment_intents/{intent}"


def operations(ports: Ports) -> list[Operation]:
    """Everything that this room offers."""

    async def create_intent(call: Call) -> Answer:
        return await create.create(ports, call)

    async def get_intent(call: Call) -> Mapping[str, Any]:
        row = await find.payment_intent(ports.pool, call.principal, call.path["intent"])
        shown = await render.payment_intent(row, ports.box, ports.client_secrets)
        return await shim.for_version(ports, call, render.for_principal(shown, call.principal))

    async def update_intent(call: Call) -> Answer:
        return await update.update(ports, call)

    async def list_intents(call: Call) -> Mapping[str, Any]:
        page = page_of(call.params)
        rows = await find.payment_intent_page(
            ports.pool,
            call.principal,
            page,
            customer=call.params.get("customer"),
            created=call.params.get("created", {}),
        )
        kept, has_more = cut(rows, page)
        shown = [await render.payment_intent(row, ports.box, ports.client_secrets) for row in kept]
        data = [await shim.for_version(ports, call, one) for one in shown]
        return listing(_INTENTS, data, has_more=has_more)

    async def confirm_intent(call: Call) -> Answer:
        return await confirm.confirm(ports, call)

    async def capture_intent(call: Call) -> Answer:
        return await capture.capture(ports, call)

    async def increment_intent(call: Call) -> Answer:
        return await increment.increment(ports, call)

    async def cancel_intent(call: Call) -> Answer:
        return await cancel.cancel(ports, call)

    return [
        Operation(
            name="payment_intent.create", method="POST", path=_INTENTS, resource="payment_intents", access="write",
            handler=create_intent, params=params.CREATE, returns=PAYMENT_INTENT, declines=True,
            audit="payment_intent.create", limit="payment",
            summary="Create a payment intent, and confirm it if asked to.",
        ),
        Operation(
            name="payment_intent.get", method="GET", path=_INTENT, resource="payment_intents", access="read",
            handler=get_intent, params=params.GET, returns=PAYMENT_INTENT, publishable=True, client_secret=True,
            summary="One payment intent.",
        ),
        Operation(
            name="payment_intent.update", method="POST", path=_INTENT, resource="payment_intents", access="write",
            handler=update_intent, params=params.UPDATE, returns=PAYMENT_INTENT, audit="payment_intent.update",
            summary="Change a payment intent.",
        ),
        Operation(
            name="payment_intent.list", method="GET", path=_INTENTS, resource="payment_intents", access="read",
            handler=list_intents, params=params.LIST, returns=PAYMENT_INTENT, form="list",
            summary="Payment intents, newest first.",
        ),
        Operation(
            name="payment_intent.confirm", method="POST", path=f"{_INTENT}/confirm", resource="payment_intents",
            access="write", handler=confirm_intent, params=params.CONFIRM, returns=PAYMENT_INTENT, declines=True,
            audit="payment_intent.confirm", limit="payment", publishable=True, client_secret=True, summary="Pay.",
        ),
        Operation(
            name="payment_intent.capture", method="POST", path=f"{_INTENT}/capture", resource="payment_intents",
            access="write", handler=capture_intent, params=params.CAPTURE, returns=PAYMENT_INTENT, declines=True,
            audit="payment_intent.capture", summary="Take all or part of what is authorised.",
        ),
        Operation(
            name="payment_intent.increment_authorization", method="POST", path=f"{_INTENT}/increment_authorization",
            resource="payment_intents", access="write", handler=increment_intent, params=params.INCREMENT,
            returns=PAYMENT_INTENT, declines=True, audit="payment_intent.increment_authorization",
            summary="Raise what is authorised to a new total.",
        ),
        Operation(
            name="payment_intent.cancel", method="POST", path=f"{_INTENT}/cancel", resource="payment_intents",
            access="write", handler=cancel_intent, params=params.CANCEL, returns=PAYMENT_INTENT, declines=True,
            audit="payment_intent.cancel", publishable=True, client_secret=True,
            summary="Cancel, and release what is authorised.",
        ),
        *api_charges.operations(ports),
        *api_refunds.operations(ports),
        *api_reviews.operations(ports),
        *api_setups.operations(ports),
        *api_search.operations(ports),
    ]  # fmt: skip


def loaders(ports: Ports) -> dict[str, Loader]:
    """What ids of this room's objects expand to."""

    async def load_intents(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        rows = await find.payment_intents(ports.pool, principal, ids)
        return {row.id: await render.payment_intent(row, ports.box, ports.client_secrets) for row in rows}

    return {
        "payment_intent": load_intents,
        **api_charges.loaders(ports),
        **api_refunds.loaders(ports),
        **api_setups.loaders(ports),
    }
