"""Changes what a charge says: description, metadata, where it is shipped and receipted to, and what of it is fraud."""

from typing import Any

from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.customers.find import customer as find_customer
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import conclude, find, keep, known, render, shim
from lockgate.gateway.payments.core import build
from lockgate.gateway.payments.core.records import Charge
from lockgate.gateway.payments.core.shapes import CHARGE
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import claimed_and_answered
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.errors import invalid
from lockgate.kernel.operations import Answer, Call


async def update(ports: Ports, call: Call) -> Answer:
    """The operation. Without any change nothing is announced."""
    cause = causes.of_call(call)
    for _ in range(conclude.TRIES):
        row = await find.charge(ports.pool, call.principal, call.path["charge"])
        before = await keep.open_charge(row, ports.box)
        columns = await _columns(ports, call, before)
        after = _changed(before, call.params, columns)
        shown = render.shown_charge(after)
        was = previous(render.shown_charge(before), shown)
        commit = Commit()
        if was:
            commit.charges.append(await keep.charge_row(after, ports.box))
            commit.audits.append(cause.audit("charge.update", row.id, fields=sorted(was)))
            if "fraud_details" in was:
                report = after.data["fraud_details"].get("user_report")
                commit.risk_labels += known.of_report(row, report, now=cause.now)
            happening = Happening("charge.updated", CHARGE, shown, after.row.subject, was)
            await announce(commit, cause.origin, await shim.for_events(ports, cause, [happening], ()), ports.box)
        answer = await call.answer(await shim.charge_for_version(ports, call, shown), [shown])
        commit.claims += claimed_and_answered(call, answer, await call.sealed(answer) if call.claim else None)
        try:
            await ports.committer.commit(commit)
        except Moved:
            continue
        ports.poke()
        return answer
    raise build.busy()


async def _columns(ports: Ports, call: Call, before: Charge) -> dict[str, Any]:
    customer = call.params.get("customer")
    if customer is None or customer == before.row.customer:
        return {}
    if before.row.customer is not None:
        raise invalid("This charge has a customer already, which cannot change.", param="customer")
    await find_customer(ports.pool, call.principal, customer)
    # What the charge holds about a person now belongs to that customer, and goes when she is erased.
    return {"customer": customer, "subject": customer}


def _changed(before: Charge, params: dict[str, Any], columns: dict[str, Any]) -> Charge:
    data, personal = build.changes(
        {name: params[name] for name in ("description", "metadata", "receipt_email", "shipping") if name in params},
        before.data,
    )
    report = params.get("fraud_details", {})
    if "user_report" in report:
        details = {**before.data.get("fraud_details", {}), "user_report": report["user_report"] or None}
        data["fraud_details"] = {name: value for name, value in details.items() if value is not None}
    return before.after(data=data, personal=personal, **columns)
