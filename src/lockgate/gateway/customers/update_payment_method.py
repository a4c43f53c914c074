"""Changes a payment method's billing details, metadata or display rule; never its card."""

import json

from lockgate.gateway.audit.record import record
from lockgate.gateway.customers import find, make, render
from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.customers.core.fields import merged_metadata
from lockgate.gateway.customers.core.shapes import NO_BILLING_DETAILS, PAYMENT_METHOD
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.write import settled, write
from lockgate.kernel.operations import Answer, Call


async def update_payment_method(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/payment_methods/{payment_method}. Without any change nothing is announced."""
    return await settled(lambda: _update(ports, call))


async def _update(ports: Ports, call: Call) -> Answer:
    who, params = call.principal, call.params
    row = await find.payment_method(ports.pool, who, call.path["payment_method"])
    before = await render.payment_method(row, ports.box)
    data = json.loads(row.data)
    details = make.billing_details(params.get("billing_details", {}), before["billing_details"])
    if "metadata" in params:
        data["metadata"] = merged_metadata(data.get("metadata", {}), params["metadata"])
    if "allow_redisplay" in params:
        data["allow_redisplay"] = params["allow_redisplay"]
    personal = {**(await ports.box.open(who.account, row.subject, row.personal) or {}), "billing_details": details}
    if details == NO_BILLING_DETAILS:
        del personal["billing_details"]
    changed = row._replace(
        version=row.version + 1,
        data=json.dumps(data, separators=(",", ":")),
        personal=await ports.box.seal(who.account, row.subject, personal) if personal else None,
    )
    rendered = await render.payment_method(changed, ports.box)
    was = previous(before, rendered)
    if not was:
        return await write(ports, call, commit=Commit(), rendered=rendered)
    detail = {"fields": sorted(was)}
    commit = Commit(
        payment_methods=[changed],
        audits=[record(who, "payment_method.update", object_=row.id, request=call.request_id, detail=detail)],
    )
    happenings = [Happening("payment_method.updated", PAYMENT_METHOD, rendered, row.subject, was)]
    return await write(ports, call, commit=commit, rendered=rendered, happenings=happenings, fresh=[rendered])
