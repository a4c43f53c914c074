"""Declares what the account's people can do about apps, and about what was given to them."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lockgate.gateway.oauth import find, find_grants, render
from lockgate.gateway.oauth.core import params
from lockgate.gateway.oauth.core.shapes import APP, AUTHORIZATION
from lockgate.gateway.oauth.create_app import create_app
from lockgate.gateway.oauth.delete_app import delete_app
from lockgate.gateway.oauth.end_grant import end_grant
from lockgate.gateway.oauth.ports import Ports
from lockgate.gateway.oauth.update_app import update_app
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.kernel.operations import Call, Handler, Operation


def operations(ports: Ports) -> list[Operation]:
    """Every operation of this room."""
    return [*_apps(ports), *_authorizations(ports)]


def _handler(ports: Ports, verb: Callable[[Ports, Call], Awaitable[Any]]) -> Handler:
    async def handle(call: Call) -> Any:
        return await verb(ports, call)

    return handle


async def _get_app(ports: Ports, call: Call) -> Mapping[str, Any]:
    return render.app(await find.app(ports.pool, call.principal, call.path["app"]))


async def _list_apps(ports: Ports, call: Call) -> Mapping[str, Any]:
    page = page_of(dict(call.params))
    kept, more = cut(await find.app_page(ports.pool, call.principal, page), page)
    return listing("/v1/apps", [render.app(row) for row in kept], has_more=more)


async def _get_grant(ports: Ports, call: Call) -> Mapping[str, Any]:
    return render.authorization(await find_grants.grant(ports.pool, call.principal, call.path["authorization"]))


async def _list_grants(ports: Ports, call: Call) -> Mapping[str, Any]:
    page = page_of(dict(call.params))
    kept, more = cut(await find_grants.grant_page(ports.pool, call.principal, page), page)
    return listing("/v1/authorizations", [render.authorization(grant) for grant in kept], has_more=more)


def _apps(ports: Ports) -> list[Operation]:
    path, one = "/v1/apps", "/v1/apps/{app}"
    return [
        Operation(
            name="app.create", method="POST", path=path, resource="apps", access="write",
            handler=_handler(ports, create_app), params=params.CREATE, returns=APP,
            summary="Register an app that asks people for access to their accounts", audit="app.create",
            privilege="apps",
        ),
        Operation(
            name="app.list", method="GET", path=path, resource="apps", access="read",
            handler=_handler(ports, _list_apps), params=params.LIST, returns=APP, form="list",
            summary="List the account's own apps, newest first",
        ),
        Operation(
            name="app.get", method="GET", path=one, resource="apps", access="read",
            handler=_handler(ports, _get_app), params=params.NOTHING, returns=APP, summary="Look at an app",
        ),
        Operation(
            name="app.update", method="POST", path=one, resource="apps", access="write",
            handler=_handler(ports, update_app), params=params.UPDATE, returns=APP,
            summary="Change an app, its keys too", audit="app.update", privilege="apps",
        ),
        Operation(
            name="app.delete", method="DELETE", path=one, resource="apps", access="write",
            handler=_handler(ports, delete_app), params=params.NOTHING, returns=APP, form="deleted",
            summary="Delete an app, and with it all that people let it do", audit="app.delete", privilege="apps",
        ),
    ]  # fmt: skip


def _authorizations(ports: Ports) -> list[Operation]:
    path = "/v1/authorizations"
    one = f"{path}/{{authorization}}"
    return [
        Operation(
            name="authorization.list", method="GET", path=path, resource="authorizations", access="read",
            handler=_handler(ports, _list_grants), params=params.LIST, returns=AUTHORIZATION, form="list",
            summary="List what people of the account let apps do, newest first",
        ),
        Operation(
            name="authorization.get", method="GET", path=one, resource="authorizations", access="read",
            handler=_handler(ports, _get_grant), params=params.NOTHING, returns=AUTHORIZATION,
            summary="Look at what an app was let do",
        ),
        Operation(
            name="authorization.revoke", method="POST", path=f"{one}/revoke", resource="authorizations",
            access="write", handler=_handler(ports, end_grant), params=params.NOTHING, returns=AUTHORIZATION,
            summary="End what an app was let do, felt within a second", audit="account.application.deauthorized",
        ),
    ]  # fmt: skip
