"""Makes a customer, and attaches a payment method to it if one is given."""

import json

from lockgate.gateway.audit.record import record
from lockgate.gateway.customers import find, make, render
from lockgate.gateway.customers.blind import email_index, search_index
from lockgate.gateway.customers.core import sources
from lockgate.gateway.customers.core.attach import attached
from lockgate.gateway.customers.core.fields import personal_fields, public_fields
from lockgate.gateway.customers.core.shapes import CUSTOMER, PAYMENT_METHOD
from lockgate.gateway.customers.keep_source import check_source, kept_source
from lockgate.gateway.customers.ports import Ports
from lockgate.gateway.customers.verify import verified
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.rows import Commit, CustomerRow, PaymentMethodRow
from lockgate.gateway.storage.write import settled, write
from lockgate.kernel.errors import invalid
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call


async def create_customer(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/customers."""
    return await settled(lambda: _create(ports, call))


async def _create(ports: Ports, call: Call) -> Answer:
    who, params = call.principal, dict(call.params)
    id_ = new_id("cus")
    check_source(params)
    method, token = await _method(ports, call, params.pop("payment_method", None), customer=id_), None
    if "source" in params:
        method, token = await kept_source(ports, call, params.pop("source"), customer=id_)
        params["default_source"] = sources.card_of(method.id)
    personal = personal_fields(params, {})
    fields = public_fields(params, {}) | {"index": await search_index(ports.box, who.account, personal)}
    default = fields.get("invoice_settings", {}).get("default_payment_method")
    if default is not None and (method is None or default not in (method.id, call.params.get("payment_method"))):
        raise invalid(
            "The default payment method of a new customer must be the one given as payment_method.",
            param="invoice_settings[default_payment_method]",
        )
    if default is not None and method is not None:
        fields["invoice_settings"] = {"default_payment_method": method.id}
    row = CustomerRow(
        account=who.account,
        livemode=who.livemode,
        id=id_,
        version=1,
        created=call.now,
        deleted=False,
        email_index=await email_index(ports.box, who.account, personal),
        data=json.dumps(fields, separators=(",", ":")),
        personal=await ports.box.seal(who.account, id_, personal) if personal else None,
    )
    rendered = await render.customer(row, ports.box)
    commit = Commit(
        customers=[row], audits=[record(who, "customer.create", object_=id_, request=call.request_id)]
    )
    happenings, fresh = [Happening("customer.created", CUSTOMER, rendered, id_)], [rendered]
    if method is not None:
        shown = await render.payment_method(method, ports.box)
        commit.payment_methods.append(method)
        commit.audits.append(
            record(
                who, "payment_method.attach", object_=method.id, request=call.request_id, detail={"customer": id_}
            )
        )
        happenings.append(Happening("payment_method.attached", PAYMENT_METHOD, shown, method.subject))
        fresh += [shown, await render.card(method, ports.box)]
    if token is not None:
        commit.card_tokens.append(token)
    return await write(ports, call, commit=commit, rendered=rendered, happenings=happenings, fresh=fresh)


async def _method(ports: Ports, call: Call, given: str | None, *, customer: str) -> PaymentMethodRow | None:
    if given is None:
        return None
    if make.is_ready_made(given):
        made = await make.ready_made(ports, call, given, customer=customer)
        return await verified(ports, call, made, found=None)
    found = await find.payment_method(ports.pool, call.principal, given)
    return await verified(ports, call, attached(found, customer), found=found)
