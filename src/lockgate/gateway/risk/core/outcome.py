"""What a charge's ``outcome`` says of a verdict, in the dialect's words."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.risk.core.verdict import Level, Verdict

_BLOCKED = "This payment was blocked as too risky."
_BY_RULE = "This payment was blocked by a rule."
_REVIEW = "This payment was put into the queue for manual review."


def outcome(verdict: Verdict, *, level: Level, score: float | None, rule: str | None) -> Mapping[str, Any]:
    """``type``, ``reason``, ``risk_level``, ``risk_score``, ``rule`` and ``seller_message`` of a charge's outcome.

    Where the verdict says nothing of its own, type, reason and seller_message are None: the issuer's answer fills them.
    A flagged payment shows as elevated. ``risk_score`` is whole, 0 to 99, as the dialect has it.
    """
    shown: dict[str, Any] = {
        "type": None,
        "reason": None,
        "risk_level": "elevated" if verdict == "flag" and level in ("normal", "not_assessed") else level,
        "risk_score": None if score is None else min(99, int(score)),
        "rule": rule,
        "seller_message": None,
    }
    if verdict == "block":
        by_level = level == "highest" and rule is None
        shown |= {
            "type": "blocked",
            "reason": "highest_risk_level" if by_level else "rule",
            "seller_message": _BLOCKED if by_level else _BY_RULE,
        }
    elif verdict == "review":
        by_level = level == "elevated" and rule is None
        shown |= {
            "type": "manual_review",
            "reason": "elevated_risk_level" if by_level else "rule",
            "seller_message": _REVIEW,
        }
    return shown
