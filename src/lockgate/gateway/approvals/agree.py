"""Agreeing to an approval: its maker by a proof over just this content, a second person by a decision of her own."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.approvals import find, render, store
from lockgate.gateway.approvals.core.records import GOOD_S, ApprovalRow
from lockgate.gateway.approvals.core.shapes import CHALLENGE
from lockgate.gateway.approvals.ports import Ports
from lockgate.gateway.approvals.require import actor
from lockgate.gateway.audit.record import record
from lockgate.gateway.factors import passkeys
from lockgate.gateway.factors.core.proof import NotProven
from lockgate.gateway.factors.second import Factors
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.gateway.storage.write import transact
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal, missing
from lockgate.kernel.operations import Answer, Call


async def challenge(ports: Ports, call: Call) -> Mapping[str, Any]:
    """What the caller's passkey must sign to agree to this approval and to no other."""
    row = await _pending(ports, call)
    options = await passkeys.begin(ports.factors, _person(call), now=clock.now(), content=row.signed)
    return CHALLENGE.render({"options": options, "summary": row.summary})


async def prove(ports: Ports, call: Call) -> Answer:
    """The maker confirms what she is about to do."""
    row, now = await _pending(ports, call), clock.now()
    if row.maker != actor(call.principal):
        raise missing("approval", row.id)
    await _proven(ports, call, row)
    by = str(call.params["method"])
    shown = await render.approval(ports.box, row._replace(proved_at=now, proved_by=by), now=now)

    async def work(connection: Connection) -> None:
        if not await store.prove(connection, row, by=by, now=now):
            raise over()
        await _told(connection, call, "approval.prove", row)

    return await transact(ports.pool, call, rendered=shown, work=work)


async def decide(ports: Ports, call: Call, *, decision: str) -> Answer:
    """A second person approves, with a proof of her own, or refuses."""
    row, now = await _pending(ports, call), clock.now()
    by = _person(call)
    if by == row.maker_person:
        if decision == "approved":
            await ports.witness.refused(
                call.principal, "approval.refused", reason="own_approval", request=call.request_id, object_=row.id
            )
            raise Refusal(
                Kind.FORBIDDEN, "This is your own request: somebody else must approve it.", code="own_approval"
            )
    elif not row.needs_second:
        raise missing("approval", row.id)
    if decision == "approved":
        await _proven(ports, call, row)
    ends = now + GOOD_S if decision == "approved" else row.expires_at
    decided = row._replace(decision=decision, decided_at=now, decided_by=by, expires_at=ends)
    shown = await render.approval(ports.box, decided, now=now)

    async def work(connection: Connection) -> None:
        if not await store.decide(connection, decided):
            raise over()
        await _told(connection, call, "approval.approve" if decision == "approved" else "approval.refuse", row)

    return await transact(ports.pool, call, rendered=shown, work=work)


def over() -> Refusal:
    """Somebody was faster, or time ran out."""
    return Refusal(Kind.CONFLICT, "This approval was decided, used, or is too old.", code="approval_over")


async def _pending(ports: Ports, call: Call) -> ApprovalRow:
    row = await find.approval(ports.pool, call.principal, call.path["approval"])
    if row is None:
        raise missing("approval", call.path["approval"], param="approval")
    if row.state(clock.now()) in ("used", "refused", "expired"):
        raise over()
    return row


def _person(call: Call) -> str:
    if call.principal.kind != "person":
        raise Refusal(Kind.FORBIDDEN, "Only somebody who is signed in can agree to this.", code="person_required")
    return call.principal.id


async def _proven(ports: Ports, call: Call, row: ApprovalRow) -> None:
    try:
        await Factors(ports.factors).proved(
            _person(call), method=call.params["method"], proof=call.params["proof"], now=clock.now(), content=row.signed
        )
    except NotProven as refusal:
        await ports.witness.refused(
            call.principal, "factor.refused", reason=refusal.why, request=call.request_id, object_=row.id
        )
        raise Refusal(Kind.FORBIDDEN, refusal.message, code=refusal.code, param="proof") from None


async def _told(connection: Connection, call: Call, action: str, row: ApprovalRow) -> None:
    detail = {"operation": row.operation, "maker": row.maker}
    await insert_audits(
        connection, [record(call.principal, action, object_=row.id, request=call.request_id, detail=detail)]
    )
