"""Puts a verdict into rows: the decision with everything that it was made of, the event, and what must still hold."""

import json
from collections.abc import Sequence
from typing import Any

from lockgate.gateway.risk.core import guards
from lockgate.gateway.risk.core.decide import Decided
from lockgate.gateway.risk.core.facts import coarse
from lockgate.gateway.risk.core.gathered import Gathered
from lockgate.gateway.risk.core.outcome import outcome
from lockgate.gateway.risk.core.verdict import Assessment
from lockgate.gateway.risk.judged import Judged
from lockgate.gateway.rules.core.packed import Packed, pack
from lockgate.gateway.scoring.score import Score
from lockgate.gateway.storage.records import RiskDecisionRow, RiskEventRow
from lockgate.gateway.storage.rows import AuditRow
from lockgate.kernel.ids import new_id


def assessment(
    seen: Gathered,
    judged: Judged,
    decided: Decided,
    *,
    score: Score,
    guarded: bool,
    latency_us: int,
    audits: Sequence[AuditRow],
) -> Assessment:
    """The verdict ``decided``, ready for commit 1."""
    subject, by = seen.subject, decided.by
    armed, packed = seen.armed, pack(seen.attributes, seen.lists)
    decision = RiskDecisionRow(
        account=subject.account,
        livemode=subject.livemode,
        id=new_id("rdec"),
        created=subject.now,
        at_ms=subject.now_ms,
        attempt=subject.attempt,
        intent=subject.intent,
        charge=subject.charge,
        verdict=decided.verdict,
        challenge=decided.challenge,
        flagged=decided.flagged,
        score=score.score,
        model=score.model,
        ruleset=str(armed.merchant.revision) if armed is not None else "none",
        rule=by.id if by is not None else None,
        data=_dumps(_data(seen, judged, decided, packed=packed, score=score, latency_us=latency_us)),
        attributes=packed.row,
        others=_dumps(packed.others),
    )
    return Assessment(
        verdict=decided.verdict,
        challenge=decided.challenge,
        level=score.level,
        score=score.score,
        rule=decision.rule,
        outcome=outcome(decided, level=score.level, score=score.score),
        event=_event(seen, blocked=decided.verdict == "block"),
        decision=decision,
        guards=_guards(seen, judged) if guarded else (),
        audits=audits,
    )


def _data(
    seen: Gathered, judged: Judged, decided: Decided, *, packed: Packed, score: Score, latency_us: int
) -> dict[str, Any]:
    """What stands in a decision beside its columns; what is empty is left out."""
    data: dict[str, Any] = {
        "latency_us": latency_us,
        "attributes": packed.named,
        "lists": packed.lists,
        "rules": [[hit.id, hit.version, hit.action, hit.shadow] for hit in judged.hits],
        "settings": seen.armed.version if seen.armed is not None else None,
        "reasons": [[reason.feature, round(reason.value, 4), round(reason.added, 3)] for reason in score.reasons],
        "shadow_model": score.shadow,
        "faults": judged.faults,
        "engines": [dict(told) for told in judged.consulted.told],
        "hashes": seen.hashes,
        "session": seen.session.id if seen.session is not None else None,  # what signals learns by
    }
    if judged.unsigned is not None:
        data["without_session"] = [[hit.id, hit.version, hit.action, hit.shadow] for hit in judged.unsigned]
    if decided.allowed is not None:
        data["allowed_by"] = decided.allowed.id
    return {name: value for name, value in data.items() if value}


def _event(seen: Gathered, *, blocked: bool) -> RiskEventRow:
    subject, amount = seen.subject, seen.attributes.get("amount", 0)
    assert isinstance(amount, int), "an amount is in whole cents"
    return RiskEventRow(
        account=subject.account,
        livemode=subject.livemode,
        attempt=subject.attempt,
        at_ms=subject.now_ms,
        **seen.keys._asdict(),
        amount=amount,
        state="blocked" if blocked else "open",
        place=coarse(seen.place),
    )


def _guards(seen: Gathered, judged: Judged) -> list[Any]:
    subject = seen.subject
    place = guards.Place(subject.account, subject.livemode, subject.now_ms, seen.keys.by_kind())
    return guards.rows(judged.needs, place)


_dumps = json.JSONEncoder(separators=(",", ":")).encode
