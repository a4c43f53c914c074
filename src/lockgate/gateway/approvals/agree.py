"""Agreeing to an approval: its maker by a proof over just this content, a second person by a decision of her own."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from lockgate.gateway.approvals import find, store
from lockgate.gateway.approvals.behind import actor, people_behind
from lockgate.gateway.approvals.core.records import GOOD_S, ApprovalRow
from lockgate.gateway.approvals.ports import Ports
from lockgate.gateway.audit.record import record
from lockgate.gateway.factors import passkeys
from lockgate.gateway.factors.core.proof import NotProven
from lockgate.gateway.factors.second import Factors
from lockgate.gateway.storage.audits import insert_audits
from lockgate.gateway.storage.database import Connection
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal, missing
from lockgate.kernel.principal import Principal


class Step(NamedTuple):
    """What an approval becomes, and the work that makes it so in a transaction of the caller's."""

    row: ApprovalRow
    work: Callable[[Connection], Awaitable[None]]


async def pending(ports: Ports, who: Principal, id_: str) -> ApprovalRow:
    """An approval that something can still be done about."""
    row = await find.approval(ports.pool, who, id_)
    if row is None:
        raise missing("approval", id_, param="approval")
    if row.state(clock.now()) in ("used", "refused", "expired"):
        raise over()
    return row


async def challenge(ports: Ports, who: Principal, row: ApprovalRow, *, request: str | None = None) -> Mapping[str, Any]:
    """What a passkey of ``who`` must sign to agree to this approval and to no other."""
    if not sees(who, row):
        raise missing("approval", row.id, param="approval")
    await insert_audits(ports.pool, [record(who, "approval.challenge", object_=row.id, request=request)])
    return await passkeys.begin(ports.factors, _person(who), now=clock.now(), content=row.signed)


def sees(who: Principal, row: ApprovalRow) -> bool:
    """Whether this approval is there for ``who``: it is her own, or she may read everybody's."""
    return row.maker == actor(who) or who.may("approvals", "read")


async def prove(
    ports: Ports, who: Principal, id_: str, *, method: str, proof: str, request: str | None
) -> Step:
    """The maker confirms what she is about to do."""
    row, now = await pending(ports, who, id_), clock.now()
    if row.maker != actor(who):
        raise missing("approval", row.id, param="approval")
    await _proven(ports, who, row, method=method, proof=proof, request=request)

    async def work(connection: Connection) -> None:
        if not await store.prove(connection, row, by=method, now=now):
            raise over()
        await _told(connection, who, "approval.prove", row, request=request)

    return Step(row._replace(proved_at=now, proved_by=method), work)


async def approve(
    ports: Ports, who: Principal, id_: str, *, method: str, proof: str, request: str | None
) -> Step:
    """A second person agrees, with a proof of her own; the maker never can."""
    row, now = await pending(ports, who, id_), clock.now()
    person = _person(who)
    _check_may_decide(who)
    behind = await people_behind(ports.pool, who, row.maker, let_in_by=row.maker_person)
    if person == row.maker_person or person in behind:
        await ports.witness.refused(who, "approval.refused", reason="own_approval", request=request, object_=row.id)
        raise Refusal(Kind.FORBIDDEN, "This is your own request: somebody else must approve it.", code="own_approval")
    if not row.needs_second:
        raise missing("approval", row.id, param="approval")
    await _proven(ports, who, row, method=method, proof=proof, request=request)
    decided = row._replace(decision="approved", decided_at=now, decided_by=person, expires_at=now + GOOD_S)
    return _decision(who, decided, "approval.approve", request=request)


async def refuse(ports: Ports, who: Principal, id_: str, *, request: str | None) -> Step:
    """A second person says no, or the maker takes it back."""
    row = await pending(ports, who, id_)
    person = _person(who)
    if person != row.maker_person:
        _check_may_decide(who)
        if not row.needs_second:
            raise missing("approval", row.id, param="approval")
    decided = row._replace(decision="refused", decided_at=clock.now(), decided_by=person)
    return _decision(who, decided, "approval.refuse", request=request)


async def take(ports: Ports, step: Step) -> None:
    """Do a step in a transaction of its own."""
    async with ports.pool.acquire() as connection, connection.transaction():
        await step.work(connection)


def over() -> Refusal:
    """Somebody was faster, or time ran out."""
    return Refusal(Kind.CONFLICT, "This approval was decided, used, or is too old.", code="approval_over")


def _decision(who: Principal, decided: ApprovalRow, action: str, *, request: str | None) -> Step:
    async def work(connection: Connection) -> None:
        if not await store.decide(connection, decided):
            raise over()
        await _told(connection, who, action, decided, request=request)

    return Step(decided, work)


def _check_may_decide(who: Principal) -> None:
    """Wherever the decision comes from: a page has no guard before it as operations have."""
    if not who.may("approvals", "write"):
        raise Refusal(Kind.FORBIDDEN, "Your roles in this account do not let you decide about others' requests.")


def _person(who: Principal) -> str:
    if who.kind != "person":
        raise Refusal(Kind.FORBIDDEN, "Only somebody who is signed in can agree to this.", code="person_required")
    return who.id


async def _proven(
    ports: Ports, who: Principal, row: ApprovalRow, *, method: str, proof: str, request: str | None
) -> None:
    try:
        await Factors(ports.factors).proved(
            _person(who), method=method, proof=proof, now=clock.now(), content=row.signed
        )
    except NotProven as refusal:
        await ports.witness.refused(who, "factor.refused", reason=refusal.why, request=request, object_=row.id)
        raise Refusal(Kind.FORBIDDEN, refusal.message, code=refusal.code, param="proof") from None


async def _told(connection: Connection, who: Principal, action: str, row: ApprovalRow, *, request: str | None) -> None:
    detail = {"operation": row.operation, "maker": row.maker}
    await insert_audits(connection, [record(who, action, object_=row.id, request=request, detail=detail)])
