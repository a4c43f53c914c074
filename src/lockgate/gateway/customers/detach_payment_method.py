"""Detaches a payment method from its customer; it can never be used again."""

import json

from lockgate.gateway.audit.record import record
from lockgate.gateway.customers import find, mandates, render
from lockgate.gateway.customers.core import sources
from lockgate.gateway.customers.core.attach import detached
from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.customers.core.shapes import CUSTOMER, PAYMENT_METHOD
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.rows import Commit, CustomerRow
from lockgate.gateway.storage.write import settled, write
from lockgate.kernel.operations import Answer, Call


async def detach_payment_method(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/payment_methods/{payment_method}/detach. As a customer's default it is cleared too."""
    return await settled(lambda: _detach(ports, call))


async def _detach(ports: Ports, call: Call) -> Answer:
    who = call.principal
    row = await find.payment_method(ports.pool, who, call.path["payment_method"])
    loose = detached(row)
    rendered = await render.payment_method(loose, ports.box)
    detail = {"customer": row.customer}
    commit = Commit(
        payment_methods=[loose],
        audits=[record(who, "payment_method.detach", object_=row.id, request=call.request_id, detail=detail)],
    )
    happenings = [Happening("payment_method.detached", PAYMENT_METHOD, rendered, loose.subject, detail)]
    happenings += await mandates.end(commit, ports.pool, ports.box, principal=who, methods=[row.id])
    for customer in await find.customers(ports.pool, who, [row.customer] if row.customer else []):
        changed = _without_default(customer, row.id)
        if changed is None:
            continue
        shown = await render.customer(changed, ports.box)
        was = previous(await render.customer(customer, ports.box), shown)
        commit.customers.append(changed)
        detail = {"fields": sorted(was)}
        commit.audits.append(
            record(who, "customer.update", object_=customer.id, request=call.request_id, detail=detail)
        )
        happenings.append(Happening("customer.updated", CUSTOMER, shown, customer.id, was))
    return await write(ports, call, commit=commit, rendered=rendered, happenings=happenings, fresh=[rendered])


def _without_default(customer: CustomerRow, method: str) -> CustomerRow | None:
    """``customer`` without ``method`` as its default; None when it is not."""
    data = json.loads(customer.data)
    as_method = data.get("invoice_settings", {}).get("default_payment_method") == method
    as_source = data.get("default_source") == sources.card_of(method)
    if not as_method and not as_source:
        return None
    if as_method:
        data["invoice_settings"] = {"default_payment_method": None}
    if as_source:
        data["default_source"] = None
    return customer._replace(version=customer.version + 1, data=json.dumps(data, separators=(",", ":")))
