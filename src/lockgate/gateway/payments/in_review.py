"""A payment of elevated risk is looked at by a person: its review begins with it, and ends when it is let go."""

import json

from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core.records import Charge, Intent
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.risk import close_review
from lockgate.gateway.risk.core import reviews
from lockgate.gateway.risk.core.reviews import Facts
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.rows import AttemptRow, Commit

_BEGINS = ("authorize", "complete")


async def told(
    ports: Ports, cause: Cause, commit: Commit, *, intent: Intent, charge: Charge, attempt: AttemptRow
) -> list[Happening]:
    """Open or close in ``commit`` the review of a ``charge`` that has one; what to announce with it."""
    if attempt.action in _BEGINS and attempt.state == "approved":
        return [await close_review.opening(ports.box, commit, _opened(charge, now=cause.now))]
    if intent.row.status != "canceled":
        return []
    reason = "payment_never_settled" if json.loads(attempt.data).get("expired") else "canceled"
    return await close_review.closing(ports, cause.principal, commit, charge=charge.row.id, reason=reason)


def _opened(charge: Charge, *, now: int) -> reviews.Review:
    row = charge.row
    address = (charge.personal.get("billing_details") or {}).get("address") or {}
    facts = Facts(
        row.account, row.livemode, row.id, row.intent, row.subject, {"billing_zip": address.get("postal_code")}
    )
    return reviews.opened(facts, reason="rule", now=now)
