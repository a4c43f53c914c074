"""The operations on value lists, their items and reviews."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from lockgate.gateway.risk import api_decisions, edit_item, edit_list, find, render
from lockgate.gateway.risk.core import params
from lockgate.gateway.risk.core.shapes import REVIEW, VALUE_LIST, VALUE_LIST_ITEM
from lockgate.gateway.risk.core.values import ITEM_TYPES, index_name, normal
from lockgate.gateway.risk.ports import Ports
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.kernel.operations import Answer, Call, Handler, Loader, Operation
from lockgate.kernel.principal import Principal

_LISTS = "/v1/radar/value_lists"
_LIST = f"{_LISTS}/{{value_list}}"
_ITEM = f"{render.ITEMS_URL}/{{item}}"
_REVIEWS = "/v1/reviews"


def operations(ports: Ports) -> list[Operation]:
    """Every operation of this room."""
    return [*_value_lists(ports), *_items(ports), *_reviews(ports), *api_decisions.operations(ports)]


def loaders(ports: Ports) -> dict[str, Loader]:
    """How the id of a review is expanded."""

    async def load(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        rows = await find.reviews(ports.pool, principal, ids)
        return {row.id: render.review(await render.opened(row, ports.box)) for row in rows}

    return {"review": load}


def _handler(ports: Ports, flow: Callable[[Ports, Call], Awaitable[Answer | Mapping[str, Any]]]) -> Handler:
    async def handle(call: Call) -> Answer | Mapping[str, Any]:
        return await flow(ports, call)

    return handle


async def _get_list(ports: Ports, call: Call) -> Mapping[str, Any]:
    row = await find.value_list(ports.pool, call.principal, call.path["value_list"])
    [shown] = await render.value_lists(ports, call.principal, [row])
    return shown


async def _list_lists(ports: Ports, call: Call) -> Mapping[str, Any]:
    given = dict(call.params)
    page = page_of(given)
    contains = None
    if "contains" in given:  # each type of list keeps the value in a form of its own, if it can hold it at all
        kept = [(type_, normal(type_, given["contains"])) for type_ in ITEM_TYPES]
        contains = [
            await ports.box.blind_index(call.principal.account, index_name(type_), value)
            for type_, value in kept
            if value is not None
        ]
    rows = await find.value_list_page(
        ports.pool,
        call.principal,
        page,
        alias=given.get("alias"),
        contains=contains,
        created=given.get("created", {}),
    )
    shown, more = cut(rows, page)
    return listing(_LISTS, await render.value_lists(ports, call.principal, shown), has_more=more)


async def _get_item(ports: Ports, call: Call) -> Mapping[str, Any]:
    return await render.item(await find.item(ports.pool, call.principal, call.path["item"]), ports.box)


async def _list_items(ports: Ports, call: Call) -> Mapping[str, Any]:
    given = dict(call.params)
    page = page_of(given)
    list_ = await find.value_list(ports.pool, call.principal, given["value_list"])
    index = None
    if "value" in given:
        value = normal(list_.item_type, given["value"])
        if value is None:  # what the list cannot hold does not stand in it
            return listing(render.ITEMS_URL, [], has_more=False)
        index = await ports.box.blind_index(call.principal.account, index_name(list_.item_type), value)
    rows = await find.item_page(
        ports.pool,
        call.principal,
        page,
        list_=list_.id,
        value_index=index,
        created=given.get("created", {}),
    )
    shown, more = cut(rows, page)
    return listing(render.ITEMS_URL, [await render.item(row, ports.box) for row in shown], has_more=more)


async def _get_review(ports: Ports, call: Call) -> Mapping[str, Any]:
    row = await find.review(ports.pool, call.principal, call.path["review"])
    return render.review(await render.opened(row, ports.box))


async def _list_reviews(ports: Ports, call: Call) -> Mapping[str, Any]:
    given = dict(call.params)
    page = page_of(given)
    rows = await find.review_page(ports.pool, call.principal, page, created=given.get("created", {}))
    shown, more = cut(rows, page)
    return listing(
        _REVIEWS, [render.review(await render.opened(row, ports.box)) for row in shown], has_more=more
    )


def _value_lists(ports: Ports) -> list[Operation]:
    return [
        Operation(
            name="value_list.create", method="POST", path=_LISTS, resource="value_lists", access="write",
            handler=_handler(ports, edit_list.create), params=params.CREATE_LIST, returns=VALUE_LIST,
            audit="value_list.create", summary="Make a list of values that rules may name.",
        ),
        Operation(
            name="value_list.list", method="GET", path=_LISTS, resource="value_lists", access="read",
            handler=_handler(ports, _list_lists), params=params.LIST_LISTS, returns=VALUE_LIST, form="list",
            summary="Value lists, newest first.",
        ),
        Operation(
            name="value_list.get", method="GET", path=_LIST, resource="value_lists", access="read",
            handler=_handler(ports, _get_list), params=params.NOTHING, returns=VALUE_LIST,
            summary="One value list with its newest items.",
        ),
        Operation(
            name="value_list.update", method="POST", path=_LIST, resource="value_lists", access="write",
            handler=_handler(ports, edit_list.update), params=params.UPDATE_LIST, returns=VALUE_LIST,
            audit="value_list.update", privilege="risk", summary="Change a value list's name, alias or metadata.",
        ),
        Operation(
            name="value_list.delete", method="DELETE", path=_LIST, resource="value_lists", access="write",
            handler=_handler(ports, edit_list.delete), params=params.NOTHING, returns=VALUE_LIST, form="deleted",
            audit="value_list.delete", privilege="risk", summary="Delete a value list with all that stands in it.",
        ),
    ]  # fmt: skip


def _items(ports: Ports) -> list[Operation]:
    return [
        Operation(
            name="value_list_item.create", method="POST", path=render.ITEMS_URL, resource="value_lists",
            access="write", handler=_handler(ports, edit_item.create), params=params.CREATE_ITEM,
            returns=VALUE_LIST_ITEM, audit="value_list_item.create", privilege="risk",
            summary="Put a value into a value list.",
        ),
        Operation(
            name="value_list_item.list", method="GET", path=render.ITEMS_URL, resource="value_lists", access="read",
            handler=_handler(ports, _list_items), params=params.LIST_ITEMS, returns=VALUE_LIST_ITEM, form="list",
            summary="What stands in one value list, newest first.",
        ),
        Operation(
            name="value_list_item.get", method="GET", path=_ITEM, resource="value_lists", access="read",
            handler=_handler(ports, _get_item), params=params.NOTHING, returns=VALUE_LIST_ITEM,
            summary="One item of a value list.",
        ),
        Operation(
            name="value_list_item.delete", method="DELETE", path=_ITEM, resource="value_lists", access="write",
            handler=_handler(ports, edit_item.delete), params=params.NOTHING, returns=VALUE_LIST_ITEM,
            form="deleted", audit="value_list_item.delete", privilege="risk",
            summary="Take a value out of its value list.",
        ),
    ]  # fmt: skip


def _reviews(ports: Ports) -> list[Operation]:
    return [
        Operation(
            name="review.list", method="GET", path=_REVIEWS, resource="reviews", access="read",
            handler=_handler(ports, _list_reviews), params=params.LIST_REVIEWS, returns=REVIEW, form="list",
            summary="Open reviews, newest first.",
        ),
        Operation(
            name="review.get", method="GET", path=f"{_REVIEWS}/{{review}}", resource="reviews", access="read",
            handler=_handler(ports, _get_review), params=params.NOTHING, returns=REVIEW, summary="One review.",
        ),
    ]  # fmt: skip
