"""Asks an account's outside engines before a payment: their words as attributes, and what they make of the verdict.

They are asked side by side, each within its own time. An engine that acts can only make the verdict stricter; one that
does not answer as it should leaves no attribute, and its account has said what holds then.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lockgate.gateway.identity.remembered import Remembered
from lockgate.gateway.risk.core.decide import Hit
from lockgate.gateway.risk.core.subject import Subject
from lockgate.gateway.risk.core.verdict import Verdict, strictest
from lockgate.gateway.risk.engines import find
from lockgate.gateway.risk.engines.ask import Asked, Asking
from lockgate.gateway.risk.engines.core.contract import Engine, Word, question, word
from lockgate.gateway.risk.engines.ports import Way
from lockgate.gateway.rules.core.catalogue import Attributes, Value
from lockgate.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class Consulted:
    """What the engines said together: the highest score, the strictest decision. ``hits`` go to the verdict beside the
    built-in rules; ``told`` is for the decision's record."""

    attributes: Mapping[str, Value] = field(default_factory=dict)
    hits: tuple[Hit, ...] = ()
    told: tuple[Mapping[str, Any], ...] = ()


NOBODY = Consulted()
_ON_FAILURE: Mapping[str, Verdict] = {"allow": "allow", "review": "review", "block": "block"}


class Engines:
    """The engines of all accounts, as they are set up a second ago at most."""

    def __init__(self, way: Way) -> None:
        self._asking = Asking(way)
        self._remembered: Remembered[tuple[str, bool], list[Engine]] = Remembered(
            lambda place: find.engines(way.pool, *place)
        )

    async def consult(self, subject: Subject, attributes: Attributes, *, hashes: Mapping[str, str]) -> Consulted:
        """Ask all engines that are asked before payments. ``hashes`` are keyed ones, in hexadecimal."""
        asked_before = [
            engine
            for engine in await self._remembered.get((subject.account, subject.livemode))
            if engine.enabled and "before" in engine.stages
        ]
        if not asked_before:
            return NOBODY
        answers = await asyncio.gather(
            *(self._ask(engine, subject, attributes, hashes) for engine in asked_before)
        )
        return together(list(zip(asked_before, answers, strict=True)))

    async def _ask(
        self, engine: Engine, subject: Subject, attributes: Attributes, hashes: Mapping[str, str]
    ) -> Asked[Word]:
        id_ = new_id("rask")
        message = question(subject, attributes, id_=id_, hashes=hashes, shares=engine.shares)
        return await self._asking.ask(
            engine, message, read=lambda body: word(body, id_=id_), timeout_s=engine.timeout_ms / 1000
        )


def together(answers: list[tuple[Engine, Asked[Word]]]) -> Consulted:
    """The words of several engines as one."""
    words = [asked.answer for _, asked in answers if asked.answer is not None]
    scores = [said.score for said in words if said.score is not None]
    decisions: list[Verdict] = [said.decision for said in words if said.decision is not None]
    attributes: dict[str, Value] = {}
    if scores:
        attributes["engine_score"] = max(scores)
    if decisions:
        attributes["engine_decision"] = strictest(*decisions)
    hits = []
    for engine, asked in answers:
        verdict: Verdict | None = None
        if asked.answer is None:
            verdict = _ON_FAILURE[engine.on_failure]
        elif engine.acts:
            verdict = asked.answer.decision
        if verdict is not None and verdict != "allow":
            hits.append(Hit(engine.id, verdict, "engine"))
    told = tuple(
        {
            "engine": engine.id, "version": engine.version, "ms": asked.ms, "fault": asked.fault,
            "score": asked.answer and asked.answer.score, "decision": asked.answer and asked.answer.decision,
        }
        for engine, asked in answers
    )  # fmt: skip
    return Consulted(attributes, tuple(hits), told)
