"""Makes a payment method from card data; it belongs to nobody until it is attached."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.customers import make, render, sessions
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.write import write
from lockgate.kernel.operations import Answer, Call


async def create_payment_method(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/payment_methods. A browser does not learn the card's fingerprint."""
    await ports.defend(call)
    await sessions.check(ports.pool, call.principal, call.params)
    row = await make.from_data(ports, call, call.params, customer=None, path="")
    rendered = await render.payment_method(row, ports.box)
    if not call.principal.sees_secrets:
        rendered["card"]["fingerprint"] = None
    commit = Commit(
        payment_methods=[row],
        audits=[record(call.principal, "payment_method.create", object_=row.id, request=call.request_id)],
    )
    return await write(ports, call, commit=commit, rendered=rendered, fresh=[rendered])
