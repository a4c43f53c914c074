"""Reviews without IO: how one is opened for a charge, and the one move that it can make.

A charge has one review at most, so the review's id is derived from the charge's: whoever opens it a second time, after
a crash or beside another, writes the same row and is refused.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate.gateway.risk.core.shapes import CLOSED_REASONS, OPENED_REASONS
from lockgate.gateway.storage.records import ReviewRow

PERSONAL = ("billing_zip", "ip_address", "ip_address_location", "session")


@dataclass(frozen=True, slots=True)
class Facts:
    """What a review says about the payment that is to be looked at. ``subject`` is whose data ``personal`` is."""

    account: str
    livemode: bool
    charge: str
    intent: str | None
    subject: str
    personal: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Review:
    """A review in the hand; ``fresh`` ones are not sealed yet."""

    row: ReviewRow
    personal: Mapping[str, Any] = field(default_factory=dict, repr=False)
    fresh: bool = False


class NotOpen(Exception):
    """A review that was closed before cannot be closed again."""


def id_of(charge: str) -> str:
    """The id of the review of ``charge``."""
    return f"prv_{charge.partition('_')[2]}"


def opened(facts: Facts, *, reason: str, now: int) -> Review:
    """A review that begins now, because of a ``rule`` or because somebody wants one (``manual``)."""
    assert reason in OPENED_REASONS, "a review is opened for one of two reasons"
    assert not set(facts.personal) - set(PERSONAL), "a review holds no other personal data"
    row = ReviewRow(
        account=facts.account,
        livemode=facts.livemode,
        id=id_of(facts.charge),
        version=1,
        created=now,
        is_open=True,
        charge=facts.charge,
        intent=facts.intent,
        subject=facts.subject,
        data=json.dumps({"opened_reason": reason, "closed_reason": None}, separators=(",", ":")),
        personal=None,
    )
    return Review(row, {name: value for name, value in facts.personal.items() if value is not None}, fresh=True)


def closed(review: Review, reason: str) -> Review:
    """``review`` as it ends. Raises NotOpen when it has ended already."""
    assert reason in CLOSED_REASONS, "a review is closed for a reason that the dialect has"
    if not review.row.is_open:
        raise NotOpen
    data = {**json.loads(review.row.data), "closed_reason": reason}
    row = review.row._replace(
        version=review.row.version + 1, is_open=False, data=json.dumps(data, separators=(",", ":"))
    )
    return Review(row, review.personal, review.fresh)


def refund_reason(reason: str | None) -> str:
    """Why a full refund given for ``reason`` ends a review."""
    return "refunded_as_fraud" if reason == "fraudulent" else "refunded"
