"""How a session learns what became of its intent: read both, and write the difference once, whoever comes first.

The room below knows nothing of sessions, so nobody tells them: the worker looks, and so does every reader, so that
nobody sees an open session after its payment has succeeded.
"""

from typing import Any

from lockgate.gateway.checkout import find, render
from lockgate.gateway.checkout.core import sessions
from lockgate.gateway.checkout.core.sessions import Learnt, Session
from lockgate.gateway.checkout.core.shapes import CHECKOUT_SESSION
from lockgate.gateway.checkout.new_customer import new_customer
from lockgate.gateway.checkout.ports import Ports
from lockgate.gateway.customers import find as customers
from lockgate.gateway.customers import render as customers_render
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import find as payments
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.commit import CommitUnknown, Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.records import CheckoutSessionRow
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.principal import Principal

_TRIES = 5


async def up_to_date(ports: Ports, row: CheckoutSessionRow) -> CheckoutSessionRow:
    """``row`` after what its intent says now. Where others keep changing it, as it was last read."""
    for _ in range(_TRIES):
        if not row.watched:
            return row
        who = Principal(row.account, row.livemode, "internal", "checkout")
        word = await find.word_of(ports.pool, who, row)
        session = await render.opened(row, ports.box)
        learnt = sessions.learn(session, word.status, in_doubt=word.in_doubt)
        if learnt is None:
            return row
        try:
            return await _write(ports, session, learnt, method=word.payment_method)
        except (Moved, CommitUnknown):
            row = await find.session(ports.pool, who, row.id)
    return row


async def cause_of(ports: Ports, row: CheckoutSessionRow) -> Cause:
    """Nobody's request: a session that ends by itself, at its account's own time."""
    return causes.of_clock(
        row.account,
        row.livemode,
        name="checkout",
        api_version=await payments.api_version(ports.pool, row.account),
        now=await business_time.now(ports.pool, row.account, row.livemode),
    )


async def _write(ports: Ports, session: Session, learnt: Learnt, *, method: str | None) -> CheckoutSessionRow:
    cause = await cause_of(ports, session.row)
    commit, happenings = Commit(), []
    columns: dict[str, Any] = {}
    personal = dict(session.personal)
    if learnt.event == sessions.COMPLETED:
        known = personal.get("customer_details") or {}
        personal["customer_details"] = sessions.details(await _billing(ports, cause, method), known)
        if sessions.creates_customer(session):
            columns["customer"], happenings = await new_customer(
                ports, cause, commit, session=session, details=personal["customer_details"], method=method
            )
    after = sessions.after(Session(session.row, session.data, personal), learnt, **columns)
    row = await render.sealed(after, ports.box)
    commit.checkout_sessions.append(row)
    commit.audits.append(
        cause.audit("checkout_session.settle", row.id, status=row.status, payment_status=row.payment_status)
    )
    if learnt.event is not None:
        happenings.append(told(ports, cause, after, learnt.event))
    await announce(commit, cause.origin, happenings, ports.box)
    await ports.committer.commit(commit)
    if happenings:
        ports.poke()
    return row


def told(ports: Ports, cause: Cause, session: Session, event: str) -> Happening:
    """The event about a session as it now is."""
    shown = render.without_secret(render.session(ports, session, version=cause.origin.api_version))
    return Happening(event, CHECKOUT_SESSION, shown, session.row.subject)


async def _billing(ports: Ports, cause: Cause, method: str | None) -> dict[str, Any]:
    rows = await customers.payment_methods(ports.pool, cause.principal, [method]) if method else []
    if not rows:
        return {}
    return (await customers_render.payment_method(rows[0], ports.box))["billing_details"]
