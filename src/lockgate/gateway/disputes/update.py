"""Changes a dispute: evidence staged or handed in, and the merchant's own notes on it."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.customers.core.fields import merged_metadata
from lockgate.gateway.disputes import find, keep, order, render
from lockgate.gateway.disputes.core import evidence, orders
from lockgate.gateway.disputes.core.records import Dispute
from lockgate.gateway.disputes.core.shapes import DISPUTE
from lockgate.gateway.disputes.ports import Ports
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.write import write
from lockgate.kernel.errors import invalid
from lockgate.kernel.operations import Answer, Call

TRIES = 5


async def update(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/disputes/{dispute}. Evidence is handed in at once unless ``submit`` says otherwise."""
    cause = causes.of_call(call)
    given: dict[str, Any] = call.params.get("evidence", {})
    submit = call.params.get("submit", bool(given))
    for _ in range(TRIES):
        before = await keep.open_dispute(
            await find.dispute(ports.pool, call.principal, call.path["dispute"]), ports.box
        )
        staged: Mapping[str, str] = before.staged
        if given or submit:
            orders.check_open(before, verb="submit evidence for it" if submit else "stage evidence for it")
            staged = evidence.laid_over(before.staged, given)
        try:
            if submit:
                return await _submit(ports, call, cause, before, staged=staged)
            return await _change(ports, call, cause, before, staged=staged)
        except Moved:
            continue
    raise orders.busy()


async def _submit(ports: Ports, call: Call, cause: Cause, before: Dispute, *, staged: Mapping[str, str]) -> Answer:
    if not staged:
        raise invalid("There is no evidence to submit: give some in evidence.", param="evidence")
    metadata = call.params.get("metadata") or {} if "metadata" in call.params else None
    if metadata is not None:
        merged_metadata(before.data["metadata"], metadata)
    return await order.begin(
        ports, call, cause, before.saying(before.staged, staged), action=orders.SUBMIT, metadata=metadata
    )


async def _change(ports: Ports, call: Call, cause: Cause, before: Dispute, *, staged: Mapping[str, str]) -> Answer:
    after = before.next()
    if staged != before.staged:
        after = after.saying(staged)
    if "metadata" in call.params:
        after = after.noting(metadata=merged_metadata(before.data["metadata"], call.params["metadata"]))
    was, rendered = await render.opened(ports, call.principal, [before, after])
    commit, happenings = Commit(), []
    if was != rendered:
        commit.disputes.append(await keep.dispute_row(after, ports.box))
        commit.audits.append(cause.audit("dispute.update", after.row.id, status=after.row.status))
        changes = previous(was, rendered)
        happenings.append(Happening("charge.dispute.updated", DISPUTE, rendered, after.row.subject, changes))
    return await write(ports, call, commit=commit, rendered=rendered, happenings=happenings)
