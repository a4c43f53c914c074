"""Confirms a payment intent: the one flow that knows every room a payment passes through.

Commit 1 holds the intent in flight, its open attempt, an unsaved payment method and the idempotency claim; then the
order goes out with no transaction held; commit 2 holds what came of it. The charge is made only in commit 2, under an
id that the attempt carries from the start: pending, when the answer did not come.
"""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers import find_mandates, make, sessions
from lockgate.gateway.customers import render as customers_render
from lockgate.gateway.customers.core import mandates
from lockgate.gateway.customers.core.attach import usable
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import complete, conclude, find, finish, judge, keep, render
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import build, counted, hidden, return_token, settle, settle_authorization
from lockgate.gateway.payments.core.records import Intent, Method
from lockgate.gateway.payments.core.transitions import CONFIRMABLE, PAYMENT_INTENT, move
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.send import send
from lockgate.gateway.processors.contract import Authorize
from lockgate.gateway.risk.core.verdict import Assessment
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.idempotency import claimed
from lockgate.gateway.storage.records import CardTokenRow
from lockgate.gateway.storage.rows import AttemptRow, Commit
from lockgate.kernel import clock
from lockgate.kernel.errors import Kind, Refusal, invalid, missing
from lockgate.kernel.ids import new_id
from lockgate.kernel.operations import Answer, Call

MAX_SHOPPER_TRIES = 10
ALLOWED = "confirmed: requires_payment_method, requires_confirmation, requires_action"


async def confirm(ports: Ports, call: Call) -> Answer:
    """The operation: confirm the intent in the path with what the request gives."""
    params = call.params
    build.check_methods(params)
    _check_shopper(call)
    made: Method | None = None
    for _ in range(conclude.TRIES):
        row = await find.payment_intent(ports.pool, call.principal, call.path["intent"])
        before = await keep.open_intent(row, ports.box)
        await _check_confirmable(ports, call, before)
        changed = _changed(before, params)
        build.check_confirming(params, usage=changed.data.get("setup_future_usage"), confirms=True)
        gives_method = "payment_method" in params or "payment_method_data" in params
        if row.attempt is not None and not gives_method:
            answer = await complete.complete(ports, causes.of_call(call), before, call=call)
            assert answer is not None, "a request gets an answer"
            return answer
        if row.payment_method is None and not gives_method:
            shown = render.shown_intent(before, ports.client_secrets)
            raise _without_method(payment_intent=render.embedded(shown, call.principal))
        made = made or await chosen(ports, call, customer=row.customer, otherwise=row.payment_method, intent=row.id)
        try:
            return await run(ports, call, before, changed=changed, method=made)
        except Moved:
            continue
    raise build.busy()


async def chosen(
    ports: Ports, call: Call, *, customer: str | None, otherwise: str | None, intent: str | None
) -> Method:
    """The payment method to pay with: the request's, made if need be, else ``otherwise``."""
    method = await given(ports, call, customer=customer, intent=intent, otherwise=otherwise)
    if method is None:
        raise _without_method()
    return method


async def given(
    ports: Ports, call: Call, *, customer: str | None, intent: str | None, otherwise: str | None = None
) -> Method | None:
    """The payment method that the request names or describes, checked against ``customer``; None without one."""
    params = call.params
    id_ = params.get("payment_method") or (None if "payment_method_data" in params else otherwise)
    if id_ is not None and make.is_ready_made(id_):
        known = await _known(ports, call, customer, intent)
        row = await make.ready_made(ports.customers, call, id_)
        return await keep.open_method(row, ports.box, fresh=True, found=known)
    if id_ is None and "payment_method_data" in params:
        known = await _known(ports, call, customer, intent)
        data = params["payment_method_data"]
        await sessions.check(ports.pool, call.principal, data, path="payment_method_data")
        row = await make.from_data(ports.customers, call, data, customer=None, intent=intent)
        return await keep.open_method(row, ports.box, fresh=True, found=known)
    if id_ is None:
        await _known(ports, call, customer, intent)
        return None
    found = await find.means(ports.pool, call.principal, method=id_, customer=customer, intent_id=intent)
    if customer is not None and found.payer is None:
        raise missing("customer", customer, param="customer")
    if found.method is None:
        raise missing("PaymentMethod", id_, param="payment_method")
    usable(found.method, customer)
    return await keep.open_method(found.method, ports.box, found=found)


async def run(
    ports: Ports,
    call: Call,
    before: Intent,
    *,
    changed: Intent,
    method: Method,
    born: bool = False,
    token: CardTokenRow | None = None,
) -> Answer:
    """Send the payment and conclude it. ``changed`` is ``before`` with the request's changes; raises Moved early only.

    ``born``: the intent is made by this very request. ``token`` is what it is paid with, used by this payment.
    """
    await _check_mandate(ports, call, method)
    await sessions.check(ports.pool, call.principal, call.params)
    cause = causes.of_call(call)
    intent, opened, detail = _in_flight(ports, call, before, changed=changed, method=method, born=born, token=token)

    async def write(assessment: Assessment) -> tuple[AttemptRow, Assessment, Answer | None]:
        attempt = build.judged(opened, detail, assessment, now_ms=clock.now_ms())
        commit = Commit(risk_outcomes=counted.abandoned(before.row))
        assessment.into(commit)
        if token is not None:
            commit.card_tokens.append(token)
        if assessment.blocked:
            begun = conclude.Begun(commit, assessment, was=None if born else before.row.status)
            stopped = await _stopped(ports, cause, intent, attempt, method=method, begun=begun, call=call)
            return attempt, assessment, stopped
        commit.claims += claimed(call, attempt=attempt.id)
        commit.attempts.append(attempt)
        commit.payment_intents.append(await keep.intent_row(intent, ports.box))
        if method.fresh:
            commit.payment_methods.append(method.row)
        commit.audits.append(
            cause.audit(
                conclude.audit_word("payment_intent.confirm", intent), intent.row.id,
                outcome="begun", was=None if born else before.row.status, status=intent.row.status,
                attempt=attempt.id, amount=attempt.amount, verdict=assessment.verdict, decision=assessment.decision.id,
            )
        )
        await ports.committer.commit(commit)
        return attempt, assessment, None

    off_session = build.is_off_session(call.params)
    subject = await judge.about(
        ports, call, opened,
        amount=opened.amount,
        method=method,
        personal=intent.personal,
        metadata=intent.data.get("metadata"),
        session=detail["session"],
        off_session=off_session,
        tries=method.tries,
    )
    attempt, assessment, stopped = await judge.judged(ports, call, subject, write)
    if stopped is not None:
        await ports.pace.keep(call)
        return stopped
    began = clock.monotonic()
    result = await send(
        ports,
        account=attempt.account,
        livemode=attempt.livemode,
        intent=intent.row.id,
        steps=ports.processors[attempt.processor].authorize(
            _order(ports, intent, attempt, method=method, off_session=off_session, challenge=assessment.challenge)
        ),
    )
    ports.pace.took(clock.monotonic() - began)
    answer = await finish.authorization(ports, cause, intent, attempt, method=method, result=result, call=call)
    assert answer is not None, "a request gets an answer"
    return answer


async def _stopped(
    ports: Ports,
    cause: Cause,
    intent: Intent,
    attempt: AttemptRow,
    *,
    method: Method,
    begun: conclude.Begun,
    call: Call,
) -> Answer:
    """The payment ends here, in one commit: its verdict is to block it, so that no order goes out."""
    settled = settle_authorization.blocked(
        intent, attempt,
        method=method,
        shown_method=await shown_method(ports, method),
        verdict=begun.assessment.outcome,
        clock=settle.Clock(cause.now, clock.now_ms()),
    )
    answer = await conclude.write(
        ports, cause, settled, action="payment_intent.confirm", was=intent, read=None, call=call, begun=begun
    )
    assert answer is not None, "a request gets an answer"
    return answer


def _in_flight(
    ports: Ports,
    call: Call,
    before: Intent,
    *,
    changed: Intent,
    method: Method,
    born: bool,
    token: CardTokenRow | None,
) -> tuple[Intent, AttemptRow, dict[str, Any]]:
    """The intent while its order is out, and the attempt, with what concludes it; its verdict is still to come."""
    params = call.params
    attempt_id, charge_id = new_id("pa"), hidden.charge_of(before.row.id) or new_id("ch")
    # ``changed`` has the version that is to be written; only its state still has to move.
    row = changed.row._replace(
        status=move(PAYMENT_INTENT, before.row.status, "processing"), attempt=attempt_id, payment_method=method.row.id
    )
    intent = Intent(row, changed.data, changed.personal, changed.unsealed)
    if params.get("mandate_data"):
        acceptance = mandates.acceptance(params["mandate_data"], call.principal, now=call.now)
        intent = Intent(row, changed.data, {**changed.personal, "acceptance": acceptance}, unsealed=True)
    detail: dict[str, Any] = {
        **settle.memory(before),
        "born": born,
        "capture": intent.data.get("capture_method", "automatic") != "manual",
        "claim": [call.claim.key, call.claim.owner] if call.claim else None,
        "error_on_action": params.get("error_on_requires_action"),
        "gives_mandate": new_id("mandate") if params.get("mandate_data") else None,
        "mandate": params.get("mandate"),
        "method": method.row.id,
        # The older API knows no challenge: whoever pays by it cannot be sent to one.
        "off_session": build.is_off_session(params) or intent.is_hidden,
        "return_url": params.get("return_url"),
        "script": params.get("use_stripe_sdk"),
        "session": judge.session(params, method=method),
        "setup": intent.data.get("setup_future_usage"),
        "token": token.id if token else None,
    }
    attempt = build.attempt(
        intent, "authorize",
        id_=attempt_id,
        charge=charge_id,
        processor=ports.card_processor,
        amount=intent.row.amount,
        now=call.now,
        now_ms=clock.now_ms(),
        detail=detail,
    )
    return intent, attempt, detail


def _order(
    ports: Ports, intent: Intent, attempt: AttemptRow, *, method: Method, off_session: bool, challenge: bool
) -> Authorize:
    data, detail = intent.data, json.loads(attempt.data)
    options = data.get("payment_method_options", {}).get("card", {})
    return Authorize(
        step=attempt.id,
        send_before_ms=attempt.send_before_ms,
        timeout_ms=build.TIMEOUT_MS,
        now=build.told(attempt),
        settings=ports.settings[attempt.processor],
        amount=attempt.amount,
        currency=attempt.currency,
        card=method.row.token,
        capture=detail.get("capture", False),
        setup=data.get("setup_future_usage") is not None,
        off_session=off_session,
        has_cvc=method.has_cvc,
        has_line1=bool(method.address.get("line1")),
        has_postal_code=bool(method.address.get("postal_code")),
        three_d_secure=build.three_d_secure(options.get("request_three_d_secure"), challenge=challenge),
        return_url=_way_back(ports, attempt),
        network_transaction_id=method.consent.get("network_transaction_id"),
    )


def _way_back(ports: Ports, attempt: AttemptRow) -> str:
    """Where a challenge sends the shopper: to us first, so that the payment is completed before the merchant asks."""
    assert attempt.intent is not None, "an attempt to authorise has an intent"
    token = return_token.sign(
        ports.return_key,
        return_token.Return(
            attempt.account, attempt.livemode, attempt.intent, attempt.id, attempt.created + return_token.LIFE_S
        ),
    )
    return f"{ports.public_url}/return/{token}"


def _changed(before: Intent, params: Mapping[str, Any]) -> Intent:
    data, personal = build.changes(params, before.data)
    return before.after(data=data, personal=personal)


async def _check_confirmable(ports: Ports, call: Call, intent: Intent) -> None:
    row = intent.row
    if row.status == "processing" or (row.status == "requires_capture" and row.attempt is not None):
        raise build.busy()
    if row.status not in CONFIRMABLE:
        raise await conclude.unexpected(ports, call, intent, verb="confirm", allowed=ALLOWED)
    expected = call.params.get("amount_to_confirm")
    if expected is not None and expected != row.amount:
        raise invalid("The amount_to_confirm is not the amount of this PaymentIntent.", param="amount_to_confirm")
    if call.principal.sees_secrets:
        return
    if intent.data.get("confirmation_method") == "manual":
        raise Refusal(
            Kind.FORBIDDEN,
            "This PaymentIntent's confirmation_method is manual: it can only be confirmed with a secret key.",
            code="secret_key_required",
        )
    if await find.tries(ports.pool, call.principal, row.id) >= MAX_SHOPPER_TRIES:
        raise Refusal(
            Kind.RATE_LIMITED,
            "This PaymentIntent was tried too often. Ask the merchant for a new one.",
            code="rate_limit",
            reason="resource-specific",
            should_retry=False,
        )


def _check_shopper(call: Call) -> None:
    """A browser may pay; it may not say that nobody is there, nor how the money is taken."""
    if call.principal.sees_secrets:
        return
    for name in ("off_session", "capture_method", "payment_method_options", "error_on_requires_action"):
        if name in call.params:
            raise Refusal(
                Kind.FORBIDDEN,
                f"The parameter {name} can only be sent with a secret key.",
                code="secret_key_required",
                param=name,
            )


def _without_method(**embed: Any) -> Refusal:
    return Refusal(
        Kind.INVALID,
        "You cannot confirm this PaymentIntent because it's missing a payment method. Update the PaymentIntent with "
        "one and confirm it again, or send payment_method or payment_method_data when you confirm it.",
        code="payment_intent_unexpected_state",
        embed=embed,
    )


async def _check_mandate(ports: Ports, call: Call, method: Method) -> None:
    """A mandate that the request names must be the payment method's own, and still hold."""
    named = call.params.get("mandate")
    if named is None:
        return
    row = await find_mandates.mandate(ports.pool, call.principal, named)
    if row.status != "active" or row.payment_method != method.row.id:
        raise invalid(
            "The provided mandate is invalid and can not be used for the payment intent.",
            param="mandate",
            code="payment_intent_mandate_invalid",
        )


async def _known(ports: Ports, call: Call, customer: str | None, intent: str | None) -> find.Found | None:
    """What is known of a payment with a new card; None where nothing can be."""
    if customer is None and intent is None:
        return None
    found = await find.means(ports.pool, call.principal, method=None, customer=customer, intent_id=intent)
    if customer is not None and found.payer is None:
        raise missing("customer", customer, param="customer")
    return found


async def shown_method(ports: Ports, method: Method) -> dict[str, Any]:
    """A payment method as the API shows it."""
    return await customers_render.payment_method(method.row, ports.box)
