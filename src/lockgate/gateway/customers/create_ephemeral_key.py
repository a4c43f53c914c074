"""Gives a shopper's app a key of its own: it reaches one customer, for an hour."""

from lockgate.gateway.customers import find, render
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.identity import ephemeral
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel.operations import Answer, Call


async def create_ephemeral_key(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/ephemeral_keys: the only one that ever shows the secret."""
    customer = await find.customer(ports.pool, call.principal, call.params["customer"])
    made = ephemeral.draw(call.principal, customer=customer.id, pepper=ports.pepper, now=call.now)

    async def keep(connection: Connection) -> None:
        await ephemeral.keep(connection, call, made.row)

    return await transact(ports.pool, call, rendered=render.ephemeral_key(made.row, secret=made.text), work=keep)
