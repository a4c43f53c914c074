"""All rules of one account in one mode, made ready: the built-in ones, the merchant's, the score's."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from lockgate.gateway.risk.core import builtin
from lockgate.gateway.risk.core.builtin import ACTS_ALWAYS, ALLOWED, BLOCKED, LISTABLE, Builtin
from lockgate.gateway.risk.core.decide import Hit, Source
from lockgate.gateway.risk.core.guards import Needs, Rests, resting, tighter
from lockgate.gateway.risk.core.settings import Settings, is_allow_list, is_block_list
from lockgate.gateway.rules.core.catalogue import ATTRIBUTES, Attributes
from lockgate.gateway.rules.core.evaluate import Predicate, compiled
from lockgate.gateway.rules.core.nodes import Attribute, Missing, Rule, walk
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


class Armed:
    """``enforced``: velocity and card-testing act; otherwise (test mode) they are looked at, and do nothing."""

    def __init__(self, settings: Settings, merchant: Ruleset, *, version: int, enforced: bool) -> None:
        self.settings, self.version, self.enforced = settings, version, enforced
        self.merchant = merchant
        self._builtin = [_ready(one, "builtin", enforced=enforced) for one in builtin.rules(settings)]
        self._levels = [_ready(one, "level", enforced=enforced) for one in builtin.by_level(settings)]
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
        for ready in self._builtin:
            if ready.rests is None or not self.enforced:
                matched = ready.matches(attributes, kinds)
            else:
                matched, rested = ready.rests(attributes, kinds)
                needs.append(rested)
            if matched:
                hits.append(ready.hit)
        if any(ALLOWED in kinds.get(name, ()) for name in LISTABLE):
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


def _ready(one: Builtin, source: Source, *, enforced: bool) -> _Ready:
    hit = Hit(one.id, one.rule.action, source, shadow=not (enforced or ACTS_ALWAYS[one.kind]))
    return _Ready(hit, compiled(one.rule.when), resting(one.rule.when))
