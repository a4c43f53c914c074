"""Opens and closes reviews: inside the commit of whatever is the reason, or because a person approved the payment."""

from typing import Protocol

from lockgate.gateway.audit.record import record
from lockgate.gateway.risk import find, render
from lockgate.gateway.risk.core import reviews
from lockgate.gateway.risk.core.reviews import NotOpen, Review
from lockgate.gateway.risk.core.shapes import REVIEW
from lockgate.gateway.risk.ports import Box, Ports
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.rows import Commit
from lockgate.gateway.storage.write import settled, write
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Call
from lockgate.kernel.principal import Principal


class Reading(Protocol):
    """What the rooms that close reviews in passing have in their ports."""

    @property
    def pool(self) -> Pool: ...

    @property
    def box(self) -> Box: ...


async def opening(box: Box, commit: Commit, review: Review) -> Happening:
    """Put a new review into ``commit``; returns the event to announce there."""
    row = review.row
    if review.personal:
        row = row._replace(personal=await box.seal(row.account, row.subject, dict(review.personal)))
    commit.reviews.append(row)
    return Happening("review.opened", REVIEW, render.review(review), row.subject)


async def closing(ports: Reading, principal: Principal, commit: Commit, *, charge: str, reason: str) -> list[Happening]:
    """Close the open review of ``charge`` in ``commit``, if there is one; returns what to announce there."""
    found = await find.reviews(ports.pool, principal, [reviews.id_of(charge)])
    if not found or not found[0].is_open:
        return []
    return [_close(commit, reviews.closed(await render.opened(found[0], ports.box), reason))]


async def approve(ports: Ports, call: Call) -> Answer:
    """The answer to POST /v1/reviews/{review}/approve."""
    return await settled(lambda: _approve(ports, call))


async def _approve(ports: Ports, call: Call) -> Answer:
    who = call.principal
    before = await render.opened(await find.review(ports.pool, who, call.path["review"]), ports.box)
    try:
        review = reviews.closed(before, "approved")
    except NotOpen as error:
        raise Refusal(Kind.INVALID, "This review is closed already and cannot be approved.") from error
    commit = Commit(
        audits=[record(who, "review.approve", object_=review.row.id, request=call.request_id)]
    )
    happening = _close(commit, review)
    return await write(ports, call, commit=commit, rendered=happening.rendered, happenings=[happening])


def _close(commit: Commit, review: Review) -> Happening:
    commit.reviews.append(review.row)
    return Happening("review.closed", REVIEW, render.review(review), review.row.subject)
