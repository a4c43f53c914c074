"""All rules of one account in one mode, made ready: the built-in ones, the merchant's, the score's."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from lockgate.gateway.risk.core import builtin
from lockgate.gateway.risk.core.builtin import ACTS_ALWAYS, ALLOWED, BLOCKED, LISTABLE, Builtin
from lockgate.gateway.risk.core.decide import Hit, Source
from lockgate.gateway.risk.core.guards import Needs, Rests, resting, tighter
from lockgate.gateway.risk.core.settings import Settings, is_allow_list, is_block_list
from lockgate.gateway.rules.core.catalogue import ATTRIBUTES, Attributes
from lockgate.gateway.rules.core.evaluate import Predicate, compiled
from lockgate.gateway.rules.core.nodes import And, Attribute, Missing, Node, Rule, walk
from lockgate.gateway.rules.core.packed import Memberships
from lockgate.gateway.rules.core.ruleset import Ruleset


class Matches(NamedTuple):
    """The rules that matched, and between which bounds what they rest on may move without changing that."""

    hits: list[Hit]
    needs: Needs


@dataclass(frozen=True, slots=True)
class _Ready:
    hit: Hit
    matches: Predicate
    rests: Rests | None


class _Led(NamedTuple):
    """Rules that begin with the same condition, of which ``rules`` have the rest. It rests on nothing that is guarded:
    where it is not true none of them matches, whatever the counts. None: they begin with nothing of that kind."""

    lead: Predicate | None
    rules: Sequence[_Ready]


class Armed:
    """``enforced``: velocity and card-testing act; otherwise (test mode) they are looked at, and do nothing."""

    def __init__(self, settings: Settings, merchant: Ruleset, *, version: int, enforced: bool) -> None:
        self.settings, self.version, self.enforced = settings, version, enforced
        self.merchant = merchant
        self._builtin = _led(builtin.rules(settings), enforced=enforced)
        self._levels = [
            _ready(one, "level", one.rule.when, enforced=enforced) for one in builtin.by_level(settings)
        ]
        self._quiet = frozenset(
            named.id for named in merchant.rules if not enforced and names_velocity(named.rule)
        )
        self._merchant_rests = [
            rests
            for named in merchant.rules
            if enforced and not named.shadow and (rests := resting(named.rule.when)) is not None
        ]

    def serves(self, merchant: Ruleset, *, version: int) -> bool:
        """Whether this was made of the same rules, and of this version of the settings."""
        return self.merchant is merchant and self.version == version

    def matches(self, attributes: Attributes, lists: Memberships) -> Matches:
        """What matches a payment, in the order in which rules are named: built-in, the merchant's, the score's."""
        kinds = self._with_kinds(lists)  # for the built-in rules alone: merchants' see the lists as they are stored
        hits: list[Hit] = []
        needs: list[Needs] = []
        for lead, rules in self._builtin:
            if lead is not None and not lead(attributes, kinds):
                continue
            for ready in rules:
                if ready.rests is None or not self.enforced:
                    matched = ready.matches(attributes, kinds)
                else:
                    matched, rested = ready.rests(attributes, kinds)
                    needs.append(rested)
                if matched:
                    hits.append(ready.hit)
        if kinds is not lists and any(ALLOWED in kinds.get(name, ()) for name in LISTABLE):
            hits.append(Hit("builtin.allowed", "allow", "merchant"))
        for hit in self.merchant.evaluate(attributes, lists).hits:
            hits.append(Hit(hit.id, hit.action, "merchant", hit.shadow or hit.id in self._quiet, hit.version))
        hits += [ready.hit for ready in self._levels if ready.matches(attributes, lists)]
        needs += [rests(attributes, lists)[1] for rests in self._merchant_rests]
        return Matches(hits, tighter(needs) if needs else {})

    def _with_kinds(self, lists: Memberships) -> Memberships:
        """``lists`` with the two names that stand for every list of the account that blocks, or allows."""
        named: dict[str, Collection[str]] = {}
        for name, aliases in lists.items():
            if not aliases:  # nearly always
                continue
            kinds = [
                *([BLOCKED] if any(is_block_list(alias, self.settings) for alias in aliases) else []),
                *([ALLOWED] if any(is_allow_list(alias, self.settings) for alias in aliases) else []),
            ]
            if kinds:
                named[name] = [*aliases, *kinds]
        return {**lists, **named} if named else lists


def names_velocity(rule: Rule) -> bool:
    """Whether a rule asks how often or how much something was used."""
    return any(
        isinstance(node, Attribute | Missing) and ATTRIBUTES[node.name].source == "velocity"
        for node in walk(rule.when)
    )


def _ready(one: Builtin, source: Source, when: Node, *, enforced: bool) -> _Ready:
    hit = Hit(one.id, one.rule.action, source, shadow=not (enforced or ACTS_ALWAYS[one.kind]))
    return _Ready(hit, compiled(when), resting(when))


def _led(rules: Sequence[Builtin], *, enforced: bool) -> list[_Led]:
    """``rules`` in their order; what several in a row begin with is asked once."""
    return [
        _Led(
            None if lead is None else compiled(lead),
            [_ready(one, "builtin", _behind(lead, one.rule.when), enforced=enforced) for one in those],
        )
        for lead, those in groupby(rules, key=lambda one: _lead(one.rule.when))
    ]


def _lead(when: Node) -> Node | None:
    return when.parts[0] if isinstance(when, And) and resting(when.parts[0]) is None else None


def _behind(lead: Node | None, when: Node) -> Node:
    if lead is None or not isinstance(when, And):
        return when
    _, *rest = when.parts
    return And(tuple(rest)) if len(rest) > 1 else rest[0]
