"""Ends a session that nobody has paid: because the merchant says so, or because its time is over.

Its intent is canceled in the same commit, so that nobody can pay a session that has ended.
"""

from lockgate.gateway.checkout import find, render, settle
from lockgate.gateway.checkout.core import sessions
from lockgate.gateway.checkout.core.sessions import EXPIRED, WAITING, Session
from lockgate.gateway.checkout.ports import Ports
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import find as payments
from lockgate.gateway.payments import find_setups, keep, render_setups, shim
from lockgate.gateway.payments import render as payments_render
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core.setups import SETUP_INTENT
from lockgate.gateway.payments.core.shapes import PAYMENT_INTENT
from lockgate.gateway.storage.commit import CommitUnknown, Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.idempotency import claimed_and_answered
from lockgate.gateway.storage.records import CheckoutSessionRow
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.errors import Kind, Refusal, invalid
from lockgate.kernel.operations import Answer, Call

_TRIES = 5
_REASON = "automatic"


async def expire(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/checkout/sessions/{session}/expire."""
    cause = causes.of_call(call)
    for _ in range(_TRIES):
        row = await find.session(ports.pool, call.principal, call.path["session"])
        row = await settle.up_to_date(ports, row)
        if row.status != "open":
            raise invalid(
                'Only Checkout Sessions with a status in ["open"] can be expired. '
                f"This Checkout Session has a status of `{row.status}`.",
                param="session",
            )
        ended = await _end(ports, cause, row)
        if ended is None:
            break
        commit, session = ended
        shown = render.session(ports, session, version=call.api_version)
        answer = await call.answer(shown)
        commit.claims += claimed_and_answered(call, answer, await call.sealed(answer) if call.claim else None)
        try:
            await ports.committer.commit(commit)
        except Moved:
            continue
        ports.poke()
        return answer
    raise Refusal(
        Kind.CONFLICT,
        "The shopper is paying at this moment, or the session is being changed. Try again.",
        code="lock_timeout",
        should_retry=True,
    )


async def when_due(ports: Ports, row: CheckoutSessionRow) -> bool:
    """End a session whose time is over, unless it was paid meanwhile; whether anything was done."""
    row = await settle.up_to_date(ports, row)
    cause = await settle.cause_of(ports, row)
    if row.status != "open" or row.expires_at > cause.now:
        return False
    ended = await _end(ports, cause, row)
    if ended is None:
        return False
    try:
        await ports.committer.commit(ended[0])
    except (Moved, CommitUnknown):
        return False  # somebody was faster, or the next look will tell
    ports.poke()
    return True


async def _end(ports: Ports, cause: Cause, row: CheckoutSessionRow) -> tuple[Commit, Session] | None:
    """The commit that ends session and intent, and the session after it; None while somebody is paying."""
    commit = Commit()
    if row.setup_intent is not None:
        happening = await _cancel_setup(ports, cause, commit, row.setup_intent)
    else:
        assert row.payment_intent is not None, "a session has one intent or the other"
        happening = await _cancel_payment(ports, cause, commit, row.payment_intent)
    if happening is None:
        return None
    session = sessions.expired(await render.opened(row, ports.box))
    commit.checkout_sessions.append(await render.sealed(session, ports.box))
    commit.audits.append(cause.audit("checkout_session.expire", row.id, intent=session.intent))
    happenings = [happening, settle.told(ports, cause, session, EXPIRED)]
    await announce(commit, cause.origin, await shim.for_events(ports.payments, cause, happenings, []), ports.box)
    return commit, session


async def _cancel_payment(ports: Ports, cause: Cause, commit: Commit, id_: str) -> Happening | None:
    before = await keep.open_intent(await payments.payment_intent(ports.pool, cause.principal, id_), ports.box)
    if before.row.status not in WAITING:
        return None
    intent = before.after(
        "canceled",
        attempt=None,
        data={"canceled_at": cause.now, "cancellation_reason": _REASON, "next_action": None},
    )
    commit.payment_intents.append(await keep.intent_row(intent, ports.box))
    commit.audits.append(cause.audit("payment_intent.cancel", id_, status="canceled", reason=_REASON))
    shown = payments_render.without_secret(payments_render.shown_intent(intent, ports.client_secrets))
    return Happening("payment_intent.canceled", PAYMENT_INTENT, shown, intent.row.subject)


async def _cancel_setup(ports: Ports, cause: Cause, commit: Commit, id_: str) -> Happening | None:
    before = await render_setups.opened(
        await find_setups.setup_intent(ports.pool, cause.principal, id_), ports.box
    )
    if before.row.status not in WAITING:
        return None
    setup = before.after("canceled", attempt=None, data={"cancellation_reason": None, "next_action": None})
    commit.setup_intents.append(await render_setups.sealed(setup, ports.box))
    commit.audits.append(cause.audit("setup_intent.cancel", id_, status="canceled"))
    shown = {**render_setups.setup_intent(setup, ports.client_secrets), "client_secret": None}
    return Happening("setup_intent.canceled", SETUP_INTENT, shown, setup.row.subject)
