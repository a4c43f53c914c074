"""The operations on API keys, for people and keys that were given ``api_keys``."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from lockgate.gateway.identity import edit_key, find_keys, render_access
from lockgate.gateway.identity.core.params_access import PERMISSIONS
from lockgate.gateway.identity.core.shapes_access import API_KEY
from lockgate.gateway.identity.ports import CredentialPorts
from lockgate.gateway.identity.roll import MAX_OVERLAP_S
from lockgate.gateway.storage.paging import cut, listing, page_of
from lockgate.kernel.operations import Answer, Call, Handler, Operation
from lockgate.kernel.params import Choice, Integer, Listing, Object, Text, Timestamp, clearable, optional, required

_URL = "/v1/api_keys"
_ONE = f"{_URL}/{{api_key}}"
_TYPES = Choice("publishable", "restricted", "secret")
_NAME = Text(100, pattern=r"[^\x00-\x1f\x7f]+")
_CREATE = Object(
    {
        "type": required(_TYPES, "Only restricted keys have permissions of their own."),
        "name": optional(_NAME, "What the key is for."),
        "permissions": optional(PERMISSIONS, "Of a restricted key, by resource: none, read, or write."),
        "expires_at": optional(Timestamp(), "When the key ends by itself; by default never."),
    }
)
_UPDATE = Object(
    {
        "name": clearable(_NAME, "What the key is for."),
        "permissions": optional(PERMISSIONS, "Less than before: none takes a permission away."),
        "expires_at": optional(Timestamp(), "When the key ends: sooner than before."),
    }
)
_ROLL = Object({"overlap": optional(Integer(0, MAX_OVERLAP_S), "Seconds that the old key stays good: a day.")})


def operations(ports: CredentialPorts) -> list[Operation]:
    """GET and POST /v1/api_keys and /v1/api_keys/{api_key}; POST .../roll and .../revoke."""

    def flow(verb: Callable[[CredentialPorts, Call], Awaitable[Answer]]) -> Handler:
        async def handle(call: Call) -> Answer:
            return await verb(ports, call)

        return handle

    async def page(call: Call) -> Mapping[str, Any]:
        given = dict(call.params)
        asked = page_of(given)
        rows = await find_keys.key_page(ports.pool, call.principal, asked, kind=given.get("type"))
        shown, more = cut(rows, asked)
        return listing(_URL, [render_access.api_key(row, now=call.now) for row in shown], has_more=more)

    async def one(call: Call) -> Mapping[str, Any]:
        row = await find_keys.key(ports.pool, call.principal, call.path["api_key"])
        return render_access.api_key(row, now=call.now)

    return [
        Operation(
            name="api_key.list", method="GET", path=_URL, resource="api_keys", access="read", handler=page,
            params=Listing({"type": optional(_TYPES)}).object(), returns=API_KEY, form="list",
            summary="The account's keys in this mode, newest first: never their text.",
        ),
        Operation(
            name="api_key.get", method="GET", path=_ONE, resource="api_keys", access="read", handler=one,
            params=Object({}), returns=API_KEY, summary="One key: what it may do, who made it and when it was used.",
        ),
        Operation(
            name="api_key.create", method="POST", path=_URL, resource="api_keys", access="write",
            handler=flow(edit_key.create), params=_CREATE, returns=API_KEY, audit="api_key.create",
            privilege="api_keys", summary="Make a key. Its secret is in this answer and never shown again.",
        ),
        Operation(
            name="api_key.update", method="POST", path=_ONE, resource="api_keys", access="write",
            handler=flow(edit_key.update), params=_UPDATE, returns=API_KEY, audit="api_key.update",
            privilege="api_keys", summary="Rename a key, take permissions from it, or let it end sooner.",
        ),
        Operation(
            name="api_key.roll", method="POST", path=f"{_ONE}/roll", resource="api_keys", access="write",
            handler=flow(edit_key.roll), params=_ROLL, returns=API_KEY, audit="api_key.roll", privilege="api_keys",
            summary="Replace a key by one like it; the old one stays good for an overlap.",
        ),
        Operation(
            name="api_key.revoke", method="POST", path=f"{_ONE}/revoke", resource="api_keys", access="write",
            handler=flow(edit_key.revoke), params=Object({}), returns=API_KEY, audit="api_key.revoke",
            summary="End a key at once: refused within a second wherever it is used.",
        ),
    ]  # fmt: skip
