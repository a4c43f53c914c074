"""A judge for tests: says of the next payments what it was told to say, allows the others, and remembers them all."""

from dataclasses import dataclass, field
from typing import Any

from lockgate.gateway.risk.core.subject import Subject
from lockgate.gateway.risk.core.verdict import Assessment, Verdict, strictest
from lockgate.gateway.rules.core.packed import pack
from lockgate.gateway.storage.records import RiskDecisionRow, RiskEventRow, RiskGuardRow
from lockgate.kernel.ids import new_id

RULE = "rule_1"
_NOTHING: dict[str, Any] = {"type": None, "reason": None, "seller_message": None}
_SAID: dict[Verdict, dict[str, Any]] = {
    "allow": _NOTHING,
    "flag": _NOTHING,
    "challenge": _NOTHING,
    "review": {"type": "manual_review", "reason": "rule", "seller_message": "Somebody looks at it."},
    "block": {"type": "blocked", "reason": "rule", "seller_message": "A rule blocked it."},
}


@dataclass
class Judge:
    """``verdicts`` are used up one a payment, ``challenge`` goes with all of them; ``guards`` with those to come."""

    verdicts: list[Verdict] = field(default_factory=list)
    challenge: bool = False
    guards: list[Any] = field(default_factory=list)
    subjects: list[Subject] = field(default_factory=list)
    stricter: list[Verdict | None] = field(default_factory=list)

    async def __call__(self, subject: Subject, *, stricter: Verdict | None = None) -> Assessment:
        self.subjects.append(subject)
        self.stricter.append(stricter)
        verdict = strictest(self.verdicts.pop(0) if self.verdicts else "allow", stricter or "allow")
        rule = RULE if verdict in ("block", "review") else None
        blocked = verdict == "block"
        event = RiskEventRow(
            subject.account, subject.livemode, subject.attempt, subject.now_ms, b"c" * 16, None, None, None, None,
            None, subject.amount, "blocked" if blocked else "open",
        )  # fmt: skip
        decision = RiskDecisionRow(
            account=subject.account, livemode=subject.livemode, id=new_id("rdec"), created=subject.now,
            at_ms=subject.now_ms, attempt=subject.attempt, intent=subject.intent, charge=subject.charge,
            verdict=verdict, challenge=self.challenge, flagged=verdict == "flag", score=42.0, model="m",
            ruleset="builtin", rule=rule, data="{}",
            attributes=pack({}).row, others="[null]",
        )  # fmt: skip
        guards: list[RiskGuardRow] = [guard(subject) for guard in self.guards] if stricter is None else []
        return Assessment(
            verdict=verdict, challenge=self.challenge and not blocked, level="normal", score=42.0, rule=rule,
            outcome={**_SAID[verdict], "risk_level": "normal", "risk_score": 42, "rule": rule}, event=event,
            decision=decision, guards=guards,
        )  # fmt: skip
