"""The customer that a completed session makes when its merchant asked for one, and what then belongs to it."""

import json
from typing import Any

from lockgate.gateway.checkout.core.sessions import Session
from lockgate.gateway.checkout.ports import Ports
from lockgate.gateway.customers import blind
from lockgate.gateway.customers import find as customers
from lockgate.gateway.customers import render as customers_render
from lockgate.gateway.customers.core.attach import attached, keepable
from lockgate.gateway.customers.core.shapes import CUSTOMER, PAYMENT_METHOD
from lockgate.gateway.payments import find, find_setups, keep, render_setups
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.rows import Commit, CustomerRow, PaymentMethodRow
from lockgate.kernel.ids import new_id

_PERSONAL = ("address", "email", "name", "phone")


async def new_customer(
    ports: Ports,
    cause: Cause,
    commit: Commit,
    *,
    session: Session,
    details: dict[str, Any],
    method: str | None,
) -> tuple[str, list[Happening]]:
    """Put the customer into ``commit``, with its intent, its charge and a card that is kept; its id and the events."""
    who = cause.principal
    id_ = new_id("cus")
    personal = {name: details[name] for name in _PERSONAL if details.get(name)}
    index = await blind.search_index(ports.box, who.account, personal)
    row = CustomerRow(
        account=who.account,
        livemode=who.livemode,
        id=id_,
        version=1,
        created=cause.now,
        deleted=False,
        email_index=await blind.email_index(ports.box, who.account, personal),
        data=json.dumps({"metadata": {}, "index": index}, separators=(",", ":")),
        personal=await ports.box.seal(who.account, id_, personal) if personal else None,
    )
    commit.customers.append(row)
    commit.audits.append(cause.audit("customer.create", id_, session=session.row.id))
    happenings = [Happening("customer.created", CUSTOMER, await customers_render.customer(row, ports.box), id_)]
    keeps = await _belongs(ports, cause, commit, session=session, customer=id_)
    if keeps and method is not None:
        happenings += await _attach(ports, cause, commit, method=method, customer=id_)
    return id_, happenings


async def _belongs(ports: Ports, cause: Cause, commit: Commit, *, session: Session, customer: str) -> bool:
    """Give the intent and its charge to the customer; whether the card is to be kept."""
    row = session.row
    if row.setup_intent is not None:
        found = await find_setups.setup_intent(ports.pool, cause.principal, row.setup_intent)
        setup = await render_setups.opened(found, ports.box)
        commit.setup_intents.append(await render_setups.sealed(setup.after(customer=customer), ports.box))
        return True
    assert row.payment_intent is not None, "a session has one intent or the other"
    read = await find.payment_intent(ports.pool, cause.principal, row.payment_intent)
    intent = await keep.open_intent(read, ports.box)
    commit.payment_intents.append(await keep.intent_row(intent.after(customer=customer), ports.box))
    if read.latest_charge is not None:
        charge = await keep.open_charge(await find.charge(ports.pool, cause.principal, read.latest_charge), ports.box)
        commit.charges.append(await keep.charge_row(charge.after(customer=customer), ports.box))
    return intent.data.get("setup_future_usage") is not None


async def _attach(ports: Ports, cause: Cause, commit: Commit, *, method: str, customer: str) -> list[Happening]:
    rows: list[PaymentMethodRow] = await customers.payment_methods(ports.pool, cause.principal, [method])
    if not rows or not keepable(rows[0], customer) or rows[0].customer is not None:
        return []
    kept = attached(rows[0], customer)
    commit.payment_methods.append(kept)
    commit.audits.append(cause.audit("payment_method.attach", kept.id, customer=customer))
    shown = await customers_render.payment_method(kept, ports.box)
    return [Happening("payment_method.attached", PAYMENT_METHOD, shown, kept.subject)]
