"""Reviews: opened and closed in other rooms' commits, once, and listed while they are open."""

import pytest

from lockgate.gateway.risk import close_review, find, render
from lockgate.gateway.risk.core import reviews
from lockgate.gateway.risk.core.reviews import Facts, NotOpen
from lockgate.gateway.risk.core.shapes import REVIEW
from lockgate.gateway.storage.commit import Taken
from lockgate.gateway.storage.rows import Commit
from lockgate.kernel.errors import Kind
from tests.gateway.risk.desk import ACCOUNT, LIVE, MERCHANT, STRANGER, Desk

pytestmark = pytest.mark.asyncio


async def opened(desk: Desk, charge: str = "ch_1", reason: str = "rule") -> str:
    facts = Facts(ACCOUNT, False, charge, "pi_1", "pi_1", {"billing_zip": "12345", "ip_address": None})
    review, commit = reviews.opened(facts, reason=reason, now=desk.now), Commit()
    happening = await close_review.opening(desk.ports.box, commit, review)
    assert happening.type == "review.opened" and happening.rendered["open"]
    await desk.ports.committer.commit(commit)
    return review.row.id


async def closed(desk: Desk, charge: str, reason: str = "approved") -> None:
    commit = Commit()
    [happening] = await close_review.closing(desk.ports, MERCHANT, commit, charge=charge, reason=reason)
    assert (happening.type, happening.rendered["reason"]) == ("review.closed", reason)
    await desk.ports.committer.commit(commit)


async def test_a_review_says_why_it_is_open_and_then_why_it_is_not(desk):
    id_ = await opened(desk)
    shown = await desk.do("review.get", review=id_)
    assert set(shown) == set(REVIEW.fields) and id_ == "prv_1"
    assert (shown["open"], shown["reason"], shown["opened_reason"], shown["closed_reason"]) == (
        True, "rule", "rule", None,
    )  # fmt: skip
    assert (shown["charge"], shown["payment_intent"], shown["billing_zip"]) == ("ch_1", "pi_1", "12345")
    await closed(desk, "ch_1")
    approved = await desk.do("review.get", review=id_)
    assert (approved["open"], approved["reason"], approved["opened_reason"], approved["closed_reason"]) == (
        False, "approved", "rule", "approved",
    )  # fmt: skip
    assert approved["billing_zip"] == "12345"


async def test_only_open_ones_are_listed(desk):
    first, second = await opened(desk, "ch_1"), await opened(desk, "ch_2", "manual")
    assert [one["id"] for one in (await desk.do("review.list"))["data"]] == [second, first]
    await closed(desk, "ch_2")
    assert [one["id"] for one in (await desk.do("review.list"))["data"]] == [first]
    assert (await desk.do("review.list", form={"created[lt]": desk.now}))["data"] == []
    assert (await desk.do("review.list", who=STRANGER))["data"] == []
    for who in (STRANGER, LIVE):
        assert (await desk.refused("review.get", review=first, who=who)).kind is Kind.NOT_FOUND


async def test_a_charge_is_reviewed_once(desk):
    await opened(desk)
    with pytest.raises(Taken):
        await opened(desk)


async def test_another_room_closes_it_in_its_own_commit(desk):
    id_ = await opened(desk)
    await closed(desk, "ch_1", "refunded_as_fraud")
    assert (await desk.do("review.get", review=id_))["closed_reason"] == "refunded_as_fraud"
    later = Commit()
    assert await close_review.closing(desk.ports, MERCHANT, later, charge="ch_1", reason="disputed") == []
    assert await close_review.closing(desk.ports, MERCHANT, later, charge="ch_9", reason="disputed") == []
    assert later.reviews == []


async def test_it_ends_only_once_and_for_a_reason_that_is_known(desk):
    await opened(desk)
    review = await render.opened(await find.review(desk.ports.pool, MERCHANT, "prv_1"), desk.ports.box)
    ended = reviews.closed(review, "canceled")
    with pytest.raises(NotOpen):
        reviews.closed(ended, "approved")
    with pytest.raises(AssertionError):
        reviews.closed(review, "because")
    assert reviews.refund_reason("fraudulent") == "refunded_as_fraud"
    assert reviews.refund_reason("duplicate") == reviews.refund_reason(None) == "refunded"
