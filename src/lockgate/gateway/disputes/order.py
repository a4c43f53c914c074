"""Sends an order about a dispute to its processor: an attempt first, then the order, then what came of it.

Whatever dies in between, recovery finds the attempt and ends it here through ``Orders.settle``, the same way.
"""

import json
from typing import Any, NamedTuple

from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.disputes import asking, find, keep, learn, render
from lockgate.gateway.disputes.core import evidence, orders
from lockgate.gateway.disputes.core.orders import Concluded
from lockgate.gateway.disputes.core.records import Dispute, dumps
from lockgate.gateway.disputes.core.shapes import DISPUTE
from lockgate.gateway.disputes.core.transitions import CLOSED
from lockgate.gateway.disputes.ports import Ports
from lockgate.gateway.payments import find as payments_find
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import build
from lockgate.gateway.payments.core.transitions import INDEFINITE
from lockgate.gateway.payments.send import send
from lockgate.gateway.processors.contract import AcceptDispute, Outcome, Result, Steps, SubmitEvidence
from lockgate.gateway.storage.commit import CommitUnknown, Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import answered, claimed, released
from lockgate.gateway.storage.rows import AttemptRow, Commit, ReleaseRow
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

TRIES = 20
FIRST_CHECK_MS = 15_000


class Orders(NamedTuple):
    """How recovery ends the attempts of this room, and shows what came of them."""

    ports: Ports

    async def settle(self, attempt: AttemptRow, result: Result) -> None:
        """Conclude an attempt that recovery has found out about, or note that it is still under way."""
        cause = await asking.cause(self.ports, attempt.account, attempt.livemode)
        await _finish(self.ports, cause, attempt, result=result, call=None)
        if result.outcome is Outcome.DECLINED:
            await _look_again(self.ports, cause, attempt)

    async def show(self, principal: Principal, attempt: AttemptRow, call: Call) -> Answer:
        """The dispute as it now is, or the refusal that its order earned."""
        if attempt.state == "declined":
            return await call.refuse(orders.refused(attempt))
        row = await find.dispute(self.ports.pool, principal, json.loads(attempt.data)["dispute"])
        return await call.answer((await render.disputes(self.ports, principal, [row]))[0])


async def begin(
    ports: Ports, call: Call, cause: Cause, dispute: Dispute, *, action: str, metadata: dict[str, str] | None
) -> Answer:
    """Order ``action``; raises Moved when the dispute is no longer as it was read, before anything was sent."""
    now_ms = clock.now_ms()
    row = dispute.row
    attempt = AttemptRow(
        account=row.account,
        livemode=row.livemode,
        id=new_id("pa"),
        version=1,
        created=call.now,
        action=action,
        state="open",
        intent=None,
        charge=row.charge,
        refund=None,
        processor=row.processor,
        amount=row.amount,
        currency=row.currency,
        processor_reference=row.processor_reference,
        send_before_ms=now_ms + build.SEND_WITHIN_MS,
        next_check_ms=now_ms + build.LEASE_MS,
        checks=0,
        data=dumps(
            {
                "claim": [call.claim.key, call.claim.owner] if call.claim else None,
                "dispute": row.id,
                "at": call.now,
                "metadata": metadata,
            }
        ),
    )
    held = dispute.next(attempt=attempt.id)
    commit = Commit(claims=claimed(call, attempt=attempt.id), attempts=[attempt])
    commit.disputes.append(await keep.dispute_row(held, ports.box))
    commit.audits.append(
        cause.audit(orders.AUDIT[action], row.id, outcome="begun", status=row.status, attempt=attempt.id)
    )
    await ports.committer.commit(commit)
    steps = _steps(ports, attempt, held, now=cause.now)
    result = await send(ports, account=row.account, livemode=row.livemode, steps=steps)
    answer = await _finish(ports, cause, attempt, result=result, call=call)
    ports.poke()
    if result.outcome is Outcome.DECLINED:
        await _look_again(ports, cause, attempt)
    if answer is None:
        raise orders.not_sent()
    return answer


def _steps(ports: Ports, attempt: AttemptRow, dispute: Dispute, *, now: int) -> Steps:
    adapter = ports.processors[attempt.processor]
    fields: dict[str, Any] = {
        "step": attempt.id,
        "send_before_ms": attempt.send_before_ms,
        "timeout_ms": build.TIMEOUT_MS,
        "settings": ports.settings[attempt.processor],
        "now": now,
        "dispute": dispute.row.processor_reference,
    }
    if attempt.action == orders.ACCEPT:
        return adapter.accept_dispute(AcceptDispute(**fields))
    said = dispute.evidence
    return adapter.submit_evidence(
        SubmitEvidence(**fields, fields=tuple(sorted(said)), text=said.get(evidence.FREE_TEXT, ""))
    )


async def _finish(
    ports: Ports, cause: Cause, attempt: AttemptRow, *, result: Result, call: Call | None
) -> Answer | None:
    """Conclude an attempt; whoever else concludes it meanwhile wins, once. None: certainly not sent, or nobody asks."""
    detail = json.loads(attempt.data)
    for _ in range(TRIES):
        current = await payments_find.attempt(ports.pool, cause.principal, attempt.id)
        assert current is not None, "attempts are never deleted"
        if current.state not in INDEFINITE:
            if call is None or current.state == "failed":
                return None
            return await _kept(ports, call, await Orders(ports).show(call.principal, current, call))
        before = await keep.open_dispute(
            await find.dispute(ports.pool, cause.principal, detail["dispute"]), ports.box
        )
        concluded = orders.conclude(
            current, before, result=result, detail=detail, next_check_ms=clock.now_ms() + FIRST_CHECK_MS
        )
        try:
            return await _write(ports, cause, before, concluded, result=result, call=call)
        except (Moved, CommitUnknown):
            continue
    raise orders.busy()


async def _write(
    ports: Ports, cause: Cause, before: Dispute, concluded: Concluded, *, result: Result, call: Call | None
) -> Answer | None:
    attempt, after = concluded
    commit = Commit(attempts=[attempt])
    # While an order is out its evidence is shown as given; the events compare with what stood before the order.
    was, shown = await render.opened(
        ports, cause.principal, [before.saying(before.staged), before if after is None else after]
    )
    if after is not None:
        commit.disputes.append(await keep.dispute_row(after, ports.box))
        commit.audits.append(
            cause.audit(
                orders.AUDIT[attempt.action], after.row.id,
                outcome=attempt.state, status=after.row.status, attempt=attempt.id,
            )
        )
        await announce(commit, cause.origin, _happenings(after, was, shown), ports.box)
    if result.outcome is Outcome.FAILED:
        commit.releases += released(call) if call is not None else _claim_of(attempt)
    answer = None
    if call is not None and result.outcome is Outcome.DECLINED:
        answer = await call.refuse(orders.refused(attempt))
    elif call is not None and result.outcome is not Outcome.FAILED:
        answer = await call.answer(shown)
    if answer is not None and call is not None and call.claim is not None:
        commit.answers += answered(call, answer, await call.sealed(answer))
    await ports.committer.commit(commit)
    ports.poke()
    return answer


def _happenings(after: Dispute, was: dict[str, Any], shown: dict[str, Any]) -> list[Happening]:
    if was == shown:
        return []
    ended = after.row.status in CLOSED and was["status"] != after.row.status
    type_ = "charge.dispute.closed" if ended else "charge.dispute.updated"
    return [Happening(type_, DISPUTE, shown, after.row.subject, previous(was, shown))]


async def _look_again(ports: Ports, cause: Cause, attempt: AttemptRow) -> None:
    """The processor knows something about the dispute that we do not."""
    assert attempt.processor_reference is not None, "an order about a dispute names it"
    row = await find.dispute(ports.pool, cause.principal, json.loads(attempt.data)["dispute"])
    await learn.dispute(
        ports, row.account, row.livemode, processor=row.processor, reference=row.processor_reference
    )


async def _kept(ports: Ports, call: Call, answer: Answer) -> Answer:
    if call.claim is not None:
        await ports.committer.commit(Commit(answers=answered(call, answer, await call.sealed(answer))))
    return answer


def _claim_of(attempt: AttemptRow) -> list[ReleaseRow]:
    """Gives back the key of the request that opened ``attempt``: it certainly had no effect."""
    claim = json.loads(attempt.data)["claim"]
    return [ReleaseRow(attempt.account, attempt.livemode, *claim)] if claim else []
