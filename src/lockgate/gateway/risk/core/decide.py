"""From what matched to one verdict: who wins over whom, and which rule is named for it."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from lockgate.gateway.risk.core.verdict import Verdict, strictest

Source = Literal["builtin", "published", "merchant", "engine", "level"]


class Hit(NamedTuple):
    """A rule that matched. ``shadow`` ones are on record and do nothing. Built-in ones have no version."""

    id: str
    action: Verdict
    source: Source
    shadow: bool = False
    version: int | None = None


class Decided(NamedTuple):
    """One verdict. ``by`` is the hit that made it, None where nothing matched; ``allowed`` the one that stopped others.

    ``flagged`` and ``challenge`` stand beside a stricter verdict, except that a blocked payment is not challenged.
    """

    verdict: Verdict
    challenge: bool
    flagged: bool
    by: Hit | None
    allowed: Hit | None


def decide(hits: Sequence[Hit]) -> Decided:
    """The verdict of ``hits``, which come in the order in which they are named: built-in ones first.

    A merchant's allow stops what the merchant's own rules and the score would block or have reviewed. Nothing stops a
    built-in rule; nothing stops a challenge or a flag.
    """
    acting = [hit for hit in hits if not hit.shadow]
    allowed = next((hit for hit in acting if hit.action == "allow"), None)
    standing = [
        hit
        for hit in acting
        if hit.action != "allow"
        and not (allowed is not None and hit.source in ("merchant", "level") and hit.action in ("block", "review"))
    ]
    actions: list[Verdict] = [hit.action for hit in standing]
    verdict = strictest(*actions)
    by = next((hit for hit in standing if hit.action == verdict), allowed)
    return Decided(
        verdict=verdict,
        challenge=verdict != "block" and any(hit.action == "challenge" for hit in standing),
        flagged=any(hit.action == "flag" for hit in standing),
        by=by,
        allowed=allowed,
    )


def stricter_of(one: Decided, other: Decided) -> Decided:
    """The stricter of two views of one payment; challenge and flag of either stand."""
    if one.verdict == other.verdict:
        verdict, by, allowed = one.verdict, one.by, one.allowed
    else:
        strict = one if strictest(one.verdict, other.verdict) == one.verdict else other
        verdict, by, allowed = strict.verdict, strict.by, strict.allowed
    return Decided(
        verdict,
        challenge=verdict != "block" and (one.challenge or other.challenge),
        flagged=one.flagged or other.flagged,
        by=by,
        allowed=allowed,
    )
