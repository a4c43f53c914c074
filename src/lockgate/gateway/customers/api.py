"""The operations on customers and payment methods."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from lockgate.gateway.customers import api_mandates, api_tokens, find, make, render
from lockgate.gateway.customers.attach_payment_method import attach_payment_method
from lockgate.gateway.customers.blind import email_index
from lockgate.gateway.customers.core import params, sources
from lockgate.gateway.customers.core.search import CUSTOMERS
from lockgate.gateway.customers.core.shapes import CUSTOMER, EPHEMERAL_KEY, PAYMENT_METHOD
from lockgate.gateway.customers.create_customer import create_customer
from lockgate.gateway.customers.create_ephemeral_key import create_ephemeral_key
from lockgate.gateway.customers.create_payment_method import create_payment_method
from lockgate.gateway.customers.delete_customer import delete_customer
from lockgate.gateway.customers.delete_ephemeral_key import delete_ephemeral_key
from lockgate.gateway.customers.detach_payment_method import detach_payment_method
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.customers.update_customer import update_customer
from lockgate.gateway.customers.update_payment_method import update_payment_method
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.gateway.storage.search import result, search
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call, Handler, Loader, Operation
from lockgate.kernel.principal import Principal
from lockgate.kernel.search import PARAMS as SEARCH


def operations(ports: Ports) -> list[Operation]:
    """Every operation of this room."""
    return [
        *_customers(ports),
        *_payment_methods(ports),
        *_ephemeral_keys(ports),
        *api_tokens.operations(ports),
        *api_mandates.operations(ports),
    ]


def loaders(ports: Ports) -> dict[str, Loader]:
    """How ids of this room's kinds are expanded."""

    async def customers(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        return {
            row.id: await render.customer(row, ports.box) for row in await find.customers(ports.pool, principal, ids)
        }

    async def payment_methods(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        found = {}
        for row in await find.payment_methods(ports.pool, principal, [sources.method_of(id_) for id_ in ids]):
            if row.id in ids:
                found[row.id] = await render.payment_method(row, ports.box)
            if sources.card_of(row.id) in ids:
                found[sources.card_of(row.id)] = await render.card(row, ports.box)
        return found

    async def cards(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        """What the older API lists as a customer's sources: the card that it was given, if any."""
        rows = await find.customers(ports.pool, principal, ids)
        owners = {row.id: json.loads(row.data).get("default_source") for row in rows}
        shown = await payment_methods(principal, [id_ for id_ in owners.values() if id_])
        return {
            id_: listing(f"/v1/customers/{id_}/sources", [shown[card]] if card in shown else [], has_more=False)
            for id_, card in owners.items()
        }

    return {
        "customer": customers,
        "customer.sources": cards,
        "customer.subscriptions": _none("subscriptions"),
        "customer.tax_ids": _none("tax_ids"),
        "payment_method": payment_methods,
        **api_mandates.loaders(ports),
    }


def _none(name: str) -> Loader:
    """A list of what no customer has here."""

    async def load(_principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        return {id_: listing(f"/v1/customers/{id_}/{name}", [], has_more=False) for id_ in ids}

    return load


def _handler(ports: Ports, flow: Callable[[Ports, Call], Awaitable[Answer | Mapping[str, Any]]]) -> Handler:
    async def handle(call: Call) -> Answer | Mapping[str, Any]:
        return await flow(ports, call)

    return handle


async def _get_customer(ports: Ports, call: Call) -> Mapping[str, Any]:
    row = await find.customer_or_deleted(ports.pool, call.principal, call.path["customer"])
    return await render.customer(row, ports.box)


async def _list_customers(ports: Ports, call: Call) -> Mapping[str, Any]:
    given = dict(call.params)
    page = page_of(given)
    index = await email_index(ports.box, call.principal.account, given)
    rows = await find.customer_page(
        ports.pool, call.principal, page, email_index=index, created=given.get("created", {})
    )
    kept, more = cut(rows, page)
    return listing("/v1/customers", [await render.customer(row, ports.box) for row in kept], has_more=more)


async def _search_customers(ports: Ports, call: Call) -> Mapping[str, Any]:
    found = await search(ports.pool, ports.box, call, CUSTOMERS)
    rows = {row.id: row for row in await find.customers(ports.pool, call.principal, found.ids)}
    shown = [await render.customer(rows[id_], ports.box) for id_ in found.ids]
    return result("/v1/customers/search", shown, found)


async def _get_payment_method(ports: Ports, call: Call) -> Mapping[str, Any]:
    id_ = call.path["payment_method"]
    if make.is_ready_made(id_) and not call.principal.livemode:
        shown = render.ready_made(id_, now=call.now)
        if shown is None:
            raise missing("PaymentMethod", id_, param="payment_method")
        return shown
    return await render.payment_method(await find.payment_method(ports.pool, call.principal, id_), ports.box)


async def _list_payment_methods(ports: Ports, call: Call) -> Mapping[str, Any]:
    customer = call.params.get("customer")
    if customer is not None:
        await find.customer(ports.pool, call.principal, customer)
    return await _page(ports, call, url="/v1/payment_methods", customer=customer)


async def _list_of_customer(ports: Ports, call: Call) -> Mapping[str, Any]:
    customer = await find.customer(ports.pool, call.principal, call.path["customer"])
    return await _page(ports, call, url=f"/v1/customers/{customer.id}/payment_methods", customer=customer.id)


async def _get_of_customer(ports: Ports, call: Call) -> Mapping[str, Any]:
    customer = await find.customer(ports.pool, call.principal, call.path["customer"])
    row = await find.payment_method(ports.pool, call.principal, call.path["payment_method"])
    if row.customer != customer.id:
        raise missing("PaymentMethod", row.id, param="payment_method")
    return await render.payment_method(row, ports.box)


async def _page(ports: Ports, call: Call, *, url: str, customer: str | None) -> Mapping[str, Any]:
    given = dict(call.params)
    page = page_of(given)
    rows = await find.payment_method_page(
        ports.pool, call.principal, page, customer_id=customer, allow_redisplay=given.get("allow_redisplay")
    )
    kept, more = cut(rows, page)
    return listing(url, [await render.payment_method(row, ports.box) for row in kept], has_more=more)


def _customers(ports: Ports) -> list[Operation]:
    path = "/v1/customers"
    return [
        Operation(
            name="customer.create", method="POST", path=path, resource="customers", access="write",
            handler=_handler(ports, create_customer), params=params.CREATE_CUSTOMER, returns=CUSTOMER,
            summary="Create a customer", audit="customer.create", declines=True,
        ),
        Operation(
            name="customer.list", method="GET", path=path, resource="customers", access="read",
            handler=_handler(ports, _list_customers), params=params.LIST_CUSTOMERS, returns=CUSTOMER, form="list",
            summary="List customers, newest first",
        ),
        Operation(
            name="customer.search", method="GET", path=f"{path}/search", resource="customers", access="read",
            handler=_handler(ports, _search_customers), params=SEARCH, returns=CUSTOMER, form="search",
            limit="search", summary="Search customers, newest first",
        ),
        Operation(
            name="customer.get", method="GET", path=f"{path}/{{customer}}", resource="customers", access="read",
            handler=_handler(ports, _get_customer), params=params.NOTHING, returns=CUSTOMER,
            summary="Look at a customer; of a deleted one only its id is left",
            ephemeral="customer",
        ),
        Operation(
            name="customer.update", method="POST", path=f"{path}/{{customer}}", resource="customers", access="write",
            handler=_handler(ports, update_customer), params=params.UPDATE_CUSTOMER, returns=CUSTOMER,
            summary="Change a customer", audit="customer.update",
        ),
        Operation(
            name="customer.delete", method="DELETE", path=f"{path}/{{customer}}", resource="customers",
            access="write", handler=_handler(ports, delete_customer), params=params.NOTHING, returns=CUSTOMER,
            form="deleted", summary="Delete a customer and detach its payment methods", audit="customer.delete",
        ),
        Operation(
            name="customer.list_payment_methods", method="GET", path=f"{path}/{{customer}}/payment_methods",
            resource="payment_methods", access="read", handler=_handler(ports, _list_of_customer),
            params=params.LIST_OF_CUSTOMER, returns=PAYMENT_METHOD, form="list",
            summary="List a customer's payment methods, newest first",
            ephemeral="customer",
        ),
        Operation(
            name="customer.get_payment_method", method="GET",
            path=f"{path}/{{customer}}/payment_methods/{{payment_method}}", resource="payment_methods", access="read",
            handler=_handler(ports, _get_of_customer), params=params.NOTHING, returns=PAYMENT_METHOD,
            summary="Look at one of a customer's payment methods",
            ephemeral="customer",
        ),
    ]


def _payment_methods(ports: Ports) -> list[Operation]:
    path = "/v1/payment_methods"
    return [
        Operation(
            name="payment_method.create", method="POST", path=path, resource="payment_methods", access="write",
            handler=_handler(ports, create_payment_method), params=params.CREATE_PAYMENT_METHOD,
            returns=PAYMENT_METHOD, summary="Create a payment method from a card", audit="payment_method.create",
            publishable=True, declines=True,
        ),
        Operation(
            name="payment_method.list", method="GET", path=path, resource="payment_methods", access="read",
            handler=_handler(ports, _list_payment_methods), params=params.LIST_PAYMENT_METHODS,
            returns=PAYMENT_METHOD, form="list", summary="List attached payment methods, newest first",
            ephemeral="customer",
        ),
        Operation(
            name="payment_method.get", method="GET", path=f"{path}/{{payment_method}}", resource="payment_methods",
            access="read", handler=_handler(ports, _get_payment_method), params=params.NOTHING,
            returns=PAYMENT_METHOD, summary="Look at a payment method",
        ),
        Operation(
            name="payment_method.update", method="POST", path=f"{path}/{{payment_method}}",
            resource="payment_methods", access="write", handler=_handler(ports, update_payment_method),
            params=params.UPDATE_PAYMENT_METHOD, returns=PAYMENT_METHOD, summary="Change a payment method's details",
            audit="payment_method.update",
            ephemeral="payment_method",
        ),
        Operation(
            name="payment_method.attach", method="POST", path=f"{path}/{{payment_method}}/attach",
            resource="payment_methods", access="write", handler=_handler(ports, attach_payment_method),
            params=params.ATTACH, returns=PAYMENT_METHOD, summary="Attach a payment method to a customer",
            audit="payment_method.attach", declines=True,
            ephemeral="customer",
        ),
        Operation(
            name="payment_method.detach", method="POST", path=f"{path}/{{payment_method}}/detach",
            resource="payment_methods", access="write", handler=_handler(ports, detach_payment_method),
            params=params.NOTHING, returns=PAYMENT_METHOD, summary="Detach a payment method from its customer",
            audit="payment_method.detach",
            ephemeral="payment_method",
        ),
    ]


def _ephemeral_keys(ports: Ports) -> list[Operation]:
    path = "/v1/ephemeral_keys"
    return [
        Operation(
            name="ephemeral_key.create", method="POST", path=path, resource="ephemeral_keys", access="write",
            handler=_handler(ports, create_ephemeral_key), params=params.CREATE_EPHEMERAL_KEY, returns=EPHEMERAL_KEY,
            summary="Create a key with which a shopper's app reaches one customer for an hour",
            audit="ephemeral_key.create", needs_version=True,
        ),
        Operation(
            name="ephemeral_key.delete", method="DELETE", path=f"{path}/{{key}}", resource="ephemeral_keys",
            access="write", handler=_handler(ports, delete_ephemeral_key), params=params.NOTHING,
            returns=EPHEMERAL_KEY, summary="End an ephemeral key before its hour is over",
            audit="ephemeral_key.delete",
        ),
    ]
