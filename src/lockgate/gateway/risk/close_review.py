"""Opens and closes reviews, inside the commit of whatever is the reason."""

from typing import Protocol

from lockgate.gateway.risk import find, render
from lockgate.gateway.risk.core import reviews
from lockgate.gateway.risk.core.reviews import Review
from lockgate.gateway.risk.core.shapes import REVIEW
from lockgate.gateway.risk.ports import Box
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.events import Happening
from lockgate.gateway.storage.rows import Commit
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
    return [close(commit, reviews.closed(await render.opened(found[0], ports.box), reason))]


def close(commit: Commit, review: Review) -> Happening:
    """Put a review that has ended into ``commit``; returns the event to announce there."""
    commit.reviews.append(review.row)
    return Happening("review.closed", REVIEW, render.review(review), review.row.subject)
