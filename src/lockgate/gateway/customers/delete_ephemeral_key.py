"""Ends an ephemeral key before its hour is over."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers import render
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.identity import ephemeral
from lockgate.kernel.operations import Call


async def delete_ephemeral_key(ports: Ports, call: Call) -> Mapping[str, Any]:
    """The answer to DELETE /v1/ephemeral_keys/{key}: the key as it was, ended now."""
    async with ports.pool.acquire() as connection, connection.transaction():
        return render.ephemeral_key(await ephemeral.end(connection, call, call.path["key"]), secret=None)
