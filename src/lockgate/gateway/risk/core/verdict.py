"""The five verdicts and their order, and the assessment: what one pass over a payment attempt decided, as rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from lockgate.gateway.storage.records import RiskDecisionRow, RiskEventRow, RiskGuardRow
from lockgate.gateway.storage.rows import AuditRow, Commit

Verdict = Literal["allow", "flag", "challenge", "review", "block"]
VERDICTS: tuple[Verdict, ...] = ("allow", "flag", "challenge", "review", "block")
"""From the mildest to the strictest."""

_RANK: Mapping[str, int] = {verdict: place for place, verdict in enumerate(VERDICTS)}

Level = Literal["normal", "elevated", "highest", "not_assessed"]


def strictest(*verdicts: Verdict) -> Verdict:
    """The strictest of ``verdicts``; ``allow`` of none."""
    return VERDICTS[max((_RANK[verdict] for verdict in verdicts), default=0)]


def at_least(verdict: Verdict, other: Verdict) -> bool:
    """Whether ``verdict`` is as strict as ``other``, or stricter."""
    return _RANK[verdict] >= _RANK[other]


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """One verdict, what the payment must do because of it, and every row that commit 1 must hold.

    ``challenge`` may come with ``review`` and ``flag``; a blocked payment is neither challenged nor reviewed. ``rule``
    is the rule that decided. ``outcome`` holds what the charge's ``outcome`` says of it, in the dialect's words:
    ``type``, ``reason``, ``risk_level``, ``risk_score``, ``rule`` and ``seller_message``; a type of None leaves the
    word to what the issuer says.
    """

    verdict: Verdict
    challenge: bool
    level: Level
    score: float | None
    rule: str | None
    outcome: Mapping[str, Any]
    event: RiskEventRow
    decision: RiskDecisionRow
    guards: Sequence[RiskGuardRow] = ()
    audits: Sequence[AuditRow] = field(default=(), repr=False)

    @property
    def blocked(self) -> bool:
        return self.verdict == "block"

    @property
    def review(self) -> bool:
        return self.verdict == "review"

    @property
    def flagged(self) -> bool:
        return self.decision.flagged

    def into(self, commit: Commit) -> None:
        """Put the rows into commit 1: the event, the decision, what must still hold, and what went wrong."""
        commit.risk_events.append(self.event)
        commit.risk_decisions.append(self.decision)
        commit.risk_guards.extend(self.guards)
        commit.audits.extend(self.audits)
