"""Ends a review in which everything is decided; the next one is due 90 days later."""

from lockgate.gateway.access import find, render, store
from lockgate.gateway.access.ports import Ports
from lockgate.gateway.audit.record import record
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import invalid
from lockgate.kernel.operations import Answer, Call


async def complete(ports: Ports, call: Call) -> Answer:
    """The review, completed."""
    who = call.principal
    found = await find.review(ports.pool, who.account, call.path["review"])
    if found.row.completed_at is not None:
        raise invalid("This review is completed.", code="access_review_completed")
    row = found.row._replace(completed_at=clock.now(), completed_by=f"{who.kind}:{who.id}")

    async def work(connection: Connection) -> None:
        if not await store.complete_review(connection, row):
            left = found.total - found.decided
            raise invalid(f"{left} of this review's items are not decided yet.", code="access_review_pending")
        detail = {"items": found.total}
        await insert_audits(
            connection, [record(who, "access_review.complete", object_=row.id, request=call.request_id, detail=detail)]
        )

    return await transact(ports.pool, call, rendered=render.review(found._replace(row=row)), work=work)
