"""Whether anybody is there: signs that a program fills the page, each with how much it says by itself.

What a disguised program cannot easily avoid weighs as much as what an honest one admits: keys that are let go at once,
fields that change though nothing was pressed, a pointer that clicks where it never went.
"""

from collections.abc import Iterator, Mapping
from math import prod
from statistics import median
from typing import Any, NamedTuple

from lockgate.gateway.signals.core import pointer, rhythm
from lockgate.gateway.signals.core.params import TIMED

SURE_RHYTHM = 0.96
"""How sure the trees must be: above this they take one in a hundred forms of real people for a program's (G7)."""

_MOST = 0.99
_FEWEST_CARD_KEYS = 8
_BARELY_HELD = 6  # steps: 30 ms, a third of what people take
_FEW_FIELDS = 3


class Sign(NamedTuple):
    """A word for a reason, and how sure it makes of a program, 0 to 1."""

    word: str
    weight: float


def signs(
    report: Mapping[str, Any], *, user_agent: str, conflicts: int, trees: Mapping[str, Any]
) -> list[Sign]:
    """Every sign in ``report``; ``user_agent`` is the request's own header."""
    return [
        *_admitted(report["device"], user_agent),
        *_typed(report, trees),
        *_filled(report),
        *_pointed(report),
        *([Sign("conflicts", min(0.75, 0.25 * conflicts))] if conflicts else []),
    ]


def score(found: list[Sign]) -> int:
    """0 to 100: independent signs make surer together than the strongest of them alone."""
    return round(100 * min(_MOST, 1 - prod(1 - sign.weight for sign in found)))


def _admitted(device: Mapping[str, Any], user_agent: str) -> Iterator[Sign]:
    """What the browser itself says, or lacks."""
    if device["webdriver"]:
        yield Sign("webdriver", 0.97)
    if device.get("automation"):
        yield Sign("automation", 0.95)
    if "Headless" in user_agent or "Headless" in device.get("hint_brands", ""):
        yield Sign("headless", 0.97)
    if not device.get("languages"):
        yield Sign("no_languages", 0.5)
    if device.get("window", "1x1").startswith("0x0"):
        yield Sign("no_window", 0.6)
    is_desktop_chrome = "Chrome/" in user_agent and "Mobile" not in user_agent and "Android" not in user_agent
    if is_desktop_chrome and device.get("plugins") == 0:
        yield Sign("no_plugins", 0.4)
    if is_desktop_chrome and device.get("pointer") == "none":
        yield Sign("no_pointer", 0.4)


def _typed(report: Mapping[str, Any], trees: Mapping[str, Any]) -> Iterator[Sign]:
    """How the keys were pressed, in the fields of which times are known, and in the card's by their sums."""
    typing = report.get("typing", {})
    holds = [time for role in TIMED for time in typing.get(role, {}).get("holds", ())]
    gaps = [time for role in TIMED for time in typing.get(role, {}).get("gaps", ())]
    sure = rhythm.machine(holds, gaps, trees)
    if sure is not None and sure >= SURE_RHYTHM:
        yield Sign("rhythm", 0.8)
    if len(holds) >= rhythm.FEWEST and median(holds) <= _BARELY_HELD:
        yield Sign("keys_not_held", 0.85)
    for role in ("card", "other"):
        sums = report.get(role, {})
        if sums.get("count", 0) < _FEWEST_CARD_KEYS:
            continue
        if sums.get("hold_mean", 0) <= _BARELY_HELD:
            yield Sign(f"{role}_keys_not_held", 0.85)
        elif sums.get("hold_deviation", 0) == 0 or sums.get("gap_deviation", 0) == 0:
            yield Sign(f"{role}_keys_even", 0.85)


def _filled(report: Mapping[str, Any]) -> Iterator[Sign]:
    """How values came into the fields."""
    visit, touches = report["visit"], report.get("pointer", {}).get("touches", 0)
    keys, entered = visit.get("keys", 0), visit.get("autofills", 0) + visit.get("pastes", 0)
    if visit.get("injected", 0) and not touches:
        yield Sign("fields_changed_alone", 0.5 if keys or entered else 0.85)
    if visit.get("untrusted", 0):  # keepers of passwords do this too
        yield Sign("events_made_by_script", 0.3 if keys or entered else 0.6)
    filled = max(visit.get(name, 0) for name in ("fields", "injected", "untrusted"))
    if filled >= _FEW_FIELDS and not visit.get("autofills", 0):
        if visit["form_ms"] < 1_500:
            yield Sign("in_no_time", 0.8)
        elif visit["form_ms"] < 3_000:
            yield Sign("in_little_time", 0.3)
    moved = report.get("pointer", {}).get("moves", 0)
    if visit.get("fields", 0) and not (keys or entered or moved or touches):
        yield Sign("nothing_moved", 0.6)


def _pointed(report: Mapping[str, Any]) -> Iterator[Sign]:
    """How the pointer came to where it pressed."""
    found = report.get("pointer", {})
    if found.get("clicks", 0) >= 2 and not found.get("moves", 0):
        yield Sign("clicks_without_moves", 0.6)
    elif found.get("clicks", 0) >= 3 and found.get("still", 0) == found["clicks"]:
        yield Sign("clicks_from_nowhere", 0.6)
    share = pointer.mechanical(found.get("strokes", []))
    if share >= 0.5:
        yield Sign("pointer_along_a_ruler", 0.7 * share)
