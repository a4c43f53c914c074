"""Changes a customer's fields."""

import json

from lockgate.gateway.audit.record import record
from lockgate.gateway.customers import find, render
from lockgate.gateway.customers.blind import email_index, search_index
from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.customers.core.fields import personal_fields, public_fields
from lockgate.gateway.customers.core.shapes import CUSTOMER
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.customers.write import settled, write
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call


async def update_customer(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/customers/{customer}. Without any change nothing is announced."""
    return await settled(lambda: _update(ports, call))


async def _update(ports: Ports, call: Call) -> Answer:
    who, params = call.principal, call.params
    row = await find.customer(ports.pool, who, call.path["customer"], param="id")
    await _check_default(ports, call, row.id)
    before = await ports.box.open(who.account, row.id, row.personal) or {}
    personal = personal_fields(params, before)
    fields = public_fields(params, json.loads(row.data))
    fields["index"] = await search_index(ports.box, who.account, personal)
    changed = row._replace(
        version=row.version + 1,
        email_index=await email_index(ports.box, who.account, personal),
        data=json.dumps(fields, separators=(",", ":")),
        personal=await ports.box.seal(who.account, row.id, personal) if personal else None,
    )
    rendered = await render.customer(changed, ports.box)
    was = previous(await render.customer(row, ports.box), rendered)
    if not was:
        return await write(ports, call, commit=Commit(), rendered=rendered)
    commit = Commit(
        customers=[changed],
        audits=[
            record(
                who, "customer.update", object_=row.id, request=call.request_id, detail={"fields": sorted(was)}
            )
        ],
    )
    happenings = [Happening("customer.updated", CUSTOMER, rendered, row.id, was)]
    return await write(ports, call, commit=commit, rendered=rendered, happenings=happenings, fresh=[rendered])


async def _check_default(ports: Ports, call: Call, customer_id: str) -> None:
    given = call.params.get("invoice_settings", {}).get("default_payment_method")
    if not given:
        return
    param = "invoice_settings[default_payment_method]"
    method = await find.payment_method(ports.pool, call.principal, given, param=param)
    if method.customer != customer_id:
        raise missing("PaymentMethod", given, param=param)
