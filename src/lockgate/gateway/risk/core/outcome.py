"""What a charge's ``outcome`` says of a verdict, in the dialect's words."""

from collections.abc import Mapping
from typing import Any

from lockgate.gateway.risk.core.decide import Decided
from lockgate.gateway.risk.core.verdict import Level

_BLOCKED = "This payment was blocked as too risky."
_BY_RULE = "This payment was blocked by a rule."
_REVIEW = "This payment was put into the queue for manual review."
_RISKY_REVIEW = "This payment has an elevated risk and was put into the queue for manual review."


def outcome(decided: Decided, *, level: Level, score: float | None) -> Mapping[str, Any]:
    """``type``, ``reason``, ``risk_level``, ``risk_score``, ``rule`` and ``seller_message`` of a charge's outcome.

    Where the verdict says nothing of its own, type, reason and seller_message are None: the issuer's answer fills them.
    A flagged payment shows as elevated. ``risk_score`` is whole, 0 to 99, as the dialect has it. What the score alone
    decided is named by its level, everything else by its rule.
    """
    by = decided.by
    by_level = by is not None and by.source in ("level", "published")
    shown: dict[str, Any] = {
        "type": None,
        "reason": None,
        "risk_level": "elevated" if decided.flagged and level in ("normal", "not_assessed") else level,
        "risk_score": None if score is None else min(99, int(score)),
        "rule": None if by is None or by_level else by.id,
        "seller_message": None,
    }
    if decided.verdict == "block":
        shown |= {
            "type": "blocked",
            "reason": f"{level}_risk_level" if by_level else "rule",
            "seller_message": _BLOCKED if by_level else _BY_RULE,
        }
    elif decided.verdict == "review":
        shown |= {
            "type": "manual_review",
            "reason": f"{level}_risk_level" if by_level else "rule",
            "seller_message": _RISKY_REVIEW if by_level else _REVIEW,
        }
    return shown
