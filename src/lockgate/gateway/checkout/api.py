"""The operations on checkout sessions."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.checkout import create, expire, find, render, settle
from lockgate.gateway.checkout.core import params
from lockgate.gateway.checkout.core.shapes import CHECKOUT_SESSION, LINE_ITEM
from lockgate.gateway.checkout.ports import Ports
from lockgate.gateway.storage.paging import cut, listing, no_cursor, page_of
from lockgate.gateway.storage.records import CheckoutSessionRow
from lockgate.kernel.operations import Answer, Call, Loader, Operation
from lockgate.kernel.principal import Principal

_SESSIONS = "/v1/checkout/sessions"
_SESSION = f"{_SESSIONS}/{{session}}"


def operations(ports: Ports) -> list[Operation]:
    """Checkout sessions: create, get, list, expire, and their line items."""

    async def shown(row: CheckoutSessionRow, call: Call) -> dict[str, Any]:
        return render.session(ports, await render.opened(row, ports.box), version=call.api_version)

    async def create_session(call: Call) -> Answer:
        return await create.create(ports, call)

    async def get(call: Call) -> Mapping[str, Any]:
        row = await find.session(ports.pool, call.principal, call.path["session"])
        return await shown(await settle.up_to_date(ports, row), call)

    async def list_(call: Call) -> Mapping[str, Any]:
        given = dict(call.params)
        page = page_of(given)
        email = given.get("customer_details", {}).get("email")
        rows = await find.session_page(
            ports.pool,
            call.principal,
            page,
            customer=given.get("customer"),
            payment_intent=given.get("payment_intent"),
            status=given.get("status"),
            email_index=await render.email_index(ports.box, call.principal.account, email) if email else None,
            created=given.get("created", {}),
        )
        kept, more = cut(rows, page)
        return listing(_SESSIONS, [await shown(row, call) for row in kept], has_more=more)

    async def expire_session(call: Call) -> Answer:
        return await expire.expire(ports, call)

    async def list_items(call: Call) -> Mapping[str, Any]:
        given = dict(call.params)
        page = page_of(given)
        row = await find.session(ports.pool, call.principal, call.path["session"])
        items = render.line_items(await render.opened(row, ports.box))
        cursor = page.after or page.before
        if cursor is not None:
            places = [place for place, item in enumerate(items) if item["id"] == cursor]
            if not places:
                raise no_cursor("item", page)
            items = items[: places[0]][::-1] if page.backwards else items[places[0] + 1 :]
        kept, more = cut(items[: page.limit + 1], page)
        return listing(f"{_SESSIONS}/{row.id}/line_items", kept, has_more=more)

    return [
        Operation(
            name="checkout_session.create", method="POST", path=_SESSIONS, resource="checkout_sessions",
            access="write", handler=create_session, params=params.CREATE, returns=CHECKOUT_SESSION,
            audit="checkout_session.create", summary="Make a checkout session, with the intent that it leads to.",
        ),
        Operation(
            name="checkout_session.list", method="GET", path=_SESSIONS, resource="checkout_sessions", access="read",
            handler=list_, params=params.LIST, returns=CHECKOUT_SESSION, form="list",
            summary="Checkout sessions, newest first.",
        ),
        Operation(
            name="checkout_session.get", method="GET", path=_SESSION, resource="checkout_sessions", access="read",
            handler=get, params=params.NOTHING, returns=CHECKOUT_SESSION, summary="One checkout session.",
        ),
        Operation(
            name="checkout_session.expire", method="POST", path=f"{_SESSION}/expire", resource="checkout_sessions",
            access="write", handler=expire_session, params=params.NOTHING, returns=CHECKOUT_SESSION,
            audit="checkout_session.expire", summary="End an open session: nobody can pay it any more.",
        ),
        Operation(
            name="checkout_session.list_line_items", method="GET", path=f"{_SESSION}/line_items",
            resource="checkout_sessions", access="read", handler=list_items, params=params.LIST_ITEMS,
            returns=LINE_ITEM, form="list", summary="What is bought in a session, in the order it was given.",
        ),
    ]  # fmt: skip


def loaders(ports: Ports) -> dict[str, Loader]:
    """The line items that may stand inside of a session."""

    async def load(principal: Principal, ids: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        rows = await find.sessions(ports.pool, principal, ids)
        return {row.id: render.listed(await render.opened(row, ports.box)) for row in rows}

    return {f"{CHECKOUT_SESSION.kind}.line_items": load}
