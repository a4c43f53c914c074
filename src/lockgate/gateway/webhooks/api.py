"""The operations on events, webhook endpoints and their deliveries."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.gateway.webhooks import find, render
from lockgate.gateway.webhooks.core import params
from lockgate.gateway.webhooks.core.shapes import EVENT, WEBHOOK_DELIVERY, WEBHOOK_ENDPOINT
from lockgate.gateway.webhooks.create_endpoint import create_endpoint
from lockgate.gateway.webhooks.delete_endpoint import delete_endpoint
from lockgate.gateway.webhooks.ports import Ports
from lockgate.gateway.webhooks.redeliver import redeliver
from lockgate.gateway.webhooks.rotate_secret import rotate_secret
from lockgate.gateway.webhooks.update_endpoint import update_endpoint
from lockgate.kernel.errors import invalid
from lockgate.kernel.operations import Answer, Call, Handler, Loader, Operation
from lockgate.kernel.principal import Principal


def operations(ports: Ports) -> list[Operation]:
    """Every operation of this room."""
    return [*_events(ports), *_endpoints(ports)]


def loaders(ports: Ports) -> dict[str, Loader]:
    """How an event's id is expanded."""

    async def events(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        rows = await find.events(ports.pool, principal, ids)
        waiting = await find.pending(ports.pool, principal, ids)
        return {row.id: await render.event(row, ports.box, pending=waiting.get(row.id, 0)) for row in rows}

    return {"event": events}


def _handler(ports: Ports, flow: Callable[[Ports, Call], Awaitable[Answer | Mapping[str, Any]]]) -> Handler:
    async def handle(call: Call) -> Answer | Mapping[str, Any]:
        return await flow(ports, call)

    return handle


async def _get_event(ports: Ports, call: Call) -> Mapping[str, Any]:
    row = await find.event(ports.pool, call.principal, call.path["event"])
    waiting = await find.pending(ports.pool, call.principal, [row.id])
    return await render.event(row, ports.box, pending=waiting.get(row.id, 0))


async def _list_events(ports: Ports, call: Call) -> Mapping[str, Any]:
    given = dict(call.params)
    page = page_of(given)
    wanted = find.EventFilter(
        created=given.get("created", {}),
        related=given.get("related_object"),
        delivered=given.get("delivery_success"),
        **_types(given),
    )
    rows = await find.event_page(ports.pool, call.principal, page, wanted=wanted)
    kept, more = cut(rows, page)
    waiting = await find.pending(ports.pool, call.principal, [row.id for row in kept])
    shown = [await render.event(row, ports.box, pending=waiting.get(row.id, 0)) for row in kept]
    return listing("/v1/events", shown, has_more=more)


def _types(given: Mapping[str, Any]) -> dict[str, Any]:
    """The filter by type: exact names, and beginnings for groups such as ``charge.*``."""
    if "type" in given and "types" in given:
        raise invalid("Send only one of type and types.", param="types", code="parameters_exclusive")
    names = given.get("types") or ([given["type"]] if "type" in given else [])
    if not names:
        return {}
    return {
        "types": [name for name in names if not name.endswith("*")],
        "groups": [name.removesuffix("*") for name in names if name.endswith("*")],
    }


async def _get_endpoint(ports: Ports, call: Call) -> Mapping[str, Any]:
    return render.endpoint(await find.endpoint(ports.pool, call.principal, call.path["webhook_endpoint"]))


async def _list_endpoints(ports: Ports, call: Call) -> Mapping[str, Any]:
    page = page_of(dict(call.params))
    kept, more = cut(await find.endpoint_page(ports.pool, call.principal, page), page)
    return listing("/v1/webhook_endpoints", [render.endpoint(row) for row in kept], has_more=more)


async def _list_deliveries(ports: Ports, call: Call) -> Mapping[str, Any]:
    endpoint = await find.endpoint(ports.pool, call.principal, call.path["webhook_endpoint"])
    page = page_of(dict(call.params))
    rows = await find.delivery_page(ports.pool, call.principal, page, endpoint_id=endpoint.id)
    kept, more = cut(rows, page)
    tries = await find.attempts(ports.pool, call.principal, [row.id for row in kept])
    url = f"/v1/webhook_endpoints/{endpoint.id}/deliveries"
    return listing(url, [render.delivery(row, tries.get(row.id, [])) for row in kept], has_more=more)


def _events(ports: Ports) -> list[Operation]:
    path = "/v1/events"
    return [
        Operation(
            name="event.list", method="GET", path=path, resource="events", access="read",
            handler=_handler(ports, _list_events), params=params.LIST_EVENTS, returns=EVENT, form="list",
            summary="List events, newest first",
        ),
        Operation(
            name="event.get", method="GET", path=f"{path}/{{event}}", resource="events", access="read",
            handler=_handler(ports, _get_event), params=params.NOTHING, returns=EVENT, summary="Look at an event",
        ),
        Operation(
            name="event.redeliver", method="POST", path=f"{path}/{{event}}/redeliver", resource="webhook_endpoints",
            access="write", handler=_handler(ports, redeliver), params=params.REDELIVER, returns=EVENT,
            summary="Send an event to webhook endpoints again", audit="event.redeliver",
        ),
    ]


def _endpoints(ports: Ports) -> list[Operation]:
    path = "/v1/webhook_endpoints"
    one = f"{path}/{{webhook_endpoint}}"
    resource = "webhook_endpoints"
    return [
        Operation(
            name="webhook_endpoint.create", method="POST", path=path, resource=resource, access="write",
            handler=_handler(ports, create_endpoint), params=params.CREATE_ENDPOINT, returns=WEBHOOK_ENDPOINT,
            summary="Create a webhook endpoint; its secret is shown in this answer only",
            audit="webhook_endpoint.create",
        ),
        Operation(
            name="webhook_endpoint.list", method="GET", path=path, resource=resource, access="read",
            handler=_handler(ports, _list_endpoints), params=params.LIST_ENDPOINTS, returns=WEBHOOK_ENDPOINT,
            form="list", summary="List webhook endpoints, newest first",
        ),
        Operation(
            name="webhook_endpoint.get", method="GET", path=one, resource=resource, access="read",
            handler=_handler(ports, _get_endpoint), params=params.NOTHING, returns=WEBHOOK_ENDPOINT,
            summary="Look at a webhook endpoint",
        ),
        Operation(
            name="webhook_endpoint.update", method="POST", path=one, resource=resource, access="write",
            handler=_handler(ports, update_endpoint), params=params.UPDATE_ENDPOINT, returns=WEBHOOK_ENDPOINT,
            summary="Change a webhook endpoint", audit="webhook_endpoint.update",
        ),
        Operation(
            name="webhook_endpoint.delete", method="DELETE", path=one, resource=resource, access="write",
            handler=_handler(ports, delete_endpoint), params=params.NOTHING, returns=WEBHOOK_ENDPOINT, form="deleted",
            summary="Delete a webhook endpoint", audit="webhook_endpoint.delete",
        ),
        Operation(
            name="webhook_endpoint.rotate_secret", method="POST", path=f"{one}/rotate_secret", resource=resource,
            access="write", handler=_handler(ports, rotate_secret), params=params.ROTATE_SECRET,
            returns=WEBHOOK_ENDPOINT, summary="Give a webhook endpoint a new signing secret",
            audit="webhook_endpoint.rotate_secret",
        ),
        Operation(
            name="webhook_endpoint.list_deliveries", method="GET", path=f"{one}/deliveries", resource=resource,
            access="read", handler=_handler(ports, _list_deliveries), params=params.LIST_DELIVERIES,
            returns=WEBHOOK_DELIVERY, form="list", summary="List an endpoint's deliveries with every attempt",
        ),
    ]
