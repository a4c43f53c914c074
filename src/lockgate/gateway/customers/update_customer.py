"""Changes a customer's fields."""

import json

from lockgate.gateway.audit.record import record
from lockgate.gateway.customers import find, render
from lockgate.gateway.customers.blind import email_index, search_index
from lockgate.gateway.customers.core import sources
from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.customers.core.fields import personal_fields, public_fields
from lockgate.gateway.customers.core.shapes import CUSTOMER, PAYMENT_METHOD
from lockgate.gateway.customers.keep_source import check_source, default_source, kept_source
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.write import settled, write
from lockgate.kernel.errors import missing
from lockgate.kernel.operations import Answer, Call


async def update_customer(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/customers/{customer}. Without any change nothing is announced."""
    return await settled(lambda: _update(ports, call))


async def _update(ports: Ports, call: Call) -> Answer:
    who, params = call.principal, dict(call.params)
    check_source(params)
    row = await find.customer(ports.pool, who, call.path["customer"], param="id")
    await _check_default(ports, call, row.id)
    method, token = None, None
    if "source" in params:
        method, token = await kept_source(ports, call, params["source"], customer=row.id)
        params["default_source"] = sources.card_of(method.id)
    elif "default_source" in params:
        params["default_source"] = await default_source(ports, call, params["default_source"], customer=row.id)
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
    happenings, fresh = [Happening("customer.updated", CUSTOMER, rendered, row.id, was)], [rendered]
    if method is not None:
        commit.payment_methods.append(method)
        commit.card_tokens += [token] if token else []
        detail = {"customer": row.id}
        commit.audits.append(
            record(who, "payment_method.attach", object_=method.id, request=call.request_id, detail=detail)
        )
        shown = await render.payment_method(method, ports.box)
        happenings.append(Happening("payment_method.attached", PAYMENT_METHOD, shown, method.subject))
        fresh += [shown, await render.card(method, ports.box)]
    return await write(ports, call, commit=commit, rendered=rendered, happenings=happenings, fresh=fresh)


async def _check_default(ports: Ports, call: Call, customer_id: str) -> None:
    given = call.params.get("invoice_settings", {}).get("default_payment_method")
    if not given:
        return
    param = "invoice_settings[default_payment_method]"
    method = await find.payment_method(ports.pool, call.principal, given, param=param)
    if method.customer != customer_id:
        raise missing("PaymentMethod", given, param=param)
