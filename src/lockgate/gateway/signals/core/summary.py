"""A report as the facts that stay with its session: judged, and no more personal than a decision that repeats them."""

from collections.abc import Mapping, Sequence
from typing import Any

from lockgate.gateway.signals.core import bots, pointer
from lockgate.gateway.signals.core.params import TIMED
from lockgate.gateway.signals.core.session import HAND

_QUANTILES = (0.25, 0.5, 0.75)
_FEWEST_TIMES = 6


def facts(
    report: Mapping[str, Any], *, user_agent: str, conflicts: Sequence[str], trees: Mapping[str, Any]
) -> dict[str, Any]:
    """What ``core/judge`` reads of a session."""
    found = bots.signs(report, user_agent=user_agent, conflicts=len(conflicts), trees=trees)
    card, straight = report.get("card", {}), report.get("pointer", {}).get("straightness")
    return {
        "bot_score": bots.score(found),
        "signs": [sign.word for sign in found],
        "conflicts": list(conflicts),
        "webdriver": report["device"]["webdriver"],
        "timezone": report["device"].get("timezone"),
        "form_ms": report["visit"]["form_ms"],
        "pasted": card.get("pasted", False),
        "autofilled": card.get("autofilled", False),
        "straightness": None if straight is None else straight / 1000,
    }


def samples(report: Mapping[str, Any]) -> dict[str, list[float]]:
    """One sample of how this person types each field and moves the pointer, for profiles."""
    found = {}
    for role in TIMED:
        times = report.get("typing", {}).get(role, {})
        holds, gaps = times.get("holds", []), times.get("gaps", [])
        if len(holds) >= _FEWEST_TIMES and len(gaps) >= _FEWEST_TIMES:
            found[role] = [float(one) for one in (*_quantiles(holds), *_quantiles(gaps))]
    hand = pointer.usual(report.get("pointer", {}).get("strokes", []))
    return {**found, HAND: hand} if hand else found


def _quantiles(times: Sequence[int]) -> list[int]:
    return [times[round(part * (len(times) - 1))] for part in _QUANTILES]
