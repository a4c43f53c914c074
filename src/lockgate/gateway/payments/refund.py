"""Gives money back: reserve it on the charge, ask the processor with no transaction held, then conclude.

Commit 1 holds the reservation, an open attempt that carries all the refund will be made of, and the idempotency claim.
Whatever dies after it, recovery finds the attempt and concludes it here through ``settle``, the same way.
"""

import asyncio
import json
import random

from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.ledger import transfers
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import find, find_refunds, known, render, shim
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import refunds
from lockgate.gateway.payments.core.records import dumps
from lockgate.gateway.payments.core.refunds import REFUND, Concluded
from lockgate.gateway.payments.core.shapes import CHARGE
from lockgate.gateway.payments.core.transitions import INDEFINITE
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.send import send
from lockgate.gateway.payments.turns import busy
from lockgate.gateway.processors.contract import Refund, Result
from lockgate.gateway.risk import close_review
from lockgate.gateway.risk.core import reviews
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.commit import CommitUnknown, Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import answered, claimed, released
from lockgate.gateway.storage.rows import AttemptRow, ChargeRow, Commit, RefundRow, ReleaseRow
from lockgate.gateway.storage.write import settled, write
from lockgate.kernel import clock, ids
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Answer, Call

CONCLUDE_TRIES = 200
"""What the processor has done must be written, whoever else changes the charge meanwhile: this many refunds at once."""

PAUSE_S = 0.02
SEND_WITHIN_MS = 5_000
TIMEOUT_MS = 20_000
FIRST_CHECK_MS = 15_000
LEASE_MS = SEND_WITHIN_MS + TIMEOUT_MS + 5_000


async def create(ports: Ports, call: Call) -> Answer:
    """Refund a charge, all that is left of it or ``amount``."""
    cause = causes.of_call(call)
    charge = await _charge(ports, call)
    async with ports.turns.of(charge.id):
        attempt, charge = await _reserve(ports, call, cause, charge=charge)
    processor = ports.processors[attempt.processor]
    assert charge.processor_reference is not None, "a captured charge has its processor's reference"
    result = await send(
        ports,
        account=attempt.account,
        livemode=attempt.livemode,
        steps=processor.refund(
            Refund(
                step=attempt.id,
                send_before_ms=attempt.send_before_ms,
                timeout_ms=TIMEOUT_MS,
                settings=ports.settings[attempt.processor],
                now=cause.now,
                processor_reference=charge.processor_reference,
                amount=attempt.amount,
                currency=attempt.currency,
            )
        ),
    )
    async with ports.turns.of(charge.id):
        shown = await _conclude(ports, cause, attempt, result=result, call=call)
    ports.poke()
    if shown is None:
        raise Refusal(
            Kind.UNAVAILABLE,
            "The processor cannot be reached. Nothing was refunded; try again.",
            code="processor_unavailable",
            should_retry=True,
        )
    return shown


async def settle(ports: Ports, attempt: AttemptRow, result: Result) -> None:
    """Conclude the refund of an attempt whose definite answer came late, or make its pending refund visible."""
    version = json.loads(attempt.data)["api_version"]
    now = await business_time.now(ports.pool, attempt.account, attempt.livemode)
    cause = causes.of_clock(attempt.account, attempt.livemode, name="recovery", api_version=version, now=now)
    await _conclude(ports, cause, attempt, result=result, call=None)


async def update(ports: Ports, call: Call) -> Answer:
    """Change a refund's metadata. Without any change nothing is announced."""
    return await settled(lambda: _update(ports, call))


async def _update(ports: Ports, call: Call) -> Answer:
    before = await find_refunds.refund(ports.pool, call.principal, call.path["id"])
    after = refunds.changed(before, call.params["metadata"]) if "metadata" in call.params else before
    rendered = refunds.render(after)
    was = previous(refunds.render(before), rendered)
    commit, happenings = Commit(), []
    if was:
        commit.refunds.append(after)
        commit.audits.append(causes.of_call(call).audit("refund.update", after.id))
        happenings.append(Happening("refund.updated", REFUND, rendered, after.id, was))
    return await write(ports, call, commit=commit, rendered=rendered, happenings=happenings, fresh=[rendered])


async def cancel(ports: Ports, call: Call) -> Answer:
    """Refuses: no refund to a card waits for the customer."""
    raise refunds.not_cancelable(await find_refunds.refund(ports.pool, call.principal, call.path["id"]))


async def _reserve(ports: Ports, call: Call, cause: Cause, *, charge: ChargeRow) -> tuple[AttemptRow, ChargeRow]:
    """Commit 1: the money set apart on the charge, and the attempt that will give it back."""
    for _ in range(CONCLUDE_TRIES):
        charge = await find.charge(ports.pool, call.principal, charge.id)
        reserved, amount = refunds.reserve(charge, call.params.get("amount"))
        attempt = _attempt(call, charge, amount=amount)
        commit = Commit(
            claims=claimed(call, attempt=attempt.id),
            charges=[reserved],
            attempts=[attempt],
            audits=[
                cause.audit(
                    "refund.create", attempt.refund or "", charge=charge.id, amount=amount, currency=charge.currency
                )
            ],
        )
        try:
            await ports.committer.commit(commit)
        except Moved:
            await asyncio.sleep(PAUSE_S * random.random())  # noqa: S311 - parts the contenders, protects nothing
            continue
        return attempt, reserved
    raise busy()


async def _charge(ports: Ports, call: Call) -> ChargeRow:
    """The one charge that the parameters mean."""
    if "charge" in call.path:
        return await find.charge(ports.pool, call.principal, call.path["charge"])
    given = [name for name in ("charge", "payment_intent") if name in call.params]
    if not given:
        raise invalid(
            "Missing required param: payment_intent or charge.", param="payment_intent", code="parameter_missing"
        )
    if len(given) > 1:
        raise invalid(
            "Only one of payment_intent and charge may be sent.", param="charge", code="parameters_exclusive"
        )
    if given == ["charge"]:
        return await find.charge(ports.pool, call.principal, call.params["charge"], param="charge")
    intent = await find.payment_intent(
        ports.pool, call.principal, call.params["payment_intent"], param="payment_intent"
    )
    if intent.latest_charge is None:
        raise invalid(
            f"This PaymentIntent ({intent.id}) does not have a successful charge to refund.",
            param="payment_intent",
            code="charge_not_refundable",
        )
    return await find.charge(ports.pool, call.principal, intent.latest_charge)


def _attempt(call: Call, charge: ChargeRow, *, amount: int) -> AttemptRow:
    now_ms = clock.now_ms()
    details = {
        "metadata": {key: value for key, value in (call.params.get("metadata") or {}).items() if value},
        "reason": call.params.get("reason"),
        "customer": charge.customer,
        "payment_method": charge.payment_method,
    }
    return AttemptRow(
        account=charge.account,
        livemode=charge.livemode,
        id=ids.new_id("pa"),
        version=1,
        created=call.now,
        action="refund",
        state="open",
        intent=charge.intent,
        charge=charge.id,
        refund=ids.new_id("re"),
        processor=charge.processor,
        amount=amount,
        currency=charge.currency,
        processor_reference=None,
        send_before_ms=now_ms + SEND_WITHIN_MS,
        next_check_ms=now_ms + LEASE_MS,
        checks=0,
        data=dumps({"api_version": call.api_version, "claim": claim_of(call), "refund": details}),
    )


async def _conclude(
    ports: Ports, cause: Cause, attempt: AttemptRow, *, result: Result, call: Call | None
) -> Answer | None:
    """Commit 2. The answer for ``call``, or None when there is nothing to answer with: no refund came to be.

    Another may have concluded the attempt already (recovery, or our own commit whose answer was lost): then the refund
    is shown as it stands.
    """
    assert attempt.refund is not None, "a refund's attempt names its refund"
    for tries in range(CONCLUDE_TRIES):
        if tries:
            await asyncio.sleep(PAUSE_S * min(tries, 10) * random.random())  # noqa: S311 - parts the contenders, protects nothing
        current = await find.attempt(ports.pool, cause.principal, attempt.id)
        assert current is not None, "an attempt is never removed"
        found = await find_refunds.refunds(ports.pool, cause.principal, [attempt.refund])
        refund = found[0] if found else None
        if current.state not in INDEFINITE:
            return await _show(ports, refund, call)
        assert attempt.charge is not None, "a refund's attempt names its charge"
        charge = await find.charge(ports.pool, cause.principal, attempt.charge)
        concluded = refunds.conclude(
            current, charge, refund, result=result, next_check_ms=clock.now_ms() + FIRST_CHECK_MS
        )
        if refund is not None and not concluded.definite and refund.status == "pending":
            return await _show(ports, refund, call)  # nothing new; when to ask again is recovery's to say
        commit, answer = await _commit(ports, cause, concluded, refund, call=call)
        try:
            await ports.committer.commit(commit)
        except (Moved, CommitUnknown):
            continue
        if answer is None and call is not None:
            written = await find_refunds.refunds(ports.pool, cause.principal, [attempt.refund])
            return await _show(ports, written[0] if written else None, call)
        return answer
    raise busy()


async def _commit(
    ports: Ports, cause: Cause, concluded: Concluded, before: RefundRow | None, *, call: Call | None
) -> tuple[Commit, Answer | None]:
    """Everything that the conclusion writes: rows, books, events, audit, and the answer if it can be given already."""
    attempt, charge, refund = concluded.attempt, concluded.charge, concluded.refund
    commit = Commit(attempts=[attempt])
    if concluded.definite:
        commit.charges.append(charge)
    if refund is None:
        commit.audits.append(cause.audit("refund.release", charge.id, refund=attempt.refund, amount=attempt.amount))
        commit.releases += released(call) if call else releases_of(attempt)
        return commit, None
    if refund.status == "succeeded":
        commit.risk_labels += known.of_refund(refund, charge, now=cause.now)
        refund = await _book(ports, cause, commit, charge=charge, refund=refund)
    commit.refunds.append(refund)
    was_status = before.status if before is not None else None
    commit.audits.append(
        cause.audit("refund.conclude", refund.id, was=was_status, status=refund.status, amount=refund.amount)
    )
    rendered = refunds.render(refund)
    fresh = [rendered]
    was = previous(refunds.render(before), rendered) if before is not None else None
    happenings = [Happening(kind, REFUND, rendered, refund.id, was) for kind in _events(refund, before)]
    if refund.status == "succeeded":
        shown = await render.charge(charge, ports.box)
        less = charge._replace(amount_refunded=charge.amount_refunded - refund.amount)
        was = previous(await render.charge(less, ports.box), shown)
        happenings.append(Happening("charge.refunded", CHARGE, shown, charge.subject, was))
        fresh.append(shown)
        if shown["refunded"] and shown["review"]:
            why = reviews.refund_reason(json.loads(refund.data).get("reason"))
            happenings += await close_review.closing(ports, cause.principal, commit, charge=charge.id, reason=why)
    await announce(commit, cause.origin, await shim.for_events(ports, cause, happenings, fresh), ports.box)
    # A balance transaction is shown by a room above this one, which can only read it once it is written.
    if call is None or (commit.balance_transactions and any("balance_transaction" in path for path in call.expand)):
        return commit, None
    answer = await call.answer(rendered, fresh=fresh)
    commit.answers += answered(call, answer, await call.sealed(answer) if call.claim else None)
    return commit, answer


async def _book(ports: Ports, cause: Cause, commit: Commit, *, charge: ChargeRow, refund: RefundRow) -> RefundRow:
    """Put the refund into the books; returns it with the name of its balance transaction."""
    taken = await find_refunds.taken(ports.pool, cause.principal, charge.id)
    returned = 0
    if ports.settings[charge.processor].get("returns_fee_on_refund"):
        fee = sum(movement.fee for movement in taken)
        before = await find_refunds.fees_returned(ports.pool, cause.principal, charge.id)
        returned = refunds.fee_share(
            fee, captured=charge.amount_captured, amount=refund.amount, returned=before
        )
    booked = transfers.refunded(
        refund,
        processor=charge.processor,
        fee_returned=returned,
        now=cause.now,
        available_on=min(movement.available_on for movement in taken),
    )
    commit.transfers += booked.transfers
    commit.balance_transactions.append(booked.transaction)
    return refund._replace(balance_transaction=booked.transaction.id)


def _events(refund: RefundRow, before: RefundRow | None) -> list[str]:
    kinds = ["refund.created"] if before is None else ["refund.updated", "charge.refund.updated"]
    if refund.status == "failed":
        kinds.append("refund.failed")
    return kinds


async def _show(ports: Ports, refund: RefundRow | None, call: Call | None) -> Answer | None:
    """Answer with the refund as it stands, and keep that as the answer to the request's key."""
    if call is None or refund is None:
        return None
    answer = await call.answer(refunds.render(refund))
    kept = answered(call, answer, await call.sealed(answer) if call.claim else None)
    if kept:
        await ports.committer.commit(Commit(answers=kept))
    return answer


def claim_of(call: Call) -> list[str] | None:
    """The idempotency key of a request, as its attempt keeps it for recovery."""
    return [call.claim.key, call.claim.owner] if call.claim else None


def releases_of(attempt: AttemptRow) -> list[ReleaseRow]:
    """Gives back the key of the request that opened ``attempt``: it certainly had no effect."""
    claim = json.loads(attempt.data)["claim"]
    return [ReleaseRow(attempt.account, attempt.livemode, *claim)] if claim else []
