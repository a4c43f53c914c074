"""Deletes a customer: its data is forgotten, its payment methods are detached for good."""

from lockgate.gateway.audit.record import record
from lockgate.gateway.customers import find, mandates, render
from lockgate.gateway.customers.core.attach import detached
from lockgate.gateway.customers.core.shapes import CUSTOMER, PAYMENT_METHOD
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.write import settled, write
from lockgate.kernel.operations import Answer, Call


async def delete_customer(ports: Ports, call: Call) -> Answer:
    """The answer to DELETE /v1/customers/{customer}. A second delete finds nothing."""
    return await settled(lambda: _delete(ports, call))


async def _delete(ports: Ports, call: Call) -> Answer:
    who = call.principal
    row = await find.customer(ports.pool, who, call.path["customer"], param="id")
    gone = row._replace(version=row.version + 1, deleted=True, email_index=None, data="{}", personal=None)
    commit = Commit(
        customers=[gone], audits=[record(who, "customer.delete", object_=row.id, request=call.request_id)]
    )
    happenings = [Happening("customer.deleted", CUSTOMER, await render.customer(row, ports.box), row.id)]
    for method in await find.attached_to(ports.pool, who, row.id):
        loose = detached(method)
        commit.payment_methods.append(loose)
        commit.audits.append(
            record(
                who, "payment_method.detach", object_=loose.id, request=call.request_id, detail={"customer": row.id}
            )
        )
        shown = await render.payment_method(loose, ports.box)
        happenings.append(
            Happening("payment_method.detached", PAYMENT_METHOD, shown, loose.subject, {"customer": row.id})
        )
    lost = [method.id for method in commit.payment_methods]
    happenings += await mandates.end(commit, ports.pool, ports.box, principal=who, methods=lost)
    return await write(
        ports, call, commit=commit, rendered=render.deleted_customer(row.id), happenings=happenings
    )
