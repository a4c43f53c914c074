"""A refund that had succeeded comes back: the money is the merchant's again, and charge and books say so."""

import json

from lockgate.gateway.customers.core.changes import previous
from lockgate.gateway.ledger import transfers
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import find, find_refunds, render, shim
from lockgate.gateway.payments.core import refunds
from lockgate.gateway.payments.core.refunds import REFUND
from lockgate.gateway.payments.core.shapes import CHARGE
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.payments.turns import busy
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.commit import CommitUnknown, Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.rows import AttemptRow, Commit

TRIES = 20


async def write(ports: Ports, attempt: AttemptRow, *, reason: str | None) -> None:
    """Record the failure of the refund that ``attempt`` made; a second time changes nothing."""
    assert attempt.refund is not None and attempt.charge is not None, "a refund's attempt names refund and charge"
    version = json.loads(attempt.data)["api_version"]
    now = await business_time.now(ports.pool, attempt.account, attempt.livemode)
    cause = causes.of_clock(
        attempt.account, attempt.livemode, name="notification", api_version=version, now=now
    )
    for _ in range(TRIES):
        refund = await find_refunds.refund(ports.pool, cause.principal, attempt.refund)
        if refund.status != "succeeded":
            return
        charge = await find.charge(ports.pool, cause.principal, attempt.charge)
        assert refund.balance_transaction is not None, "what was given back has its balance transaction"
        given = await find_refunds.transaction(ports.pool, cause.principal, refund.balance_transaction)
        booked = transfers.refund_failed(
            refund,
            step=attempt.id,
            processor=charge.processor,
            fee_returned=-given.fee,
            now=now,
            available_on=given.available_on,
        )
        failed = refunds.failed(refund, reason=reason, transaction=booked.transaction.id)
        back = charge._replace(
            version=charge.version + 1, amount_refunded=charge.amount_refunded - refund.amount
        )
        commit = Commit(
            refunds=[failed],
            charges=[back],
            transfers=booked.transfers,
            balance_transactions=[booked.transaction],
            audits=[
                cause.audit(
                    "refund.fail", refund.id, was=refund.status, status="failed", amount=refund.amount, charge=charge.id
                )
            ],
        )
        shown, was = refunds.render(failed), previous(refunds.render(refund), refunds.render(failed))
        charge_shown = await render.charge(back, ports.box)
        charge_was = previous(await render.charge(charge, ports.box), charge_shown)
        happenings = [
            Happening("refund.updated", REFUND, shown, refund.id, was),
            Happening("charge.refund.updated", REFUND, shown, refund.id, was),
            Happening("refund.failed", REFUND, shown, refund.id),
            Happening("charge.updated", CHARGE, charge_shown, charge.subject, charge_was),
        ]
        await announce(commit, cause.origin, await shim.for_events(ports, cause, happenings, [shown]), ports.box)
        try:
            await ports.committer.commit(commit)
        except (Moved, CommitUnknown):
            continue
        ports.poke()
        return
    raise busy()
