"""Has an issuer look at a card before it is kept for a customer: no money moves, and nothing is kept of the order.

The order has no attempt: whatever becomes of it, there is nothing to undo, and whoever asks again asks anew. It has a
verdict like any other.
"""

import json
from contextlib import suppress
from dataclasses import replace
from typing import Any

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import find, find_setups, judge, keep
from lockgate.gateway.payments.core import build, counted
from lockgate.gateway.payments.core import decline as declines
from lockgate.gateway.payments.core.decline import Decline
from lockgate.gateway.payments.core.records import Method, dumps
from lockgate.gateway.payments.core.settle import STATE_OF
from lockgate.gateway.payments.core.settle_authorization import CVC_GONE
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.refund import SEND_WITHIN_MS, TIMEOUT_MS
from lockgate.gateway.payments.send import send
from lockgate.gateway.processors.contract import Authorize, Outcome, Result
from lockgate.gateway.risk.core.verdict import Assessment
from lockgate.gateway.storage.commit import CommitUnknown
from lockgate.gateway.storage.rows import AttemptRow, Commit, PaymentMethodRow
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Call

_ABSENT = "authentication_required"
"""The issuer wants to see the cardholder: it will, when she pays. That is no reason not to keep her card."""


async def verify(ports: Ports, call: Call, row: PaymentMethodRow) -> PaymentMethodRow:
    """``row`` with what the issuer checked. Raises the Refusal of a card that it declines, or that is blocked."""
    found = await find.means(ports.pool, call.principal, method=None, customer=row.customer)
    method = await keep.open_method(row, ports.box, found=found)
    loose = replace(method, row=row._replace(customer=None))  # not its customer's yet: its code may still be sent
    order = _order(ports, loose, currency=await find_setups.default_currency(ports.pool, row.account), now=call.now)
    assessment = await _judged(ports, call, order, method=loose)
    if assessment.blocked:
        raise _refusal(declines.blocked(assessment.outcome))
    result = await _asked(ports, order, loose, has_cvc=loose.has_cvc, challenge=assessment.challenge)
    if result.outcome is Outcome.FAILED and result.reason == CVC_GONE:
        again = order._replace(id=new_id("pa"))
        result = await _asked(ports, again, loose, has_cvc=False, challenge=assessment.challenge)
    await _counted(ports, order, result)
    if result.outcome is Outcome.DECLINED and result.decline_code != _ABSENT:
        raise _refusal(declines.of(result))
    if result.outcome in (Outcome.APPROVED, Outcome.DECLINED, Outcome.ACTION_REQUIRED):
        return row._replace(data=dumps(_checked(json.loads(row.data), result)))
    raise Refusal(
        Kind.UNAVAILABLE,
        "The card could not be verified. Nothing was attached; try again.",
        code="processor_unavailable",
        should_retry=True,
    )


def _order(ports: Ports, method: Method, *, currency: str, now: int) -> AttemptRow:
    """The order as an attempt that is kept nowhere: what is judged."""
    return AttemptRow(
        account=method.row.account,
        livemode=method.row.livemode,
        id=new_id("pa"),
        version=1,
        created=now,
        action="verify",
        state="open",
        intent=None,
        charge=None,
        refund=None,
        processor=ports.card_processor,
        amount=0,
        currency=currency,
        processor_reference=None,
        send_before_ms=0,
        next_check_ms=None,
        checks=0,
        data="{}",
    )


async def _judged(ports: Ports, call: Call, order: AttemptRow, *, method: Method) -> Assessment:
    """The verdict on the order, committed."""
    cause = causes.of_call(call)
    subject = await judge.about(
        ports, call, order, amount=0, method=method, session=judge.session(call.params, method=method)
    )

    async def write(assessment: Assessment) -> Assessment:
        commit = Commit()
        assessment.into(commit)
        commit.audits.append(
            cause.audit(
                "payment_method.verify", method.row.id,
                outcome="blocked" if assessment.blocked else "begun", attempt=order.id, verdict=assessment.verdict,
                decision=assessment.decision.id,
            )
        )
        await ports.committer.commit(commit)
        return assessment

    return await judge.judged(ports, call, subject, write)


async def _counted(ports: Ports, order: AttemptRow, result: Result) -> None:
    """Tell velocity what the issuer said, where it said anything."""
    refused = declines.of(result) if result.outcome is Outcome.DECLINED else None
    outcomes = counted.ended(order._replace(state=STATE_OF[result.outcome]), declined=refused)
    if outcomes:
        with suppress(CommitUnknown):  # it was asked, whatever is counted of it
            await ports.committer.commit(Commit(risk_outcomes=outcomes))


async def _asked(ports: Ports, order: AttemptRow, method: Method, *, has_cvc: bool, challenge: bool) -> Result:
    row = method.row
    processor = order.processor
    steps = ports.processors[processor].authorize(
        Authorize(
            step=order.id,
            send_before_ms=clock.now_ms() + SEND_WITHIN_MS,
            timeout_ms=TIMEOUT_MS,
            settings=ports.settings[processor],
            amount=0,
            currency=order.currency,
            card=row.token,
            capture=False,
            setup=True,
            off_session=True,
            has_cvc=has_cvc,
            has_line1=bool(method.address.get("line1")),
            has_postal_code=bool(method.address.get("postal_code")),
            three_d_secure=build.three_d_secure(None, challenge=challenge),
        )
    )
    return await send(ports, account=row.account, livemode=row.livemode, steps=steps)


def _checked(data: dict[str, Any], result: Result) -> dict[str, Any]:
    known = {name: check for name, check in result.checks.items() if check is not None}
    card = data["card"]
    return {**data, "card": {**card, "checks": {**(card.get("checks") or {}), **known}}}


def _refusal(refused: Decline) -> Refusal:
    """The decline as an answer: of a payment there is none, so there is no charge."""
    error = refused.error(charge=None)
    return Refusal(
        Kind.CARD,
        error["message"],
        code=error["code"],
        param=error.get("param"),
        decline_code=error.get("decline_code"),
        network_decline_code=error.get("network_decline_code"),
        advice_code=error.get("advice_code"),
    )
