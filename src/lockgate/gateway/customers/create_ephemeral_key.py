"""Gives a shopper's app a key of its own: it reaches one customer, for an hour."""

from lockgate.gateway.customers import find, render
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.identity import ephemeral
from lockgate.gateway.storage.commit import KeyInUse
from lockgate.gateway.storage.idempotency import claimed_and_answered, take
from lockgate.kernel.operations import Answer, Call


async def create_ephemeral_key(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/ephemeral_keys: the only one that ever shows the secret."""
    customer = await find.customer(ports.pool, call.principal, call.params["customer"])
    made = ephemeral.draw(call.principal, customer=customer.id, pepper=ports.pepper, now=call.now)
    answer = await call.answer(render.ephemeral_key(made.row, secret=made.text))
    claims = claimed_and_answered(call, answer, await call.sealed(answer) if call.claim else None)
    async with ports.pool.acquire() as connection, connection.transaction():
        if not await take(connection, claims):
            raise KeyInUse
        await ephemeral.keep(connection, call, made.row)
    return answer
