"""Confirms setup intents: verify the card at the processor, and keep it with the cardholder's consent.

Two commits around the network, as for a payment. Commit 1 sets the intent to ``processing`` with an open attempt;
commit 2 writes what the answer makes of it. Recovery ends up in ``settle``, the shopper's way back in ``complete``.
"""

import json
from collections.abc import Mapping
from typing import Any

from lockgate.gateway.customers import find as customers
from lockgate.gateway.customers.core import mandates
from lockgate.gateway.customers.core.attach import usable
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import find, find_setups, judge, keep, render_setups, setup_conclude, setup_edit
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.conclude import Begun
from lockgate.gateway.payments.core import build, counted, return_token, setup_attempts, setups
from lockgate.gateway.payments.core.records import Method, dumps
from lockgate.gateway.payments.core.setup_attempts import Tried
from lockgate.gateway.payments.core.setups import Setup
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.refund import LEASE_MS, SEND_WITHIN_MS, TIMEOUT_MS, claim_of
from lockgate.gateway.payments.send import send
from lockgate.gateway.processors.contract import Authorize, Complete, Result, Steps
from lockgate.gateway.risk.core.verdict import Assessment
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.idempotency import claimed
from lockgate.gateway.storage.rows import AttemptRow, Commit, PaymentMethodRow, SetupIntentRow
from lockgate.kernel import clock, ids
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Call

TRIES = setup_conclude.TRIES
MAX_SHOPPER_TRIES = 10


async def create(ports: Ports, call: Call) -> Answer:
    """Make a setup intent, and confirm it at once if asked to."""
    if not call.params.get("confirm"):
        return await setup_edit.create(ports, call)
    acceptance = _acceptance(call)
    drafted, method = await setup_edit.draft(ports, call)
    if method is None:
        raise setup_edit.without_method()
    cause = causes.of_call(call)
    attempt, tried = await _attempt(ports, cause, drafted, method=method, call=call, born=True)
    row = drafted.row._replace(status="processing", attempt=attempt.id)
    setup = Setup(
        row, {**drafted.data, "latest_attempt": tried.row.id}, {"acceptance": acceptance} if acceptance else {}
    )
    return await _judged(
        ports, call, cause, setup, before=drafted.row, attempt=attempt, tried=tried, method=method
    )


async def confirm(ports: Ports, call: Call) -> Answer:
    """Verify the card of a setup intent and keep it."""
    cause = causes.of_call(call)
    acceptance = _acceptance(call)
    made: PaymentMethodRow | None = None
    for _ in range(TRIES):
        before = await setup_edit.read(ports, call.principal, call.path["id"])
        names_one = "payment_method" in call.params or "payment_method_data" in call.params
        if not names_one and before.row.payment_method is None:
            raise setup_edit.without_method(ports, call.principal, before)
        if before.row.status not in setups.CONFIRMABLE:
            raise setup_edit.unexpected(ports, call.principal, before, verb="confirm")
        if not call.principal.sees_secrets:
            await _check_shopper(ports, call, before)
        made = made or await setup_edit.chosen(ports, call, customer=before.row.customer, intent=before.row.id)
        method = made or await _kept_method(ports, cause, before)
        attempt, tried = await _attempt(ports, cause, before, method=method, call=call, born=False)
        setup = before.after(
            "processing",
            attempt=attempt.id,
            payment_method=method.id,
            data={
                "latest_attempt": tried.row.id,
                "next_action": None,
                "payment_method_options": setups.options(call.params, before.data["payment_method_options"]),
            },
            personal={"acceptance": acceptance},
        )
        try:
            return await _judged(
                ports, call, cause, setup, before=before.row, attempt=attempt, tried=tried, method=method
            )
        except Moved:
            continue
    raise setup_edit.busy()


async def complete(ports: Ports, *, account: str, livemode: bool, id_: str) -> Setup:
    """The shopper is back from the challenge: ask the processor how it went. Returns the setup intent as it then is."""
    version = await find.api_version(ports.pool, account)
    cause = causes.of_clock(account, livemode, name="return", api_version=version, now=clock.now())
    for _ in range(TRIES):
        before = await setup_edit.read(ports, cause.principal, id_)
        if before.row.status != "requires_action" or before.row.attempt is None:
            return before
        challenged = await find.attempt(ports.pool, cause.principal, before.row.attempt)
        assert challenged is not None, "an attempt is never removed"
        assert challenged.processor_reference is not None, "a challenge has its processor's reference"
        detail = json.loads(challenged.data)
        continued = {
            **detail,
            "announced": True,
            "before": "requires_action",
            "before_attempt": challenged.id,
            "before_data": {"next_action": before.data["next_action"]},
            "before_latest": None,
            "before_method": before.row.payment_method,
            "born": False,
            "claim": None,
            "verify": challenged.id,
        }
        attempt = _order_of(challenged, action="complete", now=cause.now, data=continued)
        setup = before.after("processing", attempt=attempt.id, data={"next_action": None})
        try:
            await _open(ports, cause, setup, attempt=attempt, commit=Commit())
        except Moved:
            continue
        steps = ports.processors[attempt.processor].complete(
            Complete(
                step=attempt.id,
                send_before_ms=attempt.send_before_ms,
                timeout_ms=TIMEOUT_MS,
                settings=ports.settings[attempt.processor],
                processor_reference=challenged.processor_reference,
                continuation=detail.get("continuation", {}),
            )
        )
        result = await send(ports, account=account, livemode=livemode, steps=steps)
        await setup_conclude.conclude(ports, cause, attempt, result=result, call=None)
        return await setup_edit.read(ports, cause.principal, id_)
    raise setup_edit.busy()


async def settle(ports: Ports, attempt: AttemptRow, result: Result) -> None:
    """Conclude an attempt to verify or to complete whose answer came late."""
    version = json.loads(attempt.data)["api_version"]
    cause = causes.of_clock(attempt.account, attempt.livemode, name="recovery", api_version=version, now=clock.now())
    await setup_conclude.conclude(ports, cause, attempt, result=result, call=None)


async def _check_shopper(ports: Ports, call: Call, setup: Setup) -> None:
    """A browser may save a card; it may not choose how it is verified, nor try cards until one fits."""
    if "payment_method_options" in call.params:
        raise Refusal(
            Kind.FORBIDDEN,
            "The parameter payment_method_options can only be sent with a secret key.",
            code="secret_key_required",
            param="payment_method_options",
        )
    if await find_setups.tries(ports.pool, call.principal, setup.row.id) >= MAX_SHOPPER_TRIES:
        raise Refusal(
            Kind.RATE_LIMITED,
            "This SetupIntent was tried too often. Ask the merchant for a new one.",
            code="rate_limit",
            reason="resource-specific",
            should_retry=False,
        )


async def _kept_method(ports: Ports, cause: Cause, setup: Setup) -> PaymentMethodRow:
    assert setup.row.payment_method is not None, "one without a payment method was refused before"
    method = await customers.payment_method(ports.pool, cause.principal, setup.row.payment_method)
    usable(method, setup.row.customer)
    return method


def _acceptance(call: Call) -> dict[str, Any] | None:
    """How the cardholder agreed to later payments, where the request says so."""
    data = call.params.get("mandate_data")
    return mandates.acceptance(data, call.principal, now=call.now) if data else None


async def _attempt(
    ports: Ports, cause: Cause, setup: Setup, *, method: PaymentMethodRow, call: Call, born: bool
) -> tuple[AttemptRow, Tried]:
    """The order that will verify ``method``, and the setup attempt that shows it."""
    now_ms = clock.now_ms()
    before = setup.row
    id_ = ids.new_id("pa")
    tried = setup_attempts.begun(
        before, id_=ids.new_id("setatt"), attempt=id_, method=method, usage=setup.data["usage"], now=cause.now
    )
    attempt = AttemptRow(
        account=before.account,
        livemode=before.livemode,
        id=id_,
        version=1,
        created=cause.now,
        action="verify",
        state="open",
        intent=before.id,
        charge=None,
        refund=None,
        processor=ports.card_processor,
        amount=0,
        currency=await find_setups.default_currency(ports.pool, before.account),
        processor_reference=None,
        send_before_ms=now_ms + SEND_WITHIN_MS,
        next_check_ms=now_ms + LEASE_MS,
        checks=0,
        data=dumps(
            {
                "api_version": call.api_version,
                "before": before.status,
                "before_attempt": before.attempt,
                "before_data": {
                    name: setup.data.get(name) for name in ("latest_attempt", "next_action", "payment_method_options")
                },
                "before_latest": setup.data.get("latest_attempt") if before.status == "requires_action" else None,
                "before_method": before.payment_method,
                "born": born,
                "claim": claim_of(call),
                "gives_mandate": ids.new_id("mandate") if call.params.get("mandate_data") else None,
                "latest": tried.row.id,
                "method": method.id,
                "return_url": call.params.get("return_url"),
                "script": call.params.get("use_stripe_sdk", False),
            }
        ),
    )
    return attempt, tried


def _order_of(challenged: AttemptRow, *, action: str, now: int, data: Mapping[str, Any]) -> AttemptRow:
    now_ms = clock.now_ms()
    return challenged._replace(
        id=ids.new_id("pa"),
        version=1,
        created=now,
        action=action,
        state="open",
        send_before_ms=now_ms + SEND_WITHIN_MS,
        next_check_ms=now_ms + LEASE_MS,
        checks=0,
        data=dumps(data),
    )


async def _judged(
    ports: Ports,
    call: Call,
    cause: Cause,
    setup: Setup,
    *,
    before: SetupIntentRow,
    attempt: AttemptRow,
    tried: Tried,
    method: PaymentMethodRow,
) -> Answer:
    """Have the try judged, commit it with its verdict, and verify the card unless that stops it. Raises Moved early.

    ``before`` is the intent as it was read. Where a person is to look at it there is nothing to hold: no money moves.
    """
    who = call.principal
    found = await find.means(
        ports.pool, who, method=method.id, customer=setup.row.customer, intent_id=setup.row.id
    )
    card = await keep.open_method(method, ports.box, fresh=found.method is None, found=found)
    subject = await judge.about(
        ports, call, attempt,
        amount=0,
        method=card,
        metadata=setup.data["metadata"],
        session=judge.session(call.params, method=card),
        tries=found.tries,
    )

    async def write(assessment: Assessment) -> tuple[Assessment, AttemptRow, Answer | None]:
        now_ms = clock.now_ms()  # a verdict may have taken its time
        opened = attempt._replace(send_before_ms=now_ms + SEND_WITHIN_MS, next_check_ms=now_ms + LEASE_MS)
        commit = Commit(risk_outcomes=counted.abandoned(before))
        assessment.into(commit)
        if assessment.blocked:
            begun = Begun(commit, assessment, was=before.status)
            stopped = await setup_conclude.stopped(
                ports, cause, setup, opened, tried=tried, method=card, begun=begun, call=call
            )
            return assessment, opened, stopped
        commit.claims += claimed(call, attempt=attempt.id)
        commit.setup_attempts.append(setup_attempts.written(tried))
        if card.fresh:
            commit.payment_methods.append(method)
        await _open(ports, cause, setup, attempt=opened, commit=commit, assessment=assessment)
        return assessment, opened, None

    assessment, opened, stopped = await judge.judged(ports, call, subject, write)
    if stopped is not None:
        await ports.pace.keep(call)
        return stopped
    return await _verify(ports, cause, setup, attempt=opened, method=card, call=call, assessment=assessment)


async def _open(
    ports: Ports,
    cause: Cause,
    setup: Setup,
    *,
    attempt: AttemptRow,
    commit: Commit,
    assessment: Assessment | None = None,
) -> None:
    """Commit 1: the intent is processing, and its attempt is open."""
    commit.setup_intents.append(await render_setups.sealed(setup, ports.box))
    commit.attempts.append(attempt)
    verdict = {"verdict": assessment.verdict, "decision": assessment.decision.id} if assessment else {}
    commit.audits.append(
        cause.audit(
            f"setup_intent.{attempt.action}", setup.row.id,
            outcome="open", status=setup.row.status, attempt=attempt.id, **verdict,
        )
    )
    await ports.committer.commit(commit)


async def _verify(
    ports: Ports,
    cause: Cause,
    setup: Setup,
    *,
    attempt: AttemptRow,
    method: Method,
    call: Call,
    assessment: Assessment,
) -> Answer:
    began = clock.monotonic()
    result = await send(
        ports,
        account=attempt.account,
        livemode=attempt.livemode,
        intent=setup.row.id,
        steps=_verification(ports, setup, attempt, method=method, challenge=assessment.challenge),
    )
    ports.pace.took(clock.monotonic() - began)
    answer = await setup_conclude.conclude(ports, cause, attempt, result=result, call=call)
    if answer is None:
        raise Refusal(
            Kind.UNAVAILABLE,
            "The processor cannot be reached. Nothing was set up; try again.",
            code="processor_unavailable",
            should_retry=True,
        )
    return answer


def _verification(ports: Ports, setup: Setup, attempt: AttemptRow, *, method: Method, challenge: bool) -> Steps:
    asked = setup.data["payment_method_options"]["card"]["request_three_d_secure"]
    return ports.processors[attempt.processor].authorize(
        Authorize(
            step=attempt.id,
            send_before_ms=attempt.send_before_ms,
            timeout_ms=TIMEOUT_MS,
            settings=ports.settings[attempt.processor],
            amount=0,
            currency=attempt.currency,
            card=method.row.token,
            capture=False,
            setup=True,
            has_cvc=method.has_cvc,
            has_line1=bool(method.address.get("line1")),
            has_postal_code=bool(method.address.get("postal_code")),
            three_d_secure=build.three_d_secure(asked, challenge=challenge),
            return_url=_way_back(ports, attempt, setup.row.id),
        )
    )


def _way_back(ports: Ports, attempt: AttemptRow, id_: str) -> str:
    """Where a challenge sends the cardholder: to us first, so that the card is saved before the merchant asks."""
    token = return_token.sign(
        ports.return_key,
        return_token.Return(attempt.account, attempt.livemode, id_, attempt.id, attempt.created + return_token.LIFE_S),
    )
    return f"{ports.public_url}/return/{token}"
