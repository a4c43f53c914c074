"""The operations on tokens of the older API."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers import find, find_tokens, render
from lockgate.gateway.customers.core import tokens
from lockgate.gateway.customers.create_token import create_token
from lockgate.gateway.customers.ports import Ports
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call, Operation


def operations(ports: Ports) -> list[Operation]:
    """Tokens: create, get."""

    async def create(call: Call) -> Answer:
        return await create_token(ports, call)

    async def get(call: Call) -> Mapping[str, Any]:
        who, id_ = call.principal, call.path["token"]
        row = await find_tokens.token(ports.pool, who.account, who.livemode, id_=id_)
        if row is None:
            raise missing("token", id_, param="token")
        method = await find.payment_method(ports.pool, who, row.payment_method)
        return tokens.render(row, await render.card(method, ports.box), sees_secrets=who.sees_secrets)

    return [
        Operation(
            name="token.create", method="POST", path="/v1/tokens", resource="tokens", access="write", handler=create,
            params=tokens.CREATE, returns=tokens.TOKEN, audit="token.create", publishable=True, declines=True,
            summary="Make a token of a card, to be used once.",
        ),
        Operation(
            name="token.get", method="GET", path="/v1/tokens/{token}", resource="tokens", access="read", handler=get,
            params=tokens.GET, returns=tokens.TOKEN, summary="One token.",
        ),
    ]  # fmt: skip
