"""Writes how an attempt ended: rows, books, events, audit and the stored answer in one commit."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from lockgate.gateway.customers import mandates, tokens
from lockgate.gateway.customers import render as customers_render
from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.customers.core.shapes import PAYMENT_METHOD
from lockgate.gateway.payments import find, in_review, keep, known, refusals, render, shim
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import build, counted
from lockgate.gateway.payments.core.records import Charge, Intent
from lockgate.gateway.payments.core.settle import News, Settled
from lockgate.gateway.payments.core.shapes import CHARGE, PAYMENT_INTENT
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.risk.core.shapes import REVIEW
from lockgate.gateway.risk.core.verdict import Assessment
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import answered, claimed_and_answered, released
from lockgate.gateway.storage.records import CardTokenRow
from lockgate.gateway.storage.rows import AttemptRow, Commit, ReleaseRow
from lockgate.kernel.errors import Refusal
from lockgate.kernel.operations import Answer, Call

TRIES = 5


class Begun(NamedTuple):
    """What commit 1 would have held of an attempt that its verdict stops: there is only one commit then.

    ``was`` is what the intent's state was, None for one that is made by this very request.
    """

    commit: Commit
    assessment: Assessment
    was: str | None

    def said(self) -> dict[str, Any]:
        """What the audit record says of it."""
        return {
            "outcome": "blocked",
            "was": self.was,
            "verdict": self.assessment.verdict,
            "decision": self.assessment.decision.id,
        }


_AMOUNTS = ("amount", "amount_capturable", "amount_received")
_OF_CHARGES = {
    "payment_intent.confirm": "charge.create",
    "payment_intent.capture": "charge.capture",
    "payment_intent.cancel": "charge.release",
}


async def write(
    ports: Ports,
    cause: Cause,
    settled: Settled,
    *,
    action: str,
    was: Intent,
    read: Charge | None,
    call: Call | None,
    begun: Begun | None = None,
) -> Answer | None:
    """Commit ``settled`` and return the answer that was stored with it, or None when no request waits.

    ``was`` and ``read`` are intent and charge as they were read: the charge is written only if it changed. Raises Moved
    when anything has changed since it was read, and the Refusal for an order that was certainly not sent.
    """
    commit = begun.commit if begun else Commit(risk_outcomes=counted.ended(settled.attempt, declined=settled.declined))
    intent, charge = settled.intent, settled.charge
    commit.payment_intents.append(await keep.intent_row(intent, ports.box))
    commit.attempts.append(settled.attempt)
    if charge is not None and charge is not read:
        commit.charges.append(await keep.charge_row(charge, ports.box))
    if settled.method is not None:
        commit.payment_methods.append(settled.method)
    if settled.mandate is not None:
        commit.mandates.append(await mandates.sealed(settled.mandate, was.personal["acceptance"], ports.box))
    if settled.not_sent:
        commit.card_tokens.extend(await _unused(ports, settled.attempt))
    commit.transfers.extend(settled.transfers)
    commit.balance_transactions.extend(settled.transactions)
    shown = render.shown_intent(intent, ports.client_secrets)
    fresh: list[Mapping[str, Any]] = [] if intent.is_hidden else [shown]
    happenings = [
        await _happening(ports, news, settled, shown=shown, was=was, read=read)
        for news in settled.events
        if not (intent.is_hidden and news.what in ("intent", "created"))
    ]
    if charge is not None and charge.data.get("review"):
        happenings += await in_review.told(
            ports, cause, commit, intent=intent, charge=charge, read=read, attempt=settled.attempt
        )
    commit.risk_labels += known.of_release(settled, now=cause.now)
    fresh.extend(happening.rendered for happening in happenings if happening.shape is not PAYMENT_INTENT)
    await announce(commit, cause.origin, await shim.for_events(ports, cause, happenings, fresh), ports.box)
    said = begun.said() if begun else {"outcome": settled.attempt.state, "was": was.row.status}
    commit.audits.append(
        cause.audit(
            audit_word(action, intent), intent.row.id,
            status=intent.row.status, attempt=settled.attempt.id, charge=charge.row.id if charge else None,
            amount=settled.attempt.amount, **said,
        )
    )
    # A balance transaction is shown by a room above this one, which can only read it once it is written.
    late = call is not None and bool(settled.transactions) and any("balance_transaction" in e for e in call.expand)
    answer = None if late else await _answer(ports, call, settled=settled, shown=shown, fresh=fresh)
    if settled.not_sent:
        commit.releases.extend(released(call) if call is not None else _claim_of(settled.attempt))
    elif answer is not None and call is not None and call.claim is not None:
        await _keep(commit, call, answer, at_once=begun is not None)
    await ports.committer.commit(commit)
    if commit.outboxes or settled.attempt.next_check_ms is not None:
        ports.poke()
    if call is not None and settled.not_sent:
        raise refusals.not_sent()
    if late and call is not None:
        return await current(ports, call, intent, settled.attempt)
    return answer


async def current(ports: Ports, call: Call, intent: Intent, attempt: AttemptRow) -> Answer:
    """The answer of a request whose ``attempt`` is concluded already: the intent as it now is.

    Raises the Refusal for an order that certainly was not sent: whoever found that out gave the request's key back.
    """
    if attempt.state == "failed":
        raise refusals.not_sent()
    return await _kept(ports, call, await show(ports, call, intent))


async def answer_later(ports: Ports, call: Call, rendered: Mapping[str, Any]) -> Answer:
    """``rendered`` as the answer of a request whose commits are all written."""
    return await _kept(ports, call, await call.answer(rendered))


async def _kept(ports: Ports, call: Call, answer: Answer) -> Answer:
    if call.claim is not None:
        await ports.committer.commit(Commit(answers=answered(call, answer, await call.sealed(answer))))
    return answer


async def show(ports: Ports, call: Call, intent: Intent) -> Answer:
    """The intent (or the charge that it drives) as an answer, or the refusal that its last try earned."""
    if call.operation.returns is REVIEW:
        return await call.answer(await in_review.shown(ports, call.principal, call.path["review"]))
    shown = render.shown_intent(intent, ports.client_secrets)
    error = intent.personal.get("last_payment_error")
    if intent.row.status == "requires_payment_method" and error:
        refused = refusals.of_error(error, intent, shown=shown, principal=call.principal)
        return await call.refuse(await shim.refusal_for_version(ports, call, refused))
    if intent.is_hidden:
        assert intent.row.latest_charge is not None, "an intent that drives a charge has it once an answer was written"
        row = await find.charge(ports.pool, call.principal, intent.row.latest_charge)
        charge = await render.charge(row, ports.box)
        return await call.answer(await shim.charge_for_version(ports, call, charge))
    return await call.answer(await shim.for_version(ports, call, render.for_principal(shown, call.principal)))


async def unexpected(ports: Ports, call: Call, intent: Intent, *, verb: str, allowed: str) -> Refusal:
    """The refusal for an intent whose state does not allow ``verb``, with the intent embedded."""
    shown = render.embedded(render.shown_intent(intent, ports.client_secrets), call.principal)
    refused = build.unexpected_state(intent.row.status, verb, allowed=allowed, shown=shown)
    return await shim.refusal_for_version(ports, call, refused)


def audit_word(action: str, intent: Intent) -> str:
    """``action`` as it is audited for an intent, or for the charge that a hidden one drives."""
    return _OF_CHARGES.get(action, action) if intent.is_hidden else action


async def _happening(
    ports: Ports, news: News, settled: Settled, *, shown: Mapping[str, Any], was: Intent, read: Charge | None
) -> Happening:
    intent, charge = settled.intent, settled.charge
    if news.what in ("intent", "created"):
        now = dict(shown) if news.what == "intent" else _as_created(shown, settled.attempt)
        before = None
        if news.tells_before:
            old = render.shown_intent(was, ports.client_secrets)
            before = previous({name: old[name] for name in _AMOUNTS}, {name: now[name] for name in _AMOUNTS})
        return Happening(news.type, PAYMENT_INTENT, render.without_secret(now), intent.row.subject, before)
    if news.what == "charge":
        assert charge is not None, "an event about a charge has one"
        now = render.shown_charge(charge)
        before = previous(render.shown_charge(read), now) if news.tells_before and read is not None else None
        return Happening(news.type, CHARGE, now, charge.row.subject, before)
    assert settled.method is not None, "an event about a payment method has one"
    method = await customers_render.payment_method(settled.method, ports.box)
    return Happening(news.type, PAYMENT_METHOD, method, settled.method.subject)


async def _keep(commit: Commit, call: Call, answer: Answer, *, at_once: bool) -> None:
    """Put the answer beside the request's idempotency key; ``at_once``: no commit before this one has claimed it."""
    sealed = await call.sealed(answer)
    if at_once:
        commit.claims.extend(claimed_and_answered(call, answer, sealed))
    else:
        commit.answers.extend(answered(call, answer, sealed))


async def _answer(
    ports: Ports,
    call: Call | None,
    *,
    settled: Settled,
    shown: dict[str, Any],
    fresh: list[Mapping[str, Any]],
) -> Answer | None:
    if settled.not_sent or call is None:
        return None
    if settled.fault is not None:
        refused = refusals.faulty(settled.fault, shown, call.principal)
        return await call.refuse(await shim.refusal_for_version(ports, call, refused, fresh))
    if settled.declined is not None:
        refused = refusals.declined(settled.declined, settled, shown=shown, principal=call.principal)
        return await call.refuse(await shim.refusal_for_version(ports, call, refused, fresh))
    if call.operation.returns is REVIEW:
        return await call.answer(await in_review.shown(ports, call.principal, call.path["review"], fresh), fresh)
    if settled.intent.is_hidden:
        assert settled.charge is not None, "what drives a charge has it once there is an answer"
        charge = render.shown_charge(settled.charge)
        return await call.answer(await shim.charge_for_version(ports, call, charge), [*fresh, charge])
    seen = render.for_principal(shown, call.principal)
    return await call.answer(await shim.for_version(ports, call, seen, fresh), fresh)


async def _unused(ports: Ports, attempt: AttemptRow) -> list[CardTokenRow]:
    """The token that was to be paid with: it may be used after all."""
    id_ = json.loads(attempt.data).get("token")
    row = await tokens.given_back(ports.pool, attempt.account, attempt.livemode, id_=id_) if id_ else None
    return [row] if row else []


def _claim_of(attempt: AttemptRow) -> list[ReleaseRow]:
    """The idempotency key of the request that opened ``attempt``: it may be used again."""
    claim = json.loads(attempt.data).get("claim")
    return [ReleaseRow(attempt.account, attempt.livemode, *claim)] if claim else []


def _as_created(shown: Mapping[str, Any], attempt: AttemptRow) -> dict[str, Any]:
    """The intent as it was before its first confirmation, for the event that announces it."""
    return {
        **shown,
        "amount_capturable": 0,
        "amount_received": 0,
        "last_payment_error": None,
        "latest_charge": None,
        "next_action": None,
        "payment_method": json.loads(attempt.data).get("method"),
        "status": "requires_confirmation",
    }
