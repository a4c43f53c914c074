"""Writes how an attempt ended: rows, books, events, audit and the stored answer in one commit."""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers import render as customers_render
from lockgate.gateway.customers.core.shapes import PAYMENT_METHOD
from lockgate.gateway.payments import keep, render, shim
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import build
from lockgate.gateway.payments.core.decline import Decline
from lockgate.gateway.payments.core.records import Charge, Intent
from lockgate.gateway.payments.core.settle import Settled
from lockgate.gateway.payments.core.shapes import CHARGE, PAYMENT_INTENT
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import answered, released
from lockgate.gateway.storage.rows import AttemptRow, Commit, ReleaseRow
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal

TRIES = 5


def not_sent() -> Refusal:
    """Nothing reached the processor, and nothing has changed."""
    return Refusal(
        Kind.UNAVAILABLE,
        "The processor cannot be reached. Nothing was charged; try again.",
        code="processor_unavailable",
        should_retry=True,
    )


async def write(
    ports: Ports, cause: Cause, settled: Settled, *, action: str, read: Charge | None, call: Call | None
) -> Answer | None:
    """Commit ``settled`` and return the answer that was stored with it, or None when no request waits.

    ``read`` is the charge as it was read: it is written only if it changed. Raises Moved when anything has changed
    since it was read, and the Refusal for an order that was certainly not sent.
    """
    commit = Commit()
    intent, charge = settled.intent, settled.charge
    commit.payment_intents.append(await keep.intent_row(intent, ports.box))
    commit.attempts.append(settled.attempt)
    if charge is not None and charge is not read:
        commit.charges.append(await keep.charge_row(charge, ports.box))
    if settled.method is not None:
        commit.payment_methods.append(settled.method)
    commit.transfers.extend(settled.transfers)
    commit.balance_transactions.extend(settled.transactions)
    shown = render.shown_intent(intent, ports.client_secrets)
    fresh: list[Mapping[str, Any]] = [shown]
    happenings = []
    for type_, what in settled.events:
        if what == "intent":
            happenings.append(_of_intent(type_, shown, intent))
        elif what == "created":
            happenings.append(_of_intent(type_, _as_created(shown, settled.attempt), intent))
        elif what == "charge":
            assert charge is not None, "an event about a charge has one"
            happenings.append(Happening(type_, CHARGE, render.shown_charge(charge), charge.row.subject))
        else:
            assert settled.method is not None, "an event about a payment method has one"
            method = await customers_render.payment_method(settled.method, ports.box)
            happenings.append(Happening(type_, PAYMENT_METHOD, method, settled.method.subject))
    fresh.extend(happening.rendered for happening in happenings if happening.shape is not PAYMENT_INTENT)
    await announce(commit, cause.origin, happenings, ports.box)
    commit.audits.append(
        cause.audit(
            action, intent.row.id,
            outcome=settled.attempt.state, status=intent.row.status, attempt=settled.attempt.id,
            charge=charge.row.id if charge else None, amount=settled.attempt.amount,
        )
    )
    # A balance transaction is shown by a room above this one, which can only read it once it is written.
    late = call is not None and bool(settled.transactions) and any("balance_transaction" in e for e in call.expand)
    answer = None if late else await _answer(ports, call, commit, settled=settled, shown=shown, fresh=fresh)
    await ports.committer.commit(commit)
    if commit.outboxes or settled.attempt.next_check_ms is not None:
        ports.poke()
    if call is not None and settled.not_sent:
        raise not_sent()
    if late and call is not None:
        return await current(ports, call, intent)
    return answer


async def current(ports: Ports, call: Call, intent: Intent) -> Answer:
    """The answer of a request whose attempt somebody else concluded: the intent as it now is."""
    answer = await show(ports, call, intent)
    if call.claim is not None:
        await ports.committer.commit(Commit(answers=answered(call, answer, await call.sealed(answer))))
    return answer


async def show(ports: Ports, call: Call, intent: Intent) -> Answer:
    """The intent as an answer, or the refusal that its last try earned."""
    shown = render.shown_intent(intent, ports.client_secrets)
    error = intent.personal.get("last_payment_error")
    if intent.row.status == "requires_payment_method" and error:
        return await call.refuse(_refusal_of(error, shown, call.principal))
    return await call.answer(await shim.for_version(ports, call, render.for_principal(shown, call.principal)))


def unexpected(ports: Ports, principal: Principal, intent: Intent, *, verb: str, allowed: str) -> Refusal:
    """The refusal for an intent whose state does not allow ``verb``, with the intent embedded."""
    shown = render.embedded(render.shown_intent(intent, ports.client_secrets), principal)
    return build.unexpected_state(intent.row.status, verb, allowed=allowed, shown=shown)


async def _answer(
    ports: Ports,
    call: Call | None,
    commit: Commit,
    *,
    settled: Settled,
    shown: dict[str, Any],
    fresh: list[Mapping[str, Any]],
) -> Answer | None:
    if settled.not_sent:
        commit.releases.extend(released(call) if call is not None else _claim_of(settled.attempt))
        return None
    if call is None:
        return None
    if settled.fault is not None:
        refusal = Refusal(
            Kind.INVALID,
            f"Missing required param: {settled.fault}. This card asks for authentication on another page.",
            code="parameter_missing",
            param=settled.fault,
            embed={"payment_intent": render.embedded(shown, call.principal)},
        )
        answer = await call.refuse(refusal)
    elif settled.declined is not None:
        answer = await call.refuse(_declined(settled.declined, settled, shown=shown, principal=call.principal))
    else:
        seen = render.for_principal(shown, call.principal)
        answer = await call.answer(await shim.for_version(ports, call, seen, fresh), fresh)
    if call.claim is not None:
        commit.answers.extend(answered(call, answer, await call.sealed(answer)))
    return answer


def _declined(declined: Decline, settled: Settled, *, shown: dict[str, Any], principal: Principal) -> Refusal:
    error = settled.intent.personal.get("last_payment_error")
    if settled.attempt.action in ("authorize", "complete") and error:
        return _refusal_of(error, shown, principal)
    kind = Kind.CARD
    code = declined.code
    if settled.attempt.action == "capture" and declined.decline_code in ("expired", "authorization_expired"):
        kind, code = Kind.INVALID, "charge_expired_for_capture"
    return Refusal(
        kind,
        declined.message,
        code=code,
        decline_code=declined.decline_code,
        network_decline_code=declined.network_decline_code,
        embed={"payment_intent": render.embedded(shown, principal)},
    )


def _refusal_of(error: Mapping[str, Any], shown: dict[str, Any], principal: Principal) -> Refusal:
    """A 402 made of ``last_payment_error``; the shopper's browser sees less of it."""
    seen = render.for_principal(shown, principal)["last_payment_error"]
    return Refusal(
        Kind.CARD,
        seen["message"],
        code=seen["code"],
        decline_code=seen.get("decline_code"),
        network_decline_code=seen.get("network_decline_code"),
        advice_code=seen.get("advice_code"),
        charge=error.get("charge"),
        embed={"payment_intent": render.embedded(shown, principal), "payment_method": dict(error["payment_method"])},
    )


def _claim_of(attempt: AttemptRow) -> list[ReleaseRow]:
    """The idempotency key of the request that opened ``attempt``: it may be used again."""
    claim = json.loads(attempt.data).get("claim")
    return [ReleaseRow(attempt.account, attempt.livemode, *claim)] if claim else []


def _of_intent(type_: str, shown: Mapping[str, Any], intent: Intent) -> Happening:
    return Happening(type_, PAYMENT_INTENT, render.without_secret(shown), intent.row.subject)


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
