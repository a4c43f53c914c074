"""Adds up what a rule would have done: what it matched, what that would have changed, and what is known by now."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from lockgate.gateway.rules.core.nodes import Action

Known = Literal["fraud", "good", "unknown"]

_RANK: Mapping[str, int] = {"allow": 0, "flag": 1, "challenge": 2, "review": 3, "block": 4}


class Group(NamedTuple):
    """Decisions that are alike: the verdict then, whether the rule matches, and what is known of them by now."""

    verdict: str
    challenge: bool
    flagged: bool
    matched: bool
    known: Known
    payments: int
    amount: int


@dataclass(slots=True)
class Sum:
    """How many payments, and what they were worth in US cents."""

    count: int = 0
    amount: int = 0

    def add(self, group: Group) -> None:
        self.count += group.payments
        self.amount += group.amount


@dataclass(slots=True)
class Tally:
    """A back-test's figures. ``by_verdict`` has what matched by the verdict then; ``changed`` what the rule would have
    treated otherwise; ``false_positives`` matched and is not known as fraud, ``known_good`` of it is known to be none.
    """

    decisions: Sum = field(default_factory=Sum)
    matched: Sum = field(default_factory=Sum)
    changed: Sum = field(default_factory=Sum)
    frauds: Sum = field(default_factory=Sum)
    frauds_caught: Sum = field(default_factory=Sum)
    frauds_missed: Sum = field(default_factory=Sum)
    false_positives: Sum = field(default_factory=Sum)
    known_good: Sum = field(default_factory=Sum)
    by_verdict: dict[str, Sum] = field(default_factory=lambda: {verdict: Sum() for verdict in _RANK})

    def sums(self) -> dict[str, Sum]:
        """Every figure but ``by_verdict``, by its name."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "by_verdict"}


def tallied(action: Action, groups: Iterable[Group]) -> Tally:
    """The figures of a rule with this action."""
    tally = Tally()
    for group in groups:
        tally.decisions.add(group)
        if group.known == "fraud":
            tally.frauds.add(group)
            (tally.frauds_caught if group.matched else tally.frauds_missed).add(group)
        if not group.matched:
            continue
        tally.matched.add(group)
        tally.by_verdict[group.verdict].add(group)
        if _changes(action, group):
            tally.changed.add(group)
        if group.known != "fraud":
            tally.false_positives.add(group)
        if group.known == "good":
            tally.known_good.add(group)
    return tally


def _changes(action: Action, group: Group) -> bool:
    match action:
        case "allow":
            return group.verdict in ("review", "block")
        case "challenge":
            return not group.challenge and group.verdict != "block"
        case "flag":
            return not group.flagged and group.verdict != "block"
        case _:
            return _RANK[group.verdict] < _RANK[action]
