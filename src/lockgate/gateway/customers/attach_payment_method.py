"""Attaches a payment method to a customer, so that it can be used more than once; its issuer is asked before."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.customers import find, make, render
from lockgate.gateway.customers.core.attach import attached
from lockgate.gateway.customers.core.shapes import PAYMENT_METHOD
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.customers.verify import verified
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.write import settled, write
from lockgate.kernel.operations import Answer, Call


async def attach_payment_method(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/payment_methods/{payment_method}/attach. A ready-made one becomes a new object first.

    The customer's row moves on as well: so a customer deleted meanwhile cannot be left with a payment method.
    """
    return await settled(lambda: _attach(ports, call))


async def _attach(ports: Ports, call: Call) -> Answer:
    who, given = call.principal, call.path["payment_method"]
    customer = await find.customer(ports.pool, who, call.params["customer"])
    found = None
    if make.is_ready_made(given):
        row = await make.ready_made(ports, call, given, customer=customer.id)
    else:
        found = await find.payment_method(ports.pool, who, given, or_loose=True)
        row = attached(found, customer.id)
        if row is found:
            return await write(
                ports, call, commit=Commit(), rendered=await render.payment_method(row, ports.box)
            )
    row = await verified(ports, call, row, found=found)
    rendered = await render.payment_method(row, ports.box)
    detail = {"customer": customer.id}
    commit = Commit(
        customers=[customer._replace(version=customer.version + 1)],
        payment_methods=[row],
        audits=[record(who, "payment_method.attach", object_=row.id, request=call.request_id, detail=detail)],
    )
    happenings = [Happening("payment_method.attached", PAYMENT_METHOD, rendered, row.subject)]
    return await write(ports, call, commit=commit, rendered=rendered, happenings=happenings, fresh=[rendered])
