"""Concludes attempts to verify a card: rows, events, audit and the stored answer in one commit, whoever comes first."""

import json
from typing import Any

from lockgate.gateway.customers import find as customers
from lockgate.gateway.customers import mandates
from lockgate.gateway.customers import render as customers_render
from lockgate.gateway.customers.core.shapes import PAYMENT_METHOD
from lockgate.gateway.payments import find, find_setups, render_setups, setup_edit
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.conclude import Begun
from lockgate.gateway.payments.core import counted, setups
from lockgate.gateway.payments.core.records import Method
from lockgate.gateway.payments.core.setup_attempts import Tried
from lockgate.gateway.payments.core.setups import SETUP_INTENT, Settled, Setup, Tries
from lockgate.gateway.payments.core.transitions import INDEFINITE
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.refund import releases_of
from lockgate.gateway.processors.contract import Result
from lockgate.gateway.storage.commit import CommitUnknown, Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import answered, claimed_and_answered, released
from lockgate.gateway.storage.rows import AttemptRow, Commit, PaymentMethodRow
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Call

TRIES = 5


async def conclude(
    ports: Ports, cause: Cause, attempt: AttemptRow, *, result: Result, call: Call | None
) -> Answer | None:
    """Commit 2. None when no request waits, or when nothing was sent.

    Another may have concluded the attempt already (recovery, or our own commit whose answer was lost): then the setup
    intent is shown as it stands.
    """
    assert attempt.intent is not None, "an attempt to verify has its setup intent"
    for _ in range(TRIES):
        current = await find.attempt(ports.pool, cause.principal, attempt.id)
        assert current is not None, "an attempt is never removed"
        setup = await setup_edit.read(ports, cause.principal, attempt.intent)
        if current.state == "failed":
            return None  # certainly not sent: whoever found that out gave the request's key back
        if current.state not in INDEFINITE:
            return await _show(ports, setup, call)
        method = await customers.payment_method(ports.pool, cause.principal, json.loads(attempt.data)["method"])
        shown = await customers_render.payment_method(method, ports.customers.box)
        tries = await _tries(ports, cause, current)
        settled = setups.settle(
            setup, current, result, method=method, shown=shown, tries=tries, now=cause.now, now_ms=clock.now_ms()
        )
        try:
            return await _write(ports, cause, settled, setup=setup, method=method, call=call)
        except (Moved, CommitUnknown):
            continue
    raise setup_edit.busy()


async def stopped(
    ports: Ports,
    cause: Cause,
    setup: Setup,
    attempt: AttemptRow,
    *,
    tried: Tried,
    method: Method,
    begun: Begun,
    call: Call,
) -> Answer:
    """The try ends in the commit that would have opened it: its verdict is to block it, so that no order goes out."""
    before = json.loads(attempt.data).get("before_latest")
    rows = await find_setups.setup_attempts(ports.pool, cause.principal, [before]) if before else []
    replaced = await render_setups.opened_try(rows[0], ports.box) if rows else None
    settled = setups.blocked(
        setup, attempt,
        method=method.row,
        fresh=method.fresh,
        shown=await customers_render.payment_method(method.row, ports.customers.box),
        tries=Tries(tried, replaced),
        now=cause.now,
        now_ms=clock.now_ms(),
    )
    answer = await _write(ports, cause, settled, setup=setup, method=method.row, call=call, begun=begun)
    assert answer is not None, "a request gets an answer"
    return answer


async def _tries(ports: Ports, cause: Cause, attempt: AttemptRow) -> Tries:
    """The setup attempt of ``attempt``, and the challenge that it replaces."""
    detail = json.loads(attempt.data)
    names = [detail["latest"], detail.get("before_latest")]
    rows = await find_setups.setup_attempts(ports.pool, cause.principal, [name for name in names if name])
    found = {row.id: await render_setups.opened_try(row, ports.box) for row in rows}
    return Tries(found[detail["latest"]], found.get(detail.get("before_latest")))


async def _write(
    ports: Ports,
    cause: Cause,
    settled: Settled,
    *,
    setup: Setup,
    method: PaymentMethodRow,
    call: Call | None,
    begun: Begun | None = None,
) -> Answer | None:
    """``setup`` and ``method`` are as they were read; ``begun`` where there is only this one commit."""
    acceptance, before = setup.personal.get("acceptance"), method
    was, setup, attempt = setup.row.status, settled.setup, settled.attempt
    commit = begun.commit if begun else Commit(risk_outcomes=counted.ended(attempt, declined=settled.declined))
    commit.setup_intents.append(await render_setups.sealed(setup, ports.box))
    commit.attempts.append(attempt)
    commit.setup_attempts += [await render_setups.sealed_try(tried, ports.box) for tried in settled.tried]
    said: dict[str, Any] = begun.said() if begun else {"outcome": attempt.state, "was": was}
    commit.audits.append(
        cause.audit(
            f"setup_intent.{attempt.action}", setup.row.id, status=setup.row.status, attempt=attempt.id, **said
        )
    )
    shown = render_setups.setup_intent(setup, ports.client_secrets)
    silent = {**shown, "client_secret": None}
    happenings = []
    for type_ in settled.events:
        seen = _as_created(silent, attempt) if type_ == "setup_intent.created" else silent
        happenings.append(Happening(type_, SETUP_INTENT, seen, setup.row.subject))
    fresh = [shown, *(render_setups.setup_attempt(tried) for tried in settled.tried)]
    if settled.method is not None:
        commit.payment_methods.append(settled.method)
        rendered = await customers_render.payment_method(settled.method, ports.customers.box)
        fresh.append(rendered)
        if settled.method.customer != before.customer:
            attached = Happening("payment_method.attached", PAYMENT_METHOD, rendered, settled.method.subject)
            happenings.insert(len(happenings) - 1, attached)
    if settled.mandate is not None:
        assert acceptance is not None, "a mandate rests on an acceptance"
        mandate = await mandates.sealed(settled.mandate, acceptance, ports.box)
        commit.mandates.append(mandate)
        fresh.append(await mandates.shown(mandate, ports.box))
    await announce(commit, cause.origin, happenings, ports.box)
    answer = None
    if settled.not_sent:
        commit.releases += released(call) if call else releases_of(attempt)
    elif call is not None:
        answer = await _answer(call, settled, shown, fresh=fresh)
        sealed = await call.sealed(answer) if call.claim else None
        if begun:
            commit.claims += claimed_and_answered(call, answer, sealed)
        else:
            commit.answers += answered(call, answer, sealed)
    await ports.committer.commit(commit)
    ports.poke()
    return answer


async def _answer(call: Call, settled: Settled, shown: dict[str, Any], *, fresh: list[dict[str, Any]]) -> Answer:
    embedded = render_setups.embedded(shown, call.principal)
    if settled.fault is not None:
        return await call.refuse(
            Refusal(
                Kind.INVALID,
                f"Missing required param: {settled.fault}. This card asks for authentication on another page.",
                code="parameter_missing",
                param=settled.fault,
                embed={"setup_intent": embedded},
            )
        )
    if settled.declined is not None:
        return await call.refuse(_declined(call, shown))
    return await call.answer(render_setups.for_principal(shown, call.principal), fresh=fresh)


def _declined(call: Call, shown: dict[str, Any]) -> Refusal:
    """The refusal that ``last_setup_error`` stands for; the shopper's browser sees less of it."""
    error = render_setups.for_principal(shown, call.principal)["last_setup_error"]
    return Refusal(
        Kind.CARD if error["type"] == "card_error" else Kind.INVALID,
        error["message"],
        code=error["code"],
        decline_code=error.get("decline_code"),
        network_decline_code=error.get("network_decline_code"),
        advice_code=error.get("advice_code"),
        param=error.get("param"),
        embed={
            "setup_intent": render_setups.embedded(shown, call.principal),
            "payment_method": error["payment_method"],
        },
    )


async def _show(ports: Ports, setup: Setup, call: Call | None) -> Answer | None:
    """Answer with the setup intent as it stands, and keep that as the answer to the request's key."""
    if call is None:
        return None
    shown = render_setups.setup_intent(setup, ports.client_secrets)
    if setup.row.status == "requires_payment_method" and shown["last_setup_error"]:
        answer = await call.refuse(_declined(call, shown))
    else:
        answer = await call.answer(render_setups.for_principal(shown, call.principal))
    if call.claim is not None:
        await ports.committer.commit(Commit(answers=answered(call, answer, await call.sealed(answer))))
    return answer


def _as_created(shown: dict[str, Any], attempt: AttemptRow) -> dict[str, Any]:
    """The setup intent as it was before its first confirmation, for the event that announces it."""
    return {
        **shown,
        "last_setup_error": None,
        "latest_attempt": None,
        "mandate": None,
        "next_action": None,
        "payment_method": json.loads(attempt.data)["method"],
        "status": "requires_confirmation",
    }
