"""Judges one payment attempt before anything of it is sent: facts, velocity, score and rules, in one pass.

It has 50 milliseconds. Where it fails or is late, the payment is held for a person to look at, and that is on record.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from lockgate.gateway.risk import defend
from lockgate.gateway.risk.core.decide import Decided, Hit, decide, stricter_of
from lockgate.gateway.risk.core.gathered import Gathered
from lockgate.gateway.risk.core.guards import tighter
from lockgate.gateway.risk.core.published import CARDS
from lockgate.gateway.risk.core.subject import Subject
from lockgate.gateway.risk.core.untrusted import lists_without_session, without_session
from lockgate.gateway.risk.core.verdict import Assessment, Verdict
from lockgate.gateway.risk.defend import Defence
from lockgate.gateway.risk.degraded import degraded
from lockgate.gateway.risk.engines.consult import NOBODY, Consulted
from lockgate.gateway.risk.gather import Sources, gather, salvage
from lockgate.gateway.risk.judged import Judged
from lockgate.gateway.risk.record import assessment
from lockgate.gateway.rules.core.catalogue import Attributes, Value
from lockgate.gateway.rules.core.packed import settle
from lockgate.gateway.scoring.score import NONE, Score
from lockgate.kernel import clock, log

DEADLINE_S = 0.050
LENIENT_S = 5.0
"""In test mode, unless it is told to enforce: a developer's machine is not a shop."""

_GRACE_TURNS = 3
_logger = log.get("risk")
_Found = TypeVar("_Found")
Scores = Callable[[str, bool, Attributes], Awaitable[Score]]


class Consult(Protocol):
    """Asks the account's outside engines, each within a time of its own."""

    async def __call__(
        self, subject: Subject, attributes: Attributes, *, hashes: Mapping[str, str]
    ) -> Consulted: ...


async def nobody(subject: Subject, attributes: Attributes, *, hashes: Mapping[str, str]) -> Consulted:
    """Where there are no outside engines."""
    return NOBODY


@dataclass(frozen=True, slots=True)
class Engine:
    """What judging needs. ``scores`` gives the word of the account's model on a payment.

    ``enforce_in_test``: velocity and card-testing rules act in test mode too.
    """

    sources: Sources
    scores: Scores
    defence: Defence
    consult: Consult = nobody
    enforce_in_test: bool = False
    deadline_s: float = DEADLINE_S


async def assess(engine: Engine, subject: Subject, *, stricter: Verdict | None = None) -> Assessment:
    """The verdict on ``subject``, with every row that commit 1 must hold.

    A commit that is refused as Overrun wrote nothing: assess again, with ``now_ms`` read anew. ``stricter`` is the last
    resort of a caller that was overrun too often: a verdict that strict at least, and no guards. Refuses (a Refusal)
    only a browser that has to do some work first.
    """
    enforced = subject.livemode or engine.enforce_in_test
    if enforced:
        waited_ms = await defend.seat(engine.defence, subject)
        subject = replace(subject, now_ms=subject.now_ms + waited_ms) if waited_ms else subject
    started = clock.monotonic()
    seen, judged, score = Gathered(subject), Judged(), NONE
    try:
        deadline_s = engine.deadline_s if enforced else max(LENIENT_S, engine.deadline_s)
        await _within(gather(engine.sources, seen, enforced=enforced), deadline_s)
        left_s = max(0.0, deadline_s - (clock.monotonic() - started))
        seen.attributes = settle(seen.attributes)
        seen.stage = "engines"
        hashes = {kind: key.hex() for kind, key in seen.keys.by_kind().items() if key is not None}
        judged.consulted = await engine.consult(subject, seen.attributes, hashes=hashes)
        seen.attributes |= settle(judged.consulted.attributes)
        seen.stage = "score"
        score = await _within(_score(engine, seen), left_s)
    except TimeoutError:
        judged.faults.append(f"late:{seen.stage}")
    except Exception as error:
        # Whatever it is, the payment must not pass for it: nobody has judged it.
        _logger.exception("a payment could not be judged", stage=seen.stage)
        judged.faults.append(f"{seen.stage}:{type(error).__name__}")
    if judged.faults:
        seen.attributes = settle(seen.attributes)
        if not any(seen.keys):
            await _salvaged(engine, seen)
    score = _published(subject, score)
    decided = _decided(seen, judged, score, stricter=stricter)
    if decided.verdict != "block" and enforced:
        await defend.before_a_try(engine.defence, subject, seen.attributes)
    return assessment(
        seen,
        judged,
        decided,
        score=score,
        guarded=enforced and stricter is None,
        latency_us=int((clock.monotonic() - started) * 1e6),
        audits=[degraded(subject, fault) for fault in judged.faults],
    )


async def _salvaged(engine: Engine, seen: Gathered) -> None:
    """Held for a person, it may still be paid: let the limits know of it, if that can be said at all."""
    try:
        await _within(salvage(engine.sources, seen), engine.deadline_s)
    except Exception as error:
        _logger.error("a payment that could not be judged is not counted", fault=type(error).__name__)


def _decided(seen: Gathered, judged: Judged, score: Score, *, stricter: Verdict | None) -> Decided:
    """One verdict of everything that is known, or was known before something failed."""
    seen.attributes |= _said(score)
    try:
        _match(seen, judged)
    except Exception as error:
        _logger.exception("a payment could not be judged", stage="match")
        judged.faults.append(f"match:{type(error).__name__}")
    always = [*_always(seen.subject, judged, stricter), *judged.consulted.hits]
    decided = decide([*always, *judged.hits])
    if judged.unsigned is not None:
        decided = stricter_of(decided, decide([*always, *judged.unsigned]))
    judged.hits = [*always, *judged.hits]
    return decided


def _match(seen: Gathered, judged: Judged) -> None:
    if seen.armed is None:
        return
    judged.hits, judged.needs = seen.armed.matches(seen.attributes, seen.lists)
    if seen.session is not None:
        bare = without_session(seen.attributes, address_too=seen.from_session) | seen.unsigned
        lists = lists_without_session(seen.lists, address_too=seen.from_session)
        judged.unsigned, needs = seen.armed.matches(bare, lists)
        judged.needs = tighter([judged.needs, needs])  # the verdict is the stricter of both: it rests on both


def _always(subject: Subject, judged: Judged, stricter: Verdict | None) -> list[Hit]:
    """What acts whatever the rules say."""
    found = []
    if judged.faults:
        found.append(Hit("builtin.degraded", "review", "builtin"))
    if stricter is not None:
        found.append(Hit("builtin.overtaken", stricter, "builtin"))
    card = CARDS.get(subject.card.test or "") if subject.card is not None and not subject.livemode else None
    if card is not None and card.verdict is not None and not subject.setup:  # they can be kept, and not paid with
        found.append(Hit("builtin.test_card", card.verdict, "published"))
    return found


async def _score(engine: Engine, seen: Gathered) -> Score:
    """The model's word; where a browser said something, the higher of what it is with that and without."""
    subject = seen.subject
    score = await engine.scores(subject.account, subject.livemode, seen.attributes)
    if seen.session is None or score.score is None:
        return score
    bare = without_session(seen.attributes, address_too=seen.from_session)
    unsigned = await engine.scores(subject.account, subject.livemode, bare)
    seen.unsigned = _said(_published(subject, unsigned))
    return unsigned if unsigned.score is not None and unsigned.score > score.score else score


def _said(score: Score) -> dict[str, Value]:
    """A score as rules see it."""
    found: dict[str, Value] = {"risk_level": score.level}
    if score.score is not None:
        found["risk_score"] = round(score.score, 2)
    return settle(found)


def _published(subject: Subject, score: Score) -> Score:
    """In test mode the published risk test cards are what their names say."""
    card = CARDS.get(subject.card.test or "") if subject.card is not None and not subject.livemode else None
    return score if card is None else replace(score, level=card.level, score=float(card.score))


async def _within(work: Awaitable[_Found], seconds: float) -> _Found:
    """What ``work`` gives; raises TimeoutError when it is not done in time.

    When this process was busy with something else, the answer may already be here and only not looked at: it gets a few
    turns of the loop to be.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait({task}, timeout=seconds)
        for _ in range(_GRACE_TURNS):
            if task.done():
                break
            await asyncio.sleep(0)
        if not task.done():
            raise TimeoutError
    finally:
        if not task.done():
            task.cancel()
            task.add_done_callback(_forget)
    return task.result()


def _forget(task: "asyncio.Future[Any]") -> None:
    """Nobody waits for it any more, so nobody else would look at how it ended."""
    if not task.cancelled():
        task.exception()
