"""Changes a payment intent that is not confirmed yet."""

from typing import Any

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import conclude, confirm, find, keep, render, shim
from lockgate.gateway.payments.core import amounts, build, counted
from lockgate.gateway.payments.core.records import Intent
from lockgate.gateway.payments.core.transitions import UPDATABLE
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.idempotency import claimed_and_answered
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.errors import invalid
from lockgate.kernel.operations import Answer, Call

ALLOWED = "changed in this way: requires_payment_method, requires_confirmation, requires_action"
# What may still be written on an intent whose payment is under way or done.
_ALWAYS = frozenset({"description", "metadata", "receipt_email", "shipping"})
_METHOD = ("payment_method", "payment_method_data")


async def update(ports: Ports, call: Call) -> Answer:
    """The operation."""
    params = call.params
    build.check_methods(params)
    cause = causes.of_call(call)
    method = None
    for _ in range(conclude.TRIES):
        row = await find.payment_intent(ports.pool, call.principal, call.path["intent"])
        before = await keep.open_intent(row, ports.box)
        if row.status == "processing":
            raise build.busy()
        if row.status not in UPDATABLE and not set(params) <= _ALWAYS:
            raise await conclude.unexpected(ports, call, before, verb="update", allowed=ALLOWED)
        columns = _columns(before, params)
        customer = columns.get("customer", row.customer)
        if method is None and any(name in params for name in (*_METHOD, "customer")):
            otherwise = None if any(name in params for name in _METHOD) else row.payment_method
            method = await confirm.given(ports, call, customer=customer, intent=row.id, otherwise=otherwise)
        intent = _changed(before, params, columns, method_id=method.row.id if method else None)
        shown = render.shown_intent(intent, ports.client_secrets)
        commit = Commit(payment_intents=[await keep.intent_row(intent, ports.box)])
        if intent.row.attempt is None:
            commit.risk_outcomes += counted.abandoned(row)
        fresh = [shown]
        if method is not None and method.fresh:
            commit.payment_methods.append(method.row)
            fresh.append(await confirm.shown_method(ports, method))
        commit.audits.append(
            cause.audit("payment_intent.update", row.id, status=intent.row.status, fields=sorted(params))
        )
        answer = await call.answer(await shim.for_version(ports, call, shown), fresh)
        commit.claims += claimed_and_answered(call, answer, await call.sealed(answer) if call.claim else None)
        try:
            await ports.committer.commit(commit)
        except Moved:
            continue
        return answer
    raise build.busy()


def _columns(before: Intent, params: dict[str, Any]) -> dict[str, Any]:
    """The changed columns, each checked."""
    row = before.row
    columns: dict[str, Any] = {}
    currency = amounts.currency(params["currency"]) if "currency" in params else row.currency
    if "amount" in params or "currency" in params:
        columns = {"amount": amounts.chargeable(params.get("amount", row.amount), currency), "currency": currency}
    if "customer" in params:
        customer = params["customer"] or None
        if row.customer is not None and customer != row.customer and row.latest_charge is not None:
            raise invalid("The customer of a PaymentIntent that was already tried cannot change.", param="customer")
        columns |= {"customer": customer, "subject": customer or row.id}
    return columns


def _changed(before: Intent, params: dict[str, Any], columns: dict[str, Any], *, method_id: str | None) -> Intent:
    data, personal = build.changes(params, before.data)
    status = None
    if method_id is not None and method_id != before.row.payment_method:
        columns = {**columns, "payment_method": method_id}
    if before.row.attempt is not None and (
        "payment_method" in columns or "amount" in columns or build.ORDERED & data.keys()
    ):
        # The challenge was for another card, another amount or on other terms: it cannot be completed any more.
        status, data = "requires_confirmation", {**data, "next_action": None}
        columns = {**columns, "attempt": None}
    elif before.row.status == "requires_payment_method" and "payment_method" in columns:
        status = "requires_confirmation"
    return before.after(status, data=data, personal=personal, **columns)
