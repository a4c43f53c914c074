"""Ends a review because the payment is fine: what was held for it is taken, unless the merchant takes it herself.

The decision is one commit, with the order to capture already open in it: money that was approved is taken once,
whatever dies. An order that certainly was not sent is given again by the clock, until it is taken or refused, or
somebody decided otherwise.
"""

import json

from lockgate.gateway.payments import capture, conclude, find, held, keep, store
from lockgate.gateway.payments import cause as causes
from lockgate.gateway.payments.cause import Cause
from lockgate.gateway.payments.core import build, hidden
from lockgate.gateway.payments.core.records import Intent
from lockgate.gateway.payments.held import Opening
from lockgate.gateway.payments.ports import Ports
from lockgate.gateway.risk import close_review, render
from lockgate.gateway.risk import find as reviews_find
from lockgate.gateway.risk.core import reviews
from lockgate.gateway.risk.core.reviews import NotOpen, Review
from lockgate.gateway.scoring.labels import label
from lockgate.gateway.storage import business_time
from lockgate.gateway.storage.commit import Moved
from lockgate.gateway.storage.events import announce
from lockgate.gateway.storage.idempotency import claimed
from lockgate.gateway.storage.rows import AttemptRow, Commit
from lockgate.gateway.storage.write import write
from lockgate.kernel import clock, log
from lockgate.kernel.errors import Kind, Refusal
from lockgate.kernel.operations import Answer, Call

AGAIN_MS = 30_000
PORTION = 20
_logger = log.get("reviews")


async def approve(ports: Ports, call: Call) -> Answer:
    """The operation."""
    cause = causes.of_call(call)
    for _ in range(conclude.TRIES):
        review = await open_one(ports, call, verb="approved")
        closed = reviews.closed(review, "approved")
        assert closed.row.charge is not None, "a review is of a charge"
        before = await reviewed(ports, cause, review)
        opened = await _opening(ports, cause, before) if _is_held_for_review(before) else None
        commit = opened.commit if opened else Commit()
        commit.audits.append(cause.audit("review.approve", review.row.id, charge=closed.row.charge))
        commit.risk_labels.append(
            label(
                review.row.account, review.row.livemode,
                fraud=False, source="review", now=cause.now, known_ms=cause.now * 1000, charge=closed.row.charge,
            )
        )
        told = close_review.close(commit, closed)
        try:
            if opened is None:
                return await write(ports, call, commit=commit, rendered=told.rendered, happenings=[told])
            commit.claims += claimed(call, attempt=opened.attempt.id)
            await announce(commit, cause.origin, [told], ports.box)
            await ports.committer.commit(commit)
        except Moved:
            continue
        await _take(ports, cause, opened)
        return await conclude.answer_later(ports, call, told.rendered)
    raise build.busy()


async def portion(ports: Ports) -> int:
    """Take what was approved and could not be taken yet; returns how many."""
    done = 0
    for row in await store.approved_intents(ports.pool, before_ms=clock.now_ms() - AGAIN_MS, limit=PORTION):
        try:
            version = await find.api_version(ports.pool, row.account)
            now = await business_time.now(ports.pool, row.account, row.livemode)
            cause = causes.of_clock(row.account, row.livemode, name="reviews", api_version=version, now=now)
            opened = await _opening(ports, cause, await keep.open_intent(row, ports.box))
            await ports.committer.commit(opened.commit)
            await _take(ports, cause, opened)
            done += 1
        except Moved:
            continue  # somebody else decided
        except Exception:
            _logger.exception("an approved payment could not be taken", intent=row.id)
    return done


def is_ordered_by(attempt: AttemptRow) -> bool:
    """Whether ``attempt`` is to take what was approved here."""
    return attempt.action == "capture" and bool(json.loads(attempt.data).get("approved"))


async def open_one(ports: Ports, call: Call, *, verb: str) -> Review:
    """The review in the path, which must be open to be ``verb``."""
    row = await reviews_find.review(ports.pool, call.principal, call.path["review"])
    review = await render.opened(row, ports.box)
    try:
        reviews.closed(review, "approved")
    except NotOpen as error:
        raise Refusal(Kind.INVALID, f"This review is closed already and cannot be {verb}.") from error
    return review


async def reviewed(ports: Ports, cause: Cause, review: Review) -> Intent:
    """The payment that is under review; a Refusal while an order for it is out."""
    assert review.row.charge is not None, "a review is of a charge"
    id_ = review.row.intent or hidden.intent_of(review.row.charge)
    intent = await keep.open_intent(await find.intent(ports.pool, cause.principal, id_), ports.box)
    if intent.row.status == "processing" or (intent.row.status == "requires_capture" and intent.row.attempt):
        raise build.busy()
    return intent


def _is_held_for_review(intent: Intent) -> bool:
    """Whether it would have been captured at once, had nobody wanted to look at it first."""
    return intent.row.status == "requires_capture" and intent.data.get("capture_method") != "manual"


async def _opening(ports: Ports, cause: Cause, before: Intent) -> Opening:
    amount = before.row.amount_capturable
    return await held.opening(
        ports, cause, before,
        charge=await held.charge_of(ports, cause, before),
        action="capture",
        amount=amount,
        status="processing",
        reserve=amount,
        detail={"approved": True},
        audit=capture.AUDIT,
        call=None,
    )


async def _take(ports: Ports, cause: Cause, opened: Opening) -> None:
    """Send the order to capture and conclude it; whatever is not known afterwards is recovery's."""
    result = await capture.order(ports, cause, opened.charge, opened.attempt, final=True)
    await capture.finish(
        ports, cause, opened.intent, opened.charge, attempt=opened.attempt, result=result, call=None
    )
