"""A dispute ends the review of its payment: there is nothing left to decide."""

from lockgate.gateway.risk import close_review, find
from lockgate.gateway.risk.core import reviews
from lockgate.gateway.risk.core.reviews import Facts
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel import clock
from tests.gateway.disputes.court import Court
from tests.gateway.payments.desk import MERCHANT


async def reviewed(court: Court) -> tuple[str, str]:
    """A captured charge under review, and the review's id."""
    charge = await court.paid()
    facts = Facts(charge.account, charge.livemode, charge.id, charge.intent, charge.subject)
    commit = Commit()
    opened = reviews.opened(facts, reason="rule", now=clock.now())
    await close_review.opening(court.ports.box, commit, opened)
    await court.ports.committer.commit(commit)
    assert await court.told(await court.raised(charge))
    return charge.id, opened.row.id


async def test_a_dispute_closes_the_review_of_its_charge_once(court: Court) -> None:
    charge, id_ = await reviewed(court)
    row = await find.review(court.ports.pool, MERCHANT, id_)
    assert not row.is_open and row.charge == charge
    types = await court.desk.pool.fetch("select type from event where type like 'review.%'")
    assert [one["type"] for one in types] == ["review.closed"]
    await court.sound()
