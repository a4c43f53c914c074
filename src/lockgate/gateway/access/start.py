"""Begins a review: every holder of access to the account becomes an item that somebody has to decide."""

import json

from lockgate.gateway.access import find, render, store
from lockgate.gateway.access.core.holders import Holder, ItemRow, ReviewRow, due_at
from lockgate.gateway.access.find import Counted
from lockgate.gateway.access.holders import holders
from lockgate.gateway.access.ports import Ports
from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal, missing
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call


async def start(ports: Ports, call: Call) -> Answer:
    """The new review. An account has one open at a time."""
    who, now = call.principal, clock.now()
    due = await find.due(ports.pool, who.account)
    if due is None:
        raise missing("account", who.account)
    row = ReviewRow(
        who.account, new_id("arv"), now, f"{who.kind}:{who.id}",
        due_at(last_completed=due.last_completed, account_created=due.created),
    )  # fmt: skip
    items = [as_item(row, one) for one in await holders(ports.pool, ports.box, who.account, now=now)]

    async def work(connection: Connection) -> None:
        if not await store.insert_review(connection, row, items):
            raise Refusal(
                Kind.INVALID, "A review of this account is open: complete that one first.", code="access_review_open"
            )
        detail = {"items": len(items), "due_at": row.due_at}
        await insert_audits(
            connection, [record(who, "access_review.start", object_=row.id, request=call.request_id, detail=detail)]
        )

    return await transact(ports.pool, call, rendered=render.review(Counted(row, len(items), 0)), work=work)


def as_item(review: ReviewRow, one: Holder) -> ItemRow:
    """A holder as the review keeps it. A person's address is not kept."""
    granted = {name: access for name, access in one.permissions.items() if access != "none"}
    return ItemRow(
        account=review.account,
        review=review.id,
        id=new_id("ari"),
        kind=one.kind,
        holder=one.id,
        label="" if one.kind == "person" else one.label[:200],
        livemode=one.livemode,
        roles=list(one.roles),
        permissions=json.dumps(granted, separators=(",", ":"), sort_keys=True),
        granted_by=one.granted_by,
        granted_at=one.granted_at,
        expires_at=one.expires_at,
        last_used_at=one.last_used_at,
    )
