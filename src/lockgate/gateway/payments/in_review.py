"""A payment that a person is to look at: its review begins with it, and ends when it is let go."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core.records import Charge, Intent
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.risk import close_review, find, render
from lockgate.gateway.risk.core import reviews
from lockgate.gateway.risk.core.reviews import Facts
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.rows import AttemptRow, Commit
from lockgate.kernel.principal import Principal


async def told(
    ports: Ports,
    cause: Cause,
    commit: Commit,
    *,
    intent: Intent,
    charge: Charge,
    read: Charge | None,
    attempt: AttemptRow,
) -> list[Happening]:
    """Open or close in ``commit`` the review of a ``charge`` that has one; what to announce with it.

    ``read`` is the charge as it was before.
    """
    if charge.row.status == "succeeded" and (read is None or "review" not in read.data):
        return [await close_review.opening(ports.box, commit, opened(charge, now=cause.now))]
    if intent.row.status != "canceled":
        return []
    detail = json.loads(attempt.data)
    reason = "payment_never_settled" if detail.get("expired") else "canceled"
    if detail.get("refused"):
        reason = "refunded_as_fraud"
    return await close_review.closing(ports, cause.principal, commit, charge=charge.row.id, reason=reason)


async def shown(
    ports: Ports, principal: Principal, id_: str, fresh: Sequence[Mapping[str, Any]] = ()
) -> Mapping[str, Any]:
    """The review ``id_`` as the API shows it; ``fresh`` may hold it as it is about to be written."""
    for one in fresh:
        if one["object"] == "review" and one["id"] == id_:
            return one
    row = await find.review(ports.pool, principal, id_)
    return render.review(await render.opened(row, ports.box))


def opened(charge: Charge, *, now: int) -> reviews.Review:
    """The review of ``charge`` that begins now."""
    row = charge.row
    address = (charge.personal.get("billing_details") or {}).get("address") or {}
    facts = Facts(
        row.account, row.livemode, row.id, row.intent, row.subject, {"billing_zip": address.get("postal_code")}
    )
    return reviews.opened(facts, reason="rule", now=now)
