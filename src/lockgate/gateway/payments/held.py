"""What every order about money that is already held shares: how it begins, and how it ends, once, whoever ends it."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from lockgate.gateway.payments import conclude, find, keep
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import build
from lockgate.gateway.payments.core.records import Charge, Intent
from lockgate.gateway.payments.core.settle import Settled
from lockgate.gateway.payments.core.transitions import INDEFINITE
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.commit import CommitUnknown, Moved
from lockgate.gateway.storage.idempotency import claimed
from lockgate.gateway.storage.rows import AttemptRow, Commit
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call

Settle = Callable[[Intent, Charge, AttemptRow], Settled]


class Opening(NamedTuple):
    """An order that is about to go out, with the commit that says so."""

    commit: Commit
    intent: Intent
    charge: Charge
    attempt: AttemptRow


async def begin(
    ports: Ports,
    cause: Cause,
    before: Intent,
    *,
    charge: Charge,
    action: str,
    amount: int,
    status: str | None,
    reserve: int,
    detail: Mapping[str, Any],
    audit: str,
    call: Call | None,
) -> tuple[Intent, Charge, AttemptRow]:
    """Commit that an order is about to go out: until it has ended nobody else may give one for ``before``.

    ``status`` is what the intent becomes meanwhile, ``reserve`` what is set apart on the charge. Raises Moved.
    """
    opened = await opening(
        ports, cause, before,
        charge=charge, action=action, amount=amount, status=status, reserve=reserve, detail=detail, audit=audit,
        call=call,
    )  # fmt: skip
    opened.commit.claims += claimed(call, attempt=opened.attempt.id) if call is not None else []
    await ports.committer.commit(opened.commit)
    return opened.intent, opened.charge, opened.attempt


async def opening(
    ports: Ports,
    cause: Cause,
    before: Intent,
    *,
    charge: Charge,
    action: str,
    amount: int,
    status: str | None,
    reserve: int,
    detail: Mapping[str, Any],
    audit: str,
    call: Call | None,
) -> Opening:
    """The same, not written yet, and without the request's claim on its idempotency key."""
    intent = before.after(status, attempt=new_id("pa"))
    assert intent.row.attempt is not None, "it was given one just now"
    attempt = build.attempt(
        intent, action,
        id_=intent.row.attempt,
        charge=charge.row.id,
        processor=charge.row.processor,
        amount=amount,
        now=cause.now,
        now_ms=clock.now_ms(),
        reference=charge.row.processor_reference,
        detail={"claim": [call.claim.key, call.claim.owner] if call is not None and call.claim else None, **detail},
    )
    commit = Commit(attempts=[attempt])
    commit.payment_intents.append(await keep.intent_row(intent, ports.box))
    if reserve:
        charge = build.reserved(charge, reserve)
        commit.charges.append(await keep.charge_row(charge, ports.box))
    commit.audits.append(
        cause.audit(
            conclude.audit_word(audit, intent), intent.row.id,
            outcome="begun", was=before.row.status, status=intent.row.status, attempt=attempt.id, amount=amount,
        )
    )
    return Opening(commit, intent, charge, attempt)


async def finish(
    ports: Ports,
    cause: Cause,
    intent: Intent,
    charge: Charge,
    *,
    attempt: AttemptRow,
    settle: Settle,
    audit: str,
    call: Call | None,
) -> Answer | None:
    """Conclude an attempt; whoever else concludes it meanwhile wins, once."""
    for _ in range(conclude.TRIES):
        settled = settle(intent, charge, attempt)
        try:
            return await conclude.write(ports, cause, settled, action=audit, was=intent, read=charge, call=call)
        except (Moved, CommitUnknown):
            again = await find.attempt(ports.pool, cause.principal, attempt.id)
            assert again is not None, "attempts are never deleted"
            intent, charge = await read(ports, cause, again)
            if again.state not in INDEFINITE:
                return await conclude.current(ports, call, intent, again) if call is not None else None
            attempt = again
    return await conclude.show(ports, call, intent) if call is not None else None


async def read(ports: Ports, cause: Cause, attempt: AttemptRow) -> tuple[Intent, Charge]:
    """Intent and charge of an attempt, as they now are."""
    assert attempt.intent is not None, "an order about held money has an intent"
    intent = await keep.open_intent(await find.intent(ports.pool, cause.principal, attempt.intent), ports.box)
    return intent, await charge_of(ports, cause, intent)


async def charge_of(ports: Ports, cause: Cause, intent: Intent) -> Charge:
    """The charge that holds the authorisation of ``intent``."""
    assert intent.row.latest_charge is not None, "an authorised intent has a charge"
    row = await find.charge(ports.pool, cause.principal, intent.row.latest_charge)
    return await keep.open_charge(row, ports.box)


def reference_of(charge: Charge) -> str:
    """What the processor calls the authorisation."""
    assert charge.row.processor_reference is not None, "an authorised charge has its processor's reference"
    return charge.row.processor_reference
