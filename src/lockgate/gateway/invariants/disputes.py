"""Holds the books of disputes against the processor's journal, entry by entry.

A dispute begins at the processor, so the books may be behind it until its message is worked through; not longer.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from lockgate.gateway.invariants.find_disputes import BookedDispute

_WITHDRAWN = frozenset({"needs_response", "under_review", "won", "lost"})


@dataclass(slots=True)
class WitnessedDispute:
    """What really moved; ``withdrawn_by`` and ``reinstated_by`` are the messages that told of it."""

    account: str
    withdrawn: int = 0
    reinstated: int = 0
    withdrawn_by: set[str] = field(default_factory=set)
    reinstated_by: set[str] = field(default_factory=set)


def read(entries: Iterable[Mapping[str, Any]]) -> dict[str, WitnessedDispute]:
    """Each dispute by the processor's id for it."""
    found: dict[str, WitnessedDispute] = {}
    for entry in entries:
        if entry["kind"] not in ("dispute", "evidence", "acceptance") or "becomes" not in entry:
            continue
        state = entry["becomes"]
        real = found.setdefault(state["id"], WitnessedDispute(entry["account"]))
        told = {notice["id"] for notice in entry.get("notices", ())}
        if state["status"] in _WITHDRAWN and not real.withdrawn:
            real.withdrawn, real.withdrawn_by = state["amount"], told
        if state["status"] == "won":
            real.reinstated, real.reinstated_by = state["amount"], told
    return found


def unbooked(
    journaled: Mapping[str, WitnessedDispute], booked: Mapping[str, BookedDispute], told: Set[str]
) -> Iterator[tuple[str, bool, str]]:
    """(account, mode, what) for money that moved, that we were told of, and that is not in the books."""
    for reference, real in journaled.items():
        known = booked.get(reference)
        account, _, mode = real.account.partition(":")
        name = known.dispute if known else reference
        if real.withdrawn_by & told and (known is None or known.withdrawn < real.withdrawn):
            yield account, mode == "live", f"{name}: {real.withdrawn} withdrawn, less of it in the books"
        if real.reinstated_by & told and (known is None or known.reinstated < real.reinstated):
            yield account, mode == "live", f"{name}: {real.reinstated} reinstated, less of it in the books"


def invented(
    journaled: Mapping[str, WitnessedDispute], booked: Mapping[str, BookedDispute]
) -> Iterator[tuple[str, bool, str]]:
    """(account, mode, what) for money in the books that never moved."""
    for reference, known in booked.items():
        real = journaled.get(reference, WitnessedDispute(known.account))
        for word, kept, moved in (
            ("withdrawn", known.withdrawn, real.withdrawn), ("reinstated", known.reinstated, real.reinstated),
        ):
            if kept > moved:
                yield known.account, known.livemode, f"{known.dispute}: {kept} {word} in the books, {moved} really"
