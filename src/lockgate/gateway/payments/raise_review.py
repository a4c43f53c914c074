"""Has a person look at a payment that went through: an outside engine asked for it when it was told of the outcome."""

from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments import conclude, find, in_review, keep, render
from lockgate.gateway.payments.core.shapes import CHARGE
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.risk import close_review
from lockgate.gateway.risk.core import reviews
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.events import Happening, announce
from lockgate.gateway.storage.rows import Commit


async def raise_review(ports: Ports, account: str, livemode: bool, charge_id: str) -> bool:
    """Open a review of a charge that succeeded; False where there is none to look at, or there was one before.

    The payment stays what it is: approving the review ends it, and refunding as fraud gives the money back.
    """
    now = await business_time.now(ports.pool, account, livemode)
    version = await find.api_version(ports.pool, account)
    cause = causes.of_clock(account, livemode, name="risk", api_version=version, now=now)
    for _ in range(conclude.TRIES):
        rows = await find.charges(ports.pool, cause.principal, [charge_id])
        if not rows:
            return False
        charge = await keep.open_charge(rows[0], ports.box)
        if charge.row.status != "succeeded" or charge.data.get("review"):
            return False
        id_ = reviews.id_of(charge_id)
        looked_at = charge.after(data={"review": id_})
        commit = Commit(charges=[await keep.charge_row(looked_at, ports.box)])
        if charge.row.intent is not None:
            row = await find.intent(ports.pool, cause.principal, charge.row.intent)
            intent = await keep.open_intent(row, ports.box)
            commit.payment_intents.append(await keep.intent_row(intent.after(data={"review": id_}), ports.box))
        opened = await close_review.opening(ports.box, commit, in_review.opened(looked_at, now=now))
        shown = render.shown_charge(looked_at)
        commit.audits.append(cause.audit("review.open", id_, charge=charge_id))
        changed = Happening("charge.updated", CHARGE, shown, charge.row.subject, {"review": None})
        await announce(commit, cause.origin, [opened, changed], ports.box)
        try:
            await ports.committer.commit(commit)
        except Moved:
            continue
        ports.poke()
        return True
    raise Moved
