"""Charges a card by the older API: a payment intent that nobody sees does the work, and its charge is the answer."""

import json
from typing import Any

from lockgate.gateway.customers import tokens
from lockgate.gateway.customers.core import sources
from lockgate.gateway.customers.core.attach import usable
from lockgate.gateway.customers.find import customer as find_customer
from lockgate.gateway.customers.make import is_ready_made
from lockgate.gateway.payments import conclude, confirm, find, keep
from lockgate.gateway.payments.core import build, hidden
from lockgate.gateway.payments.core.records import Intent, Method
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.records import CardTokenRow
from lockgate.kernel.errors import Kind, Refusal, invalid, missing
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call

_SAME = ("description", "metadata", "receipt_email", "shipping", "statement_descriptor", "statement_descriptor_suffix")


async def create(ports: Ports, call: Call) -> Answer:
    """The operation."""
    _check(call.params)
    drafted = _drafted(call)
    for _ in range(conclude.TRIES):
        method, token = await _means(ports, call)
        row = drafted.row._replace(status="requires_confirmation", payment_method=method.row.id)
        intent = Intent(row, drafted.data, drafted.personal, drafted.unsealed)
        try:
            return await confirm.run(ports, call, intent, changed=intent, method=method, born=True, token=token)
        except Moved:
            continue  # the token was used meanwhile: looking again says so
    raise build.busy()


def _check(params: dict[str, Any]) -> None:
    """Refuse what lacks its means, its amount or its currency: in the order in which the dialect misses them."""
    if "source" not in params and "customer" not in params:
        raise invalid("Must provide source or customer.", code="parameter_missing")
    for name in ("amount", "currency"):
        if name not in params:
            raise invalid(f"Missing required param: {name}.", param=name, code="parameter_missing")


def _drafted(call: Call) -> Intent:
    params = call.params
    asked = {name: params[name] for name in (*_SAME, "amount", "currency", "customer") if name in params}
    asked |= {
        "capture_method": "automatic" if params.get("capture", True) else "manual",
        "payment_method_types": ["card"],
    }
    return build.new_intent(
        asked, call.principal,
        id_=hidden.intent_of(new_id("ch")), now=call.now, api_version=call.api_version, method=None,
    )  # fmt: skip


async def _means(ports: Ports, call: Call) -> tuple[Method, CardTokenRow | None]:
    """The card to charge: the token's, or one that the customer keeps."""
    source, customer = call.params.get("source"), call.params.get("customer")
    if customer is None:
        assert source is not None, "there is a source or a customer"
        if not tokens.is_token(source) and not is_ready_made(source):
            raise missing("token", source, param="source")
        name = source.replace("pm_card_", "tok_", 1)
        row, token = await tokens.take(ports.customers, ports.pool, call, name, customer=None, param="source")
        if row.customer is not None:
            raise missing("token", source, param="source")
        # A token that was made by itself kept its card; a ready-made one stands for a card that is new.
        return await keep.open_method(row, ports.box, fresh=token is None), token
    kept = json.loads((await find_customer(ports.pool, call.principal, customer)).data)
    wanted = sources.method_of(source or kept.get("default_source") or "")
    if not wanted:
        raise Refusal(
            Kind.CARD, "Cannot charge a customer that has no active card", code="missing", param="card"
        )
    found = (await find.means(ports.pool, call.principal, method=wanted, customer=None)).method
    if found is None or found.customer != customer:
        raise Refusal(
            Kind.NOT_FOUND,
            f"Customer {customer} does not have a linked source with ID {source or wanted}.",
            code="missing",
            param="source",
        )
    usable(found, customer)
    return await keep.open_method(found, ports.box), None
